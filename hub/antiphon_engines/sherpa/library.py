"""The library itself: a folder's model loaded, and streams on it. Only the child imports this."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import sherpa_onnx

from antiphon_engines.errors import EngineFailedError, ModelError
from antiphon_engines.process.frames import Open
from antiphon_engines.sherpa import files
from antiphon_engines.sherpa.options import SherpaOptions
from antiphon_engines.stt.frames import (
    Answer,
    Begin,
    Candidate,
    Done,
    Drop,
    Feed,
    Finish,
    Heard,
    Read,
    Request,
    Text,
)
from antiphon_protocol.audio import SAMPLE_RATE_HZ

_STREAMS_MAX: Final = 64
_FULL_SCALE: Final = 32_768.0
_TAIL: Final = np.zeros(int(0.66 * SAMPLE_RATE_HZ), np.float32)
"""A streaming encoder looks so far ahead."""
_TRIAL: Final = bytes(2 * SAMPLE_RATE_HZ)
_UPPER_SHARE: Final = 0.5


class Library:
    """A loaded model with its streams.

    Raises:
        ModelError: the folder holds no model that can be used.
    """

    def __init__(self, options: SherpaOptions) -> None:
        self.model = files.find(Path(options.model), int8=options.int8)
        if options.hot_words and not self.model.biased:
            raise ModelError(
                f"{options.model}: hot words need a transducer with bpe.vocab beside it; this is "
                f"{self.model.kind}{' without it' if self.model.kind in files.BIASED else ''}"
            )
        self.streaming = self.model.kind in files.STREAMING
        self._upper = _is_upper(Path(self.model.files["tokens"]))
        self._always = options.hot_words
        self._streams: dict[int, Any] = {}
        try:
            self._recognizer: Any = _MAKERS[self.model.kind](self.model, options)
        except Exception as error:  # noqa: BLE001 - a foreign library fails in any way
            raise ModelError(f"{options.model}: cannot be loaded: {error}") from None
        self.begin(-1, ())
        self.feed(-1, _TRIAL)
        self.finish(-1)

    def answer(self, request: Request) -> Answer:
        """Do what is asked.

        Raises:
            ModelError: no such stream, or too many.
            EngineFailedError: a request out of turn.
        """
        match request:
            case Begin(stream=stream, hot_words=hot_words):
                self.begin(stream, hot_words)
            case Feed(stream=stream, pcm=pcm):
                self.feed(stream, pcm)
            case Read(stream=stream):
                return Text(self.read(stream))
            case Finish(stream=stream):
                return Heard((Candidate(self.finish(stream), 0.0, ()),))
            case Drop(stream=stream):
                self.drop(stream)
            case Open():
                raise EngineFailedError("Open came twice")
        return Done()

    def begin(self, stream: int, hot_words: tuple[str, ...]) -> None:
        """Open a stream.

        Raises:
            ModelError: too many are open.
        """
        if len(self._streams) >= _STREAMS_MAX:
            raise ModelError(f"{_STREAMS_MAX} streams are open already")
        words = (*self._always, *hot_words) if self.model.biased else ()
        said = [word.replace("/", " ") for word in words]
        biased = "/".join(one.upper() if self._upper else one.lower() for one in said)
        made = (
            self._recognizer.create_stream(biased) if biased else self._recognizer.create_stream()
        )
        self._streams[stream] = made

    def feed(self, stream: int, pcm: bytes) -> None:
        """Take signed 16-bit samples.

        Raises:
            ModelError: no such stream.
        """
        one = self._stream(stream)
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
        one.accept_waveform(SAMPLE_RATE_HZ, samples)
        if self.streaming:
            self._decode(one)

    def read(self, stream: int) -> str:
        """Return what was understood so far; nothing from a model that needs the whole.

        Raises:
            ModelError: no such stream.
        """
        one = self._stream(stream)
        return str(self._recognizer.get_result(one)) if self.streaming else ""

    def finish(self, stream: int) -> str:
        """End a stream and return its text.

        Raises:
            ModelError: no such stream.
        """
        one = self._stream(stream)
        del self._streams[stream]
        if not self.streaming:
            self._recognizer.decode_stream(one)
            return str(one.result.text)
        one.accept_waveform(SAMPLE_RATE_HZ, _TAIL)
        one.input_finished()
        self._decode(one)
        return str(self._recognizer.get_result(one))

    def drop(self, stream: int) -> None:
        """End a stream."""
        self._streams.pop(stream, None)

    def _decode(self, one: Any) -> None:
        while self._recognizer.is_ready(one):
            self._recognizer.decode_stream(one)

    def _stream(self, number: int) -> Any:
        if number not in self._streams:
            raise ModelError(f"stream {number} is not open")
        return self._streams[number]


def _is_upper(tokens: Path) -> bool:
    """Tell whether a model writes capitals, as those trained on LibriSpeech do."""
    text = tokens.read_text(encoding="utf-8", errors="replace")
    letters = [sign for sign in text if sign.isalpha() and sign.upper() != sign.lower()]
    return sum(sign.isupper() for sign in letters) > _UPPER_SHARE * len(letters)


def _biased(model: files.Model, options: SherpaOptions) -> dict[str, Any]:
    if not model.biased:
        return {}
    return {
        "decoding_method": "modified_beam_search",
        "modeling_unit": "bpe",
        "bpe_vocab": model.bpe_vocab,
        "hotwords_score": options.boost,
    }


def _whisper(model: files.Model, options: SherpaOptions) -> Any:
    language = options.language.partition("-")[0].lower()
    return sherpa_onnx.OfflineRecognizer.from_whisper(
        **model.files, num_threads=options.threads, language=language
    )


def _sense_voice(model: files.Model, options: SherpaOptions) -> Any:
    language = options.language.partition("-")[0].lower()
    return sherpa_onnx.OfflineRecognizer.from_sense_voice(
        **model.files, num_threads=options.threads, language=language
    )


def _plain(make: Callable[..., Any], **more: Any) -> Callable[[files.Model, SherpaOptions], Any]:
    return lambda model, options: make(
        **model.files, num_threads=options.threads, **_biased(model, options), **more
    )


_MAKERS: Final[dict[files.Kind, Callable[[files.Model, SherpaOptions], Any]]] = {
    "streaming-ctc": _plain(sherpa_onnx.OnlineRecognizer.from_zipformer2_ctc),
    "streaming-transducer": _plain(sherpa_onnx.OnlineRecognizer.from_transducer),
    "nemo-ctc": _plain(sherpa_onnx.OfflineRecognizer.from_nemo_ctc),
    "whisper": _whisper,
    "transducer": _plain(sherpa_onnx.OfflineRecognizer.from_transducer),
    "nemo-transducer": _plain(
        sherpa_onnx.OfflineRecognizer.from_transducer, model_type="nemo_transducer"
    ),
    "moonshine": _plain(sherpa_onnx.OfflineRecognizer.from_moonshine),
    "moonshine-merged": _plain(sherpa_onnx.OfflineRecognizer.from_moonshine_v2),
    "sense-voice": _sense_voice,
    "wenet-ctc": _plain(sherpa_onnx.OfflineRecognizer.from_wenet_ctc),
}
