"""Open text without a language model: the network's likeliest path, letter by letter. Pure."""

import math
from typing import Any

import msgspec
import numpy.typing as npt

from antiphon_engines.deepspeech import ctc
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.hypotheses import Decoding, Evidence, Found, decoding


class FreeStream:
    """One utterance; one thread at a time. Memory grows with it: whoever feeds it bounds it."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._heard: list[ctc.Probabilities] = []
        self._labels: list[int] = []
        self._last = alphabet.blank

    def feed(self, probabilities: npt.NDArray[Any]) -> None:
        """Take the network's output: [steps, classes]; the blank is the last class.

        Raises:
            EngineFailedError: no probabilities (NaN, another shape).
        """
        rows = ctc.checked(probabilities, self._alphabet.classes)
        self._heard.append(rows)
        for label in rows.argmax(axis=1).tolist():
            if label not in (self._last, self._alphabet.blank):
                self._labels.append(label)
            self._last = label

    def partial(self) -> str:
        """Return the text so far."""
        return self._alphabet.decode(self._labels).strip()

    def finish(self, count: int = 1) -> Decoding:
        """Return the text; none when there is none, or when none is asked for."""
        if not self._labels or count < 1:
            return Decoding()
        found = Found(self.partial(), tuple(self._labels), 0, 0.0)
        one = decoding(Evidence(self._heard, self._alphabet), [found])
        # There are no others to compare it with: the network's own P(text | audio) it is.
        probability = math.exp(min(0.0, one.log_likelihood))
        best = msgspec.structs.replace(one.hypotheses[0], posterior=probability)
        return msgspec.structs.replace(one, hypotheses=(best,))
