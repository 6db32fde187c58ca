"""What speech in general is like to openWakeWord's embeddings, as a small file.

Mean and covariance of windows of some embeddings; the covariance is a product of one over time and
one over features (matrix normal distribution: Dutilleul 1999), so that it fits into 20 kB. The file
that ships was made by `python -m antiphon_tools.teaching.background --out FILE`: 220 sentences,
said by flite, festival and espeak-ng.
"""

import argparse
import random
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_ears.wake.household import STEPS
from antiphon_ears.wake.openwakeword import EMBEDDING
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.teaching.embedding import embeddings, windows

FILE: Final = Path(__file__).with_name("background.npz")
SENTENCES: Final = 220
SEED: Final = 3
_READ: Final = ("turn on the kitchen light", "what time is it")
_FIRST: Final = 12
"""Windows before are of the silence in front of a sentence."""
_EVERY: Final = 4
"""Windows overlap: every fourth tells nearly as much."""
_ROUNDS: Final = 3
_LEAST: Final = 0.01
"""Share of the mean variance that each direction has at least, so that inverses exist."""
_ROOM_SPREAD: Final = 32.768
"""Of the samples of a quiet room's hiss: -60 dBFS."""

Array = npt.NDArray[np.float64]


class Background(msgspec.Struct, frozen=True, eq=False):
    """A matrix normal distribution of windows."""

    mean: Array
    """STEPS x EMBEDDING."""
    times: Array
    """Covariance over time, STEPS x STEPS, with a mean variance of 1."""
    features: Array
    """Covariance over features, EMBEDDING x EMBEDDING."""


def load(file: Path = FILE) -> Background:
    """Return what ships, or another file's."""
    with np.load(file, allow_pickle=False) as data:
        return Background(
            *(data[name].astype(np.float64) for name in ("mean", "times", "features"))
        )


def save(background: Background, file: Path) -> None:
    """Write it as 16-bit floats."""
    named = msgspec.structs.asdict(background)
    np.savez_compressed(file, **{name: one.astype(np.float16) for name, one in named.items()})


def measured(seen: Array) -> Background:
    """Return the distribution of windows: n x STEPS x EMBEDDING."""
    mean = seen.mean(axis=0)
    rest = seen - mean
    times = np.eye(STEPS)
    for _ in range(_ROUNDS):
        white = np.einsum("nkf,kl->nlf", rest, np.linalg.inv(_raised(times)))
        flat, pale = rest.reshape(-1, EMBEDDING), white.reshape(-1, EMBEDDING)
        features = pale.T @ flat / len(flat)
        white = rest @ np.linalg.inv(_raised(features))
        times = np.einsum("nkf,nlf->kl", white, rest)
        times *= STEPS / np.trace(times)
    return Background(mean, times, features)


def made(count: int = SENTENCES, seed: int = SEED) -> Background:
    """Return the distribution over so many sentences that made voices say; takes minutes.

    Raises:
        TrainingError: a program that speaks is missing or fails.
    """
    # Lazily: they need programs and a language model that a fit does not.
    from antiphon_tools.senones import texts, voices  # noqa: PLC0415

    chance, room = random.Random(7), _quiet_room()  # noqa: S311 - nothing is kept secret by it
    seen = [
        windows(embeddings(room + voices.say(text, chance)[1].tobytes()))[_FIRST::_EVERY]
        for text in texts.texts(count, seed, _READ)
    ]
    return measured(np.concatenate(seen))


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Make the file that ships.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    asked = parser.parse_args(arguments)
    save(made(asked.sentences), asked.out)


def _quiet_room() -> bytes:
    """Return a second of a quiet room, always the same."""
    chance = random.Random(1)  # noqa: S311 - likewise
    spread = (round(chance.gauss(0, _ROOM_SPREAD)) for _ in range(SAMPLE_RATE_HZ))
    return array("h", spread).tobytes()


def _raised(covariance: Array) -> Array:
    least = _LEAST * np.trace(covariance) / len(covariance)
    raised: Array = covariance + least * np.eye(len(covariance))
    return raised


if __name__ == "__main__":
    main()
