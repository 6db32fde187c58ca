"""`antiphon scorer`: a scorer package out of sentences, for our engine and for DeepSpeech's own."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.kenlm_binary import pack_kenlm
from antiphon_engines.deepspeech.lexicon import Lexicon, lexicon_of
from antiphon_engines.deepspeech.lm import ORDER_MAX, ORDER_MIN, language_model
from antiphon_engines.deepspeech.scorer import save_scorer
from antiphon_engines.errors import EngineError, ModelError

TEXT_BYTES_MAX: Final = 256 * 1024**2
"""Counted in memory: about 5 million sentences. KenLM's own tools make larger models."""
_SPACES: Final = re.compile(r"\s+")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def scorer(
    texts: Annotated[list[Path], typer.Argument(help="Sentences, one a line.")],
    out: Annotated[Path, typer.Option(help="The package to write.")],
    alphabet: Annotated[
        Path | None, typer.Option(help="The acoustic model's alphabet.txt; else English.")
    ] = None,
    bytes_mode: Annotated[
        bool, typer.Option("--bytes", help="For a model in bytes mode: by characters, not words.")
    ] = False,
    order: Annotated[
        int, typer.Option(min=ORDER_MIN, max=ORDER_MAX, help="Words that are seen together.")
    ] = 3,
    alpha: Annotated[float, typer.Option(help="Weight of the language model.")] = 0.93,
    beta: Annotated[float, typer.Option(help="Reward of each word.")] = 1.18,
) -> None:
    """Make a scorer package: a language model, its words, and two weights."""
    try:
        letters = _alphabet(alphabet, bytes_mode=bytes_mode)
        sentences = [line for path in texts for line in _sentences(path, letters)]
        model = language_model(sentences, order=order)
        lexicon = lexicon_of(model.words, letters)
        _save(pack_kenlm(model), lexicon, out, alpha=alpha, beta=beta)
    except EngineError as error:
        print(f"antiphon scorer: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    left_out = len(model.words) - len(lexicon.words)
    print(
        f"{out} is written: {len(sentences)} sentences, {len(lexicon.words)} words"
        + (f"; {left_out} that the alphabet cannot write are left out" if left_out else "")
    )


def _alphabet(path: Path | None, *, bytes_mode: bool) -> Alphabet:
    if bytes_mode:
        return Alphabet.utf8()
    return Alphabet.read(path) if path else Alphabet.english()


def _sentences(path: Path, alphabet: Alphabet) -> Iterator[tuple[str, ...]]:
    """Yield a file's sentences, as words in small letters (in bytes mode as characters)."""
    try:
        if path.stat().st_size > TEXT_BYTES_MAX:
            raise ModelError(f"{path} is larger than {TEXT_BYTES_MAX} bytes; use KenLM's own tools")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not UTF-8 text") from None
    for line in text.splitlines():
        if alphabet.kind == "bytes":
            yield tuple(_SPACES.sub("", line))
        elif words := line.lower().split():
            yield tuple(words)


def _save(model: bytes, lexicon: Lexicon, out: Path, *, alpha: float, beta: float) -> None:
    try:
        save_scorer(model, lexicon, out, alpha=alpha, beta=beta)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written: {error.strerror}") from None


def main() -> None:
    """Entry point."""
    app()
