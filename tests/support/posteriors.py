"""What a network might give for a text: for tests and benches of the decoders."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.alphabet import Alphabet


def spoken(
    text: str,
    alphabet: Alphabet,
    *,
    rng: np.random.Generator,
    steps: int = 150,
    sharp: float = 5.0,
    confusion: float = 0.3,
) -> npt.NDArray[np.float32]:
    """Return probabilities, float32 [steps, classes]: each label a step or two long, else blanks.

    Args:
        text: What is said.
        alphabet: Of the network.
        rng: Makes the noise.
        steps: At least two for each label, and ten.
        sharp: How far the right class stands out, in nats; the noise has a deviation of 1.
        confusion: How often another label is as likely as the right one.
    """
    labels: Sequence[int] = alphabet.encode(text)
    logits = rng.normal(size=(steps, alphabet.classes))
    logits[:, alphabet.blank] += sharp
    for at, label in zip(np.linspace(4, steps - 6, len(labels)).astype(int), labels, strict=True):
        for step in range(at, at + 1 + int(rng.random() < 0.3)):
            logits[step, alphabet.blank] -= 0.9 * sharp
            logits[step, label] += sharp
            if rng.random() < confusion:
                logits[step, rng.integers(alphabet.blank)] += sharp
    return softmax(logits)


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the probabilities of logits, along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def chunks(
    probabilities: npt.NDArray[np.float32], cuts: Sequence[int]
) -> list[npt.NDArray[np.float32]]:
    """Return the steps in chunks that end at these cuts."""
    return np.split(probabilities, sorted(min(cut, len(probabilities)) for cut in cuts))
