"""KenLM language models, for the search: ARPA text, KenLM's binary, and what begins as such.

KenLM reads them itself, in its C++ (contained in flashlight-text, LGPL-2.1); what it would take
for good and crash on is kept away from it here.
"""

import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_engines.deepspeech.beam import Floats, Ints
from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError

ORDER_MIN: Final = 2
ORDER_MAX: Final = 6
"""As KenLM was compiled."""
CONTEXTS_MAX: Final = 1_000_000
"""Contexts that one utterance may make: half a minute at beam 500 makes a tenth."""
_BINARY: Final = b"mmap lm http://kheafield.com/code format version "
SANITY: Final = (_BINARY + b"5\n").ljust(56, b"\0") + struct.pack(
    "<3fIIIQ", 0.0, 1.0, -0.5, 1, 0xFFFFFFFF, 0, 1
)
"""A binary begins with it: version 5, this machine's byte order and float format."""
_FIXED: Final = struct.Struct("<B3xfI4xI")
"""Order, probing multiplier, kind of model, version of the kind."""
_KINDS: Final = {0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1}
_MULTIPLIER_MIN: Final = 1.0
_MULTIPLIER_MAX: Final = 16.0
_ARPA: Final = b"\\data\\"
_HEAD_BYTES: Final = 4096
_LN_10: Final = float(np.log(10.0))


class KenLm:
    """A model over a lexicon's words; any thread may use it."""

    def __init__(self, path: Path, words: Sequence[str]) -> None:
        """Load the model, mapped into memory where it is binary.

        Args:
            path: The model.
            words: By their numbers.

        Raises:
            ModelError: it is no language model, or damaged.
            EngineMissingError: flashlight-text is not installed.
        """
        _check(path)
        self._words = len(words)
        try:
            from flashlight.lib.text.decoder import kenlm  # noqa: PLC0415 - loaded when used
            from flashlight.lib.text.dictionary import Dictionary  # noqa: PLC0415 - likewise
        except ImportError as error:
            raise EngineMissingError(
                "language models need flashlight-text: pip install 'antiphon-hub[deepspeech]'"
            ) from error
        try:
            self._model: Any = kenlm.KenLM(str(path), Dictionary(list(words)))
        except RuntimeError as error:
            raise ModelError(f"language model {path}: {str(error).splitlines()[-1]}") from error

    def worth(self, *, alpha: float, beta: float) -> Floats:
        """Return the factor of each word, whatever was said before."""
        nothing = self._model.start(True)
        log10 = [self._model.score(nothing, word)[1] for word in range(self._words)]
        return np.exp(alpha * np.array(log10) * _LN_10 + beta)

    def scorer(
        self, *, alpha: float, beta: float, boosts: Mapping[int, float] | None = None
    ) -> "KenLmScorer":
        """Return a scorer for one search.

        Args:
            alpha: Weight of the model's logarithms.
            beta: Reward of each word, in nats.
            boosts: Word number to what is added to its logarithm, in nats: hot words.
        """
        return KenLmScorer(self._model, alpha=alpha, beta=beta, boosts=boosts or {})


class KenLmScorer:
    """Scores one search's words; remembers what it asked the model."""

    def __init__(
        self, model: Any, *, alpha: float, beta: float, boosts: Mapping[int, float]
    ) -> None:
        self._model = model
        self._alpha = alpha
        self._beta = beta
        self._boosts = boosts
        self._contexts: list[Any] = [model.start(False)]
        self._known: dict[tuple[int, int], tuple[float, int]] = {}

    def score(self, contexts: Ints, words: Ints) -> tuple[Floats, Ints]:
        """Return each word's factor after its context, and the contexts with the words added.

        Args:
            contexts: Numbers that this method returned; 0 is the beginning of a sentence.
            words: Numbers in the lexicon.

        Raises:
            EngineFailedError: the utterance made more than `CONTEXTS_MAX` contexts.
        """
        pairs = zip(contexts.tolist(), words.tolist(), strict=True)
        known = [self._known.get(pair) or self._ask(*pair) for pair in pairs]
        factors, after = zip(*known, strict=True)
        return np.array(factors), np.array(after, np.int32)

    def _ask(self, context: int, word: int) -> tuple[float, int]:
        if len(self._contexts) > CONTEXTS_MAX:
            raise EngineFailedError("the utterance is too long for one search; end it sooner")
        state, log10_probability = self._model.score(self._contexts[context], word)
        nats = self._alpha * (log10_probability * _LN_10 + self._boosts.get(word, 0.0)) + self._beta
        self._contexts.append(state)
        answer = float(np.exp(nats)), len(self._contexts) - 1
        self._known[context, word] = answer
        return answer


def _check(path: Path) -> None:
    """Look at what KenLM would believe, and allocate or map.

    Raises:
        ModelError: no language model, or absurd.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise ModelError(f"language model {path}: {error.strerror}") from error
    if head.startswith(_BINARY):
        counts = _binary_counts(path, head)
    elif _ARPA in head:
        found = re.findall(rb"^ngram[ \t]+\d+[ \t]*=[ \t]*(\d{1,19})[ \t\r]*$", head, re.MULTILINE)
        counts = tuple(map(int, found))
    else:
        raise ModelError(f"{path} is neither an ARPA file nor a KenLM binary")
    if not ORDER_MIN <= len(counts) <= ORDER_MAX or not all(0 < count < size for count in counts):
        raise ModelError(f"language model {path} is damaged: it claims {list(counts)} n-grams")


def _binary_counts(path: Path, head: bytes) -> tuple[int, ...]:
    try:
        order, multiplier, kind, search = _FIXED.unpack_from(head, len(SANITY))
        counts = struct.unpack_from(f"<{order}Q", head, len(SANITY) + _FIXED.size)
    except struct.error as error:
        raise ModelError(f"language model {path} is cut short") from error
    if not head.startswith(SANITY):
        raise ModelError(f"language model {path} is of another KenLM version or kind of machine")
    known = kind in _KINDS and search == _KINDS[kind]
    if not known or not _MULTIPLIER_MIN <= multiplier <= _MULTIPLIER_MAX:
        raise ModelError(f"language model {path} is damaged, or of a kind ({kind}) unknown here")
    return counts
