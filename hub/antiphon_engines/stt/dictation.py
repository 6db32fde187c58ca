"""Open English by pocketsphinx's own decoder: a pass along with the audio, and one at its end."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pocketsphinx

from antiphon_engines.errors import EngineFailedError, ModelError
from antiphon_engines.stt.features import (
    LIVE_FLOOR,
    Floats,
    FrontEnd,
    Normalizer,
    cepstra,
    log_energies,
    utterance,
)
from antiphon_engines.stt.port import SttHypothesis, SttPartial, SttResult
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import WAV_SECONDS_MAX

IDLE_DECODERS_MAX: Final = 4
"""Decoders that wait for the next utterance, some 100 MB each; more are dropped."""
LIVE_PRIOR_FRAMES: Final = 100.0
"""How much the typical voice weighs in the first pass until more is known, 10 ms each."""
CONFIDENCE: Final = 0.5
"""Nothing tells how far open text can be trusted."""
_BYTES_MAX: Final = int(WAV_SECONDS_MAX * SAMPLE_RATE_HZ) * SAMPLE_BYTES

T = TypeVar("T")


def model_path(name: str) -> Path:
    """Return the path of a file of the bundled model.

    Raises:
        ModelError: the library came without it.
    """
    path = Path(pocketsphinx.get_model_path(name))
    if not path.exists():
        raise ModelError(f"pocketsphinx has no {path}; install it anew")
    return path


class Decoders:
    """Idle decoders, each taken by one stream at a time."""

    def __init__(self) -> None:
        self._idle: list[Any] = []
        self._lock = threading.Lock()

    def take(self) -> Any:
        """Return an idle decoder, or a new one.

        Raises:
            EngineFailedError: the library refuses.
            ModelError: the library came without its model.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _decoder(
            {
                "hmm": str(model_path("en-us/en-us")),
                "dict": str(model_path("en-us/cmudict-en-us.dict")),
                "lm": str(model_path("en-us/en-us.lm.bin")),
                # Cepstra come to it normalised.
                "cmn": "none",
                "loglevel": "FATAL",
            }
        )

    def give(self, decoder: Any) -> None:
        """Give back a decoder whose utterance has ended."""
        with self._lock:
            if len(self._idle) < IDLE_DECODERS_MAX:
                self._idle.append(decoder)


class DictationStream:
    """See SttStream."""

    def __init__(self, decoders: Decoders) -> None:
        self._decoders = decoders
        self._pcm = bytearray()
        self._front = FrontEnd()
        self._live = Normalizer(LIVE_PRIOR_FRAMES)
        self._decoder: Any = decoders.take()
        _guard(self._decoder.start_utt)

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed; at most WAV_SECONDS_MAX in all."""
        decoder = self._open()
        self._pcm += pcm
        if len(self._pcm) > _BYTES_MAX:
            raise EngineFailedError(f"more than {WAV_SECONDS_MAX:g} s of audio")
        frames = cepstra(log_energies(self._front.feed(pcm), LIVE_FLOOR))
        self._live.learn(frames)
        _push(decoder, self._live.apply(frames), whole=False)

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        return SttPartial(text=_text(self._open()), may_end=False, must_end=False)

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        decoder = self._open()
        self._decoder = None
        _guard(decoder.end_utt)
        sound = utterance(bytes(self._pcm))
        text = ""
        if sound is not None:
            _guard(decoder.start_utt)
            _push(decoder, sound.cepstra, whole=True)
            _guard(decoder.end_utt)
            text = _text(decoder)
        self._decoders.give(decoder)
        if not text:
            return SttResult(best=None)
        best = SttHypothesis(text=text, source="dictation", confidence=CONFIDENCE)
        return SttResult(best=best, alternatives=(best,))

    def close(self) -> None:
        """See SttStream.close."""
        if self._decoder is not None:
            _guard(self._decoder.end_utt)
            self._decoders.give(self._decoder)
            self._decoder = None

    def _open(self) -> Any:
        if self._decoder is None:
            raise EngineFailedError("the stream is closed; open another")
        return self._decoder


def _push(decoder: Any, frames: Floats, *, whole: bool) -> None:
    data = np.ascontiguousarray(frames, dtype=np.float32).tobytes()
    if data:
        _guard(partial(decoder.process_cep, data, full_utt=whole))


def _text(decoder: Any) -> str:
    best = decoder.hyp()
    return best.hypstr if best is not None else ""


def _decoder(settings: Mapping[str, Any]) -> Any:
    decoder = _guard(lambda: pocketsphinx.Decoder(pocketsphinx.Config(**settings)))
    # The model's own feat.params asks for cmn=batch and wins: each utterance would be normalised a
    # second time, by what the decoder remembers of the one before.
    decoder.config["cmn"] = "none"
    _guard(lambda: decoder.reinit_feat(decoder.config))
    return decoder


def _guard(call: Callable[[], T]) -> T:
    try:
        return call()
    except (RuntimeError, ValueError, KeyError) as error:
        raise EngineFailedError(f"pocketsphinx: {error}") from error
