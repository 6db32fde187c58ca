"""Piper in its own process; the only module that touches its library (GPL-3.0).

Source: piper1-gpl, docs/API_PYTHON.md; the voice's JSON as its training writes it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from antiphon_engines.errors import EngineMissingError, ModelError
from antiphon_engines.tts.child import serve

_INPUTS: Final = ("input", "input_lengths", "scales")
_REMEDY: Final = "take a voice made for Piper: NAME.onnx with NAME.onnx.json beside it"
_SPEAKERS_MAX: Final = 255
"""With the voice's own name as many as a worker can announce."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.piper]` may hold."""

    model: str
    """Path of the voice's `.onnx` file."""
    config: str = ""
    """Path of its JSON file; empty: the same name with `.json` behind."""
    speaker: str = ""
    """Who speaks when a job names no voice; empty: the voice's default."""
    length_scale: Annotated[float, msgspec.Meta(ge=0.3, le=3.0)] = 1.0
    """How long sounds last: above 1 is slower."""
    threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2


class _Audio(msgspec.Struct):
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=48_000)]


class _Espeak(msgspec.Struct):
    voice: str


class _Config(msgspec.Struct):
    """What must be in a voice's JSON file, besides what Piper itself asks for."""

    audio: _Audio
    espeak: _Espeak
    num_symbols: int
    num_speakers: int
    phoneme_id_map: dict[str, list[int]]
    speaker_id_map: dict[str, int] = {}


class PiperSpeaker:
    """See child.Speaker.

    Raises:
        ModelError: the voice's files cannot be used.
        ImportError: piper-tts is not installed.
    """

    def __init__(self, options: Options) -> None:
        import onnxruntime  # noqa: PLC0415 - lazy: an optional engine
        from piper import PiperConfig, PiperVoice, SynthesisConfig  # noqa: PLC0415 - the same

        self._options = options
        model = Path(options.model)
        tree = _read_json(Path(options.config or f"{model}.json"))
        self._speakers = dict(list(tree.get("speaker_id_map", {}).items())[:_SPEAKERS_MAX])
        session = _session(onnxruntime, model, options.threads)
        self._voice = PiperVoice(session=session, config=PiperConfig.from_dict(tree))
        self._synthesis = SynthesisConfig
        self.rate_hz = int(tree["audio"]["sample_rate"])
        self.voices: tuple[str, ...] = (model.stem, *self._speakers)
        self.languages: tuple[str, ...] = (_language(tree["espeak"]["voice"]),)
        self._check_speaker(options.speaker)
        self._try_out(model)

    def speak(self, text: str, language: str, voice: str, sink: Callable[[bytes], bool]) -> None:
        """See Speaker.speak."""
        if _language(language) not in self.languages:
            raise ModelError(f"voice {self.voices[0]} speaks {self.languages[0]}, not {language!r}")
        speaker = voice if voice not in ("", self.voices[0]) else self._options.speaker
        self._check_speaker(speaker)
        wanted = self._synthesis(
            speaker_id=self._speakers.get(speaker), length_scale=self._options.length_scale
        )
        # Piper reads phonemes between double brackets; a reply's text is to be text.
        plain = text.replace("[[", " ").replace("]]", " ")
        for chunk in self._voice.synthesize(plain, syn_config=wanted):
            if not sink(chunk.audio_int16_bytes):
                return

    def _check_speaker(self, speaker: str) -> None:
        if speaker and speaker not in self._speakers:
            some = ", ".join(self.voices[:12])
            raise ModelError(f"voice {self.voices[0]} has no speaker {speaker!r}; it has: {some}")

    def _try_out(self, model: Path) -> None:
        try:
            self.speak("a", self.languages[0], "", lambda _pcm: True)
        except Exception as error:  # noqa: BLE001 - a foreign network fails in any way
            raise ModelError(f"{model}: cannot speak: {_line(error)}; {_REMEDY}") from None


def _session(onnxruntime: Any, model: Path, threads: int) -> Any:
    if not model.is_file():
        raise ModelError(f"{model}: no such file; {_REMEDY}")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    # What is wrong with a file is said once, by us.
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            str(model), sess_options=settings, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # noqa: BLE001 - onnxruntime has many errors and no base of its own
        raise ModelError(f"{model}: damaged, or no ONNX file: {_line(error)}; {_REMEDY}") from None
    names = {tensor.name for tensor in session.get_inputs()}
    if not names.issuperset(_INPUTS):
        raise ModelError(f"{model}: takes {sorted(names)}, not {list(_INPUTS)}; {_REMEDY}")
    return session


def _read_json(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        msgspec.convert(tree, _Config)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}; {_REMEDY}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a Piper voice's JSON: {_line(error)}; {_REMEDY}") from None
    return dict(tree)


def _language(voice: str) -> str:
    return voice.replace("_", "-").partition("-")[0].lower()


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _build(options: Mapping[str, Any]) -> PiperSpeaker:
    try:
        wanted = msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise ModelError(f"[options.piper]: {error}") from None
    try:
        return PiperSpeaker(wanted)
    except ImportError as error:
        raise EngineMissingError(f"{error}; pip install 'antiphon-hub[piper]'") from None


if __name__ == "__main__":
    serve(_build)
