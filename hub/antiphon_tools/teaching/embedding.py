"""Audio as openWakeWord's embeddings, and windows of some of them."""

import numpy as np
import numpy.typing as npt

from antiphon_ears.wake.household import STEPS
from antiphon_ears.wake.openwakeword import EMBEDDING, STEP_SAMPLES, OpenWakeWordEngine
from antiphon_ears.windows import Windows

Array = npt.NDArray[np.float64]


def embeddings(pcm: bytes) -> Array:
    """Return one embedding for every 80 ms of 16 kHz mono signed 16-bit samples: n x EMBEDDING.

    Raises:
        EngineMissingError: openWakeWord's package is not installed.
    """
    embedder = OpenWakeWordEngine().embedder()
    found = b"".join(map(embedder.embed, Windows(STEP_SAMPLES).take(pcm)))
    return np.frombuffer(found, np.float32).reshape(-1, EMBEDDING).astype(np.float64)


def windows(found: Array) -> Array:
    """Return the last STEPS embeddings at each of them: n x STEPS x EMBEDDING.

    Before the first one stands itself: the room was as quiet.
    """
    whole = np.concatenate([np.repeat(found[:1], STEPS - 1, axis=0), found])
    return np.lib.stride_tricks.sliding_window_view(whole, STEPS, axis=0).transpose(0, 2, 1)
