"""Tries a language model out in a process of its own: KenLM believes what a binary says.

A damaged one would end the worker with a segmentation fault, perhaps in the middle of a sentence.
"""

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from antiphon_engines.deepspeech.kenlm import KenLm
from antiphon_engines.errors import EngineError, ModelError

LIMIT_S: Final = 120.0
"""The released English scorer takes 2 s; a table without an end never stops."""
_WALKS: Final = 2_000
_WALK_WORDS: Final = 8
_MODULE: Final = "antiphon_engines.deepspeech.kenlm_trial"
_REFUSED: Final = 3


def try_out(path: Path, words: Sequence[str]) -> None:
    """Score all words, and many at random after each other, in another process.

    Raises:
        ModelError: it failed, crashed or did not end there.
    """
    command = [sys.executable, "-P", "-m", _MODULE, str(path)]
    try:
        done = subprocess.run(
            command,
            input="\0".join(words).encode(),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"language model {path} is damaged: KenLM hangs on it") from None
    if done.returncode == _REFUSED:
        raise ModelError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    if done.returncode:
        raise ModelError(f"language model {path} is damaged: KenLM crashes on it")


def main() -> None:
    """Be that process."""
    words = tuple(sys.stdin.buffer.read().decode().split("\0"))
    try:
        model = KenLm(Path(sys.argv[1]), words)
    except EngineError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        sys.exit(_REFUSED)
    model.worth(alpha=1.0, beta=0.0)
    rng = random.Random(0)  # noqa: S311 - any words do
    for _ in range(_WALKS):
        scorer = model.scorer(alpha=1.0, beta=0.0)
        context = np.zeros(1, np.int32)
        for _ in range(_WALK_WORDS):
            word = np.array([rng.randrange(len(words))], np.int32)
            _, context = scorer.score(context, word)


if __name__ == "__main__":
    main()
