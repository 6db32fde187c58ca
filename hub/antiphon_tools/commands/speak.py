"""`antiphon speak`: text to speech into a WAV file."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from antiphon_engines import registry
from antiphon_engines.errors import EngineError, EngineMissingError, ModelError
from antiphon_engines.resample import Resampler
from antiphon_engines.settings import EnginesSection
from antiphon_engines.tts.port import TtsEngine
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.wav import write_wav

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def speak(
    text: Annotated[str, typer.Argument(help="What to say.")],
    out: Annotated[Path, typer.Option(help="The WAV file to write; 16-bit mono.")],
    engine: Annotated[
        str, typer.Option(help="Text-to-speech engine by name; else the first that is installed.")
    ] = "",
    voice: Annotated[str, typer.Option(help="A voice of the engine; else its own choice.")] = "",
    language: Annotated[str, typer.Option(help="The language of the text.")] = "en",
    rate_hz: Annotated[
        int, typer.Option(min=8000, max=48_000, help="Samples a second.")
    ] = SAMPLE_RATE_HZ,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A setting of the engine, as in a worker's [options.ENGINE]; repeatable.",
        ),
    ] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Speak a text into a WAV file; exit 0 if it was written."""
    try:
        one = load((engine,) if engine else EnginesSection().tts, language, parse(option or ()))
        try:
            began_s = time.perf_counter()
            pieces = say(one, text, language, voice, rate_hz)
            pcm = next(pieces, b"")
            first_ms = round((time.perf_counter() - began_s) * 1e3, 3)
            pcm += b"".join(pieces)
        finally:
            one.close()
        _write(out, write_wav(pcm, rate_hz))
    except EngineError as error:
        print(f"antiphon speak: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    seconds = len(pcm) / SAMPLE_BYTES / rate_hz
    said = {
        "file": str(out),
        "engine": one.name,
        "voice": voice,
        "language": language,
        "rate_hz": rate_hz,
        "seconds": round(seconds, 3),
        "first_audio_ms": first_ms,
    }
    print(json.dumps(said, ensure_ascii=False) if as_object else f"{out}: {seconds:.1f} s")


def load(wishes: Sequence[str], language: str, options: Mapping[str, Any]) -> TtsEngine:
    """Return the first of the engines that is installed and knows the language, else the last.

    Raises:
        EngineMissingError: none is.
        ModelError: one of its files cannot be used.
    """
    for name in wishes[:-1]:
        with contextlib.suppress(EngineMissingError):
            engine = registry.load_tts(name, options)
            if language.partition("-")[0].lower() in engine.languages:
                return engine
            engine.close()
    return registry.load_tts(wishes[-1], options)


def say(engine: TtsEngine, text: str, language: str, voice: str, rate_hz: int) -> Iterator[bytes]:
    """Yield the text's samples at that rate, piece by piece.

    Raises:
        ModelError: there is nothing to say, or no such voice.
        EngineFailedError: the engine broke.
    """
    if not text.strip():
        raise ModelError("there is nothing to say: the text is empty")
    resampler = Resampler(engine.rate_hz, rate_hz)
    for pcm in engine.synthesize(text, language=language, voice=voice):
        if ready := resampler.feed(pcm):
            yield ready
    yield resampler.feed(b"", last=True)


def parse(options: Sequence[str]) -> dict[str, Any]:
    """Return NAME=VALUE pairs as settings; a value that is JSON (5, 0.5, true) counts as such.

    Raises:
        ModelError: one has no `=`.
    """
    tree: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise ModelError(f"--option {option!r} is not of the form NAME=VALUE")
        try:
            tree[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            tree[name] = value
    return tree


def _write(path: Path, wav: bytes) -> None:
    try:
        path.write_bytes(wav)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}") from None


def main() -> None:
    """Entry point."""
    app()
