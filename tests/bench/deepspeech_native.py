"""Our network beside Mozilla's and Coqui's own libraries: the same outputs, the same text.

On a random network, or on the model that `--model` names. The libraries show no outputs; those of
single frames are read through their decoders (see tests/support/spotlight.py). The texts are of the
same audio, fed to them in random parts, without a language model. The libraries come by
`python -m tests.support.native_speech`.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers import load_weights
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.weights import Geometry, Weights, random_weights
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools import speech
from tests.support.native_comparison import (
    KINDS,
    SILENCE_SAMPLES,
    hear,
    our_text,
    outputs,
    start,
)
from tests.support.native_speech import find
from tests.support.network import Samples, noise

SENTENCE = "turn on the kitchen light"
PART_SAMPLES_MAX = 6000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--model", type=Path, help=".npz, .pb, .pbmm, .tflite or checkpoint")
    parser.add_argument("--alphabet", type=Path, help="alphabet.txt, for a checkpoint")
    parser.add_argument("--hidden", type=int, default=128, help="width of the random network")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=10, help="frames whose outputs are compared")
    parser.add_argument("--cuts", type=int, default=5, help="random divisions of the audio")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    weights = _weights(args).folded()
    figures: dict[str, Any] = {
        "model": str(args.model or f"random, {args.hidden} wide, seed {args.seed}")
    }
    spoken = [(clip, our_text(weights, clip)) for clip in _clips(args.seed)]
    with tempfile.TemporaryDirectory() as folder:
        for name in KINDS:
            if find(name) is None:
                figures[name] = "absent: python -m tests.support.native_speech"
            else:
                figures[name] = _outputs(name, weights, args, Path(folder))
                figures[name] |= _texts(name, weights, spoken, args, Path(folder))
    return figures


def _weights(args: argparse.Namespace) -> Weights:
    if args.model is None:
        return random_weights(Geometry(hidden=args.hidden, lstm=args.hidden), args.seed, gain=2.0)
    return load_weights(args.model, Alphabet.read(args.alphabet) if args.alphabet else None)


def _clips(seed: int) -> list[Samples]:
    said = np.frombuffer(speech.say(SENTENCE, speech.voices()[0]), np.int16)
    return [_with_silence(one) for one in (noise(2 * SAMPLE_RATE_HZ, seed + 1), said)]


def _outputs(name: str, weights: Weights, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    pcm = _with_silence(noise(3 * SAMPLE_RATE_HZ, args.seed))
    ours = ReferenceModel(weights).whole(pcm)
    # Single frames are most likely to differ at the begin and the end, and between chunks.
    spread = np.linspace(0, len(ours) - 1, max(2, args.frames)).round().astype(int)
    frames = sorted({15, 16, *(int(frame) for frame in spread)})
    differences = [
        float(np.abs(outputs(name, weights, pcm, frame, folder) - ours[frame]).max())
        for frame in frames
    ]
    return {"logits_max_difference": max(differences), "frames": len(frames)}


def _texts(
    name: str,
    weights: Weights,
    spoken: list[tuple[Samples, str]],
    args: argparse.Namespace,
    folder: Path,
) -> dict[str, Any]:
    random = np.random.default_rng(args.seed)
    began_s = time.perf_counter()
    engine = start(name, weights, folder)
    load_ms = 1e3 * (time.perf_counter() - began_s)
    same, heard_s, audio_s = 0, 0.0, 0.0
    try:
        for clip, text in spoken * args.cuts:
            cuts = [int(size) for size in random.integers(1, PART_SAMPLES_MAX, 40)]
            began_s = time.perf_counter()
            same += hear(engine, clip, cuts) == text
            heard_s += time.perf_counter() - began_s
            audio_s += len(clip) / SAMPLE_RATE_HZ
    finally:
        engine.close()
    return {
        "same_texts": f"{same} of {len(spoken) * args.cuts}",
        "load_ms": round(load_ms, 1),
        "rtf": round(heard_s / audio_s, 4),
    }


def _with_silence(pcm: Samples) -> Samples:
    return np.concatenate([pcm, np.zeros(SILENCE_SAMPLES, np.int16)])
