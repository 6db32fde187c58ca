"""One utterance's way from samples to probabilities, chunk by chunk."""

from collections import deque
from concurrent.futures import CancelledError, Future
from typing import Final

import numpy as np

from antiphon_engines.deepspeech.batcher import WAIT_MAX_S, Lane
from antiphon_engines.deepspeech.features import ContextStream, FeatureStream
from antiphon_engines.deepspeech.runtime.port import CHUNK_FRAMES
from antiphon_engines.deepspeech.weights import Floats, Geometry
from antiphon_engines.errors import EngineFailedError

_SAMPLE_BYTES: Final = 2


class AcousticStream:
    """Samples in, probabilities out; one thread at a time.

    A chunk's computation goes on while the next samples come; `finish` waits for the last.

    Args:
        lane: Into the network.
        geometry: The network's.
        longest_s: Longer utterances are an error.
    """

    def __init__(self, lane: Lane, geometry: Geometry, *, longest_s: float) -> None:
        self._lane = lane
        self._features = FeatureStream(geometry)
        self._context = ContextStream(geometry)
        self._inputs: Floats = np.zeros((0, geometry.inputs), np.float32)
        self._answers: deque[Future[Floats]] = deque()
        self._odd = b""
        self._samples_left = int(longest_s * geometry.sample_rate_hz)
        self._longest_s = longest_s

    def push(self, pcm: bytes) -> list[Floats]:
        """Take signed 16-bit samples, any number of bytes; return what is computed by now.

        Returns:
            Probabilities, float32 [frames, classes] each, in order; often none.

        Raises:
            EngineFailedError: the network broke, or the utterance is too long.
        """
        data = self._odd + pcm
        samples = len(data) // _SAMPLE_BYTES
        self._samples_left -= samples
        if self._samples_left < 0:
            raise EngineFailedError(
                f"an utterance of more than {self._longest_s:g} s; split it, or raise longest_s"
            )
        self._odd = data[samples * _SAMPLE_BYTES :]
        frames = self._features.push(np.frombuffer(data, "<i2", samples).astype(np.int16))
        self._queue(self._context.push(frames))
        return self._ready()

    def finish(self) -> list[Floats]:
        """Compute what is left; return all that `push` did not.

        Raises:
            EngineFailedError: the network broke, or hangs.
        """
        self._queue(self._context.push(self._features.finish()))
        self._queue(self._context.finish())
        if len(self._inputs):
            self._answers.append(self._lane.submit(self._inputs))
        answers = [_result(answer) for answer in self._answers]
        self.close()
        return answers

    def close(self) -> None:
        """Drop the utterance; harmless after `finish`."""
        self._answers.clear()
        self._lane.close()

    def _queue(self, inputs: Floats) -> None:
        self._inputs = np.concatenate([self._inputs, inputs])
        full = len(self._inputs) - len(self._inputs) % CHUNK_FRAMES
        for at in range(0, full, CHUNK_FRAMES):
            self._answers.append(self._lane.submit(self._inputs[at : at + CHUNK_FRAMES]))
        self._inputs = self._inputs[full:]

    def _ready(self) -> list[Floats]:
        ready = []
        while self._answers and self._answers[0].done():
            ready.append(_result(self._answers.popleft()))
        return ready


def _result(answer: Future[Floats]) -> Floats:
    try:
        return answer.result(WAIT_MAX_S)
    except CancelledError:
        raise EngineFailedError("the engine was closed while it heard") from None
    except TimeoutError:
        raise EngineFailedError(f"the network hangs: no answer in {WAIT_MAX_S:g} s") from None
