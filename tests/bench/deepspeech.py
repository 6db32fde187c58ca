"""DeepSpeech at full size: one stream and many, beside Mozilla's library on the same network.

Random weights, for the time does not depend on what was learned; the blank is made likely, as a
trained network has it (`--flat` leaves that out: the decoders' worst case). Everything is counted:
features, network, and decoding against a home's grammar.
"""

import argparse
import importlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeAlias

import msgspec
import numpy as np
import onnxruntime

from antiphon_engines.deepspeech.batcher import Batcher, Lane
from antiphon_engines.deepspeech.closed import ClosedDecoder, ClosedStream, spell_out
from antiphon_engines.deepspeech.exporters.graph import export_pb
from antiphon_engines.deepspeech.exporters.tflite import export_tflite
from antiphon_engines.deepspeech.features import ContextStream, FeatureStream, Samples
from antiphon_engines.deepspeech.native.library import Library, Model
from antiphon_engines.deepspeech.network import Network, NetworkOptions, open_network
from antiphon_engines.deepspeech.runtime.onnx_file import MICROSOFT, Node, Value
from antiphon_engines.deepspeech.runtime.onnx_file import graph as onnx_graph
from antiphon_engines.deepspeech.runtime.onnx_file import model as onnx_model
from antiphon_engines.deepspeech.runtime.sums import integer_top, quantized
from antiphon_engines.deepspeech.schedule import Limits
from antiphon_engines.deepspeech.weights import Floats, Geometry, Layer, Weights, random_weights
from antiphon_engines.grammar.compiler import compile_grammar
from tests.bench._timing import spread
from tests.support.native_speech import find

Rivals: TypeAlias = dict[str, Callable[[Samples], None]]

CHUNK_SAMPLES: Final = 5_120
BLANK_BIAS: Final = 8.0
_PEAK_SHAPE: Final = (1024, 2048, 2048)
_ROOMS: Final = ("kitchen", "bathroom", "bedroom", "living room", "office", "hall", "garage")
_THINGS: Final = (
    "light",
    "lamp",
    "fan",
    "heater",
    "radio",
    "blind",
    "socket",
    "music",
    "television",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let the caller choose sizes and rivals."""
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--hidden", type=int, default=2048, help="width of all layers")
    parser.add_argument("--threads", type=int, default=cores, help="of the network; default: cores")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--streams", default="1,4,16,64", help="how many at once")
    parser.add_argument("--seconds", type=float, default=6.4, help="audio of each stream")
    parser.add_argument("--rounds", type=int, default=3, help="of one stream and each library")
    parser.add_argument("--flat", action="store_true", help="leave the blank as likely as others")
    parser.add_argument("--libstt", action="store_true", help="measure libstt too; takes minutes")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure; the network is made first and thrown away after."""
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder:
        weights = network(args.hidden, flat=args.flat)
        path = Path(folder, "network.npz")
        weights.save(path)
        options = NetworkOptions(model=str(path), threads=args.threads, device=args.device)
        made = open_network(options)
        memory = loading_bytes(options)
        house = House(made, Batcher(made.load, Limits(due_s=0.2)))
        try:
            audio = speech_like(args.seconds)
            rivals = dict(native(weights, Path(folder), with_stt=args.libstt))
            figures = alone(house, rivals, audio, args.rounds)
            counts = [int(count) for count in args.streams.split(",")]
            speeds = {str(count): together(house, count, audio) for count in counts}
        finally:
            house.batcher.close()
    macs = macs_per_audio_s(weights.geometry)
    peak = peak_macs_per_s(args.threads) if args.device == "cpu" else cuda_peak_macs_per_s()
    most = str(max(counts))
    fastest = speeds[most]["audio_s_per_s"]
    return {
        **figures,
        f"streams_{most}_audio_s_per_s": fastest,
        "streams": speeds,
        "peak_share": round(fastest * macs / peak, 3),
        "peak_gmac_per_s": round(peak / 1e9, 1),
        "network_gmac_per_audio_s": round(macs / 1e9, 3),
        "memory_mb": {"network": round(memory / 1e6, 1)},
        "settings": {
            name: getattr(args, name) for name in ("hidden", "threads", "flat", "seconds")
        },
    }


class House:
    """A network, its batcher, and a grammar of a few hundred thousand sentences."""

    def __init__(self, made: Network, batcher: Batcher) -> None:
        self.made = made
        self.batcher = batcher
        self.decoder = ClosedDecoder(spell_out(compile_grammar(grammar()), made.alphabet))

    def ear(self) -> "Ear":
        """Begin a stream."""
        return Ear(self.batcher.open(), self.decoder.open(), self.made.geometry)


class Ear:
    """One stream, with its stages apart."""

    def __init__(self, lane: Lane, closed: ClosedStream, geometry: Geometry) -> None:
        self.lane = lane
        self.closed = closed
        self._features = FeatureStream(geometry)
        self._context = ContextStream(geometry)
        self._rest: Floats = np.zeros((0, geometry.inputs), np.float32)

    def push(self, pcm: Samples) -> list[Future[Floats]]:
        """Take 320 ms of audio; return what is on its way for it."""
        inputs = self._context.push(self._features.push(pcm))
        self._rest = np.concatenate([self._rest, inputs])
        full = len(self._rest) - len(self._rest) % 16
        chunks = [self._rest[at : at + 16] for at in range(0, full, 16)]
        self._rest = self._rest[full:]
        return [self.lane.submit(chunk) for chunk in chunks]

    def decode(self, answers: Sequence[Future[Floats]]) -> None:
        """Wait for the network and decode."""
        for answer in answers:
            self.closed.feed(answer.result(30))


def alone(house: House, rivals: Rivals, audio: Samples, rounds: int) -> dict[str, Any]:
    """Measure one stream, ours and theirs in turn, so that they meet the same machine."""
    chunk_ms: list[float] = []
    spent: dict[str, list[Spent]] = {"ours": [], **{name: [] for name in rivals}}
    one_stream(house, audio)  # the first one loads and warms up
    for _ in range(rounds):
        spent["ours"].append(Spent.by(lambda: chunk_ms.extend(one_stream(house, audio))))
        for name, hear in rivals.items():
            spent[name].append(Spent.by(partial(hear, audio)))
    audio_s = len(audio) / 16_000
    wall_s = {name: float(np.median([one.wall_s for one in spent[name]])) for name in spent}
    cpu_s = {name: float(np.median([one.cpu_s for one in spent[name]])) for name in spent}
    figures: dict[str, Any] = {
        "one_stream_rtf": round(wall_s["ours"] / audio_s, 5),
        "one_stream_cpu_s_per_audio_s": round(cpu_s["ours"] / audio_s, 5),
        "chunk_ms": spread(chunk_ms, 2),
        "vs_libdeepspeech": "not measured: fetch it by python -m tests.support.native_speech",
    }
    for name in rivals:
        figures[f"{name}_rtf"] = round(wall_s[name] / audio_s, 4)
        figures[f"vs_{name}"] = round(wall_s[name] / wall_s["ours"], 1)
        figures[f"vs_{name}_cpu"] = round(cpu_s[name] / cpu_s["ours"], 1)
    return figures


class Spent(NamedTuple):
    """Time that something took."""

    wall_s: float
    cpu_s: float
    """Of all threads: what a busy machine changes least."""

    @classmethod
    def by(cls, work: Callable[[], object]) -> Self:
        """Do it."""
        began = cls(time.perf_counter(), time.process_time())
        work()
        return cls(time.perf_counter() - began.wall_s, time.process_time() - began.cpu_s)


def one_stream(house: House, audio: Samples) -> list[float]:
    """Return each 320 ms chunk's time from its last sample to its decoded text, milliseconds."""
    ear = house.ear()
    times_ms = []
    for pcm in chunks(audio):
        began_s = time.perf_counter()
        ear.decode(ear.push(pcm))
        ear.closed.partial()
        times_ms.append(1e3 * (time.perf_counter() - began_s))
    ear.lane.close()
    return times_ms


def together(house: House, count: int, audio: Samples) -> dict[str, Any]:
    """Hear that many streams as fast as it goes; two threads call, as a worker has several."""
    ears = [house.ear() for _ in range(count)]
    before = house.batcher.batches, house.batcher.chunks
    groups = [group for group in (ears[::2], ears[1::2]) if group]
    threads = [threading.Thread(target=hear_all, args=(group, audio)) for group in groups]
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    kept_bytes = sum(ear_bytes(ear) for ear in ears)
    for ear in ears:
        ear.lane.close()
    heard_s = count * len(audio) / 16_000
    batches = house.batcher.batches - before[0]
    return {
        "audio_s_per_s": round(heard_s / wall_s, 1),
        "cpu_s_per_audio_s": round(cpu_s / heard_s, 5),
        "mean_batch": round((house.batcher.chunks - before[1]) / max(1, batches), 1),
        "state_kb_per_stream": round(kept_bytes / count / 1e3, 1),
    }


def hear_all(ears: Sequence[Ear], audio: Samples) -> None:
    """Feed all of them a chunk, and decode the chunk before while the network computes."""
    waiting: list[tuple[Ear, list[Future[Floats]]]] = []
    for pcm in chunks(audio):
        coming = [(ear, ear.push(pcm)) for ear in ears]
        for ear, answers in waiting:
            ear.decode(answers)
        waiting = coming
    for ear, answers in waiting:
        ear.decode(answers)


def ear_bytes(ear: Ear) -> int:
    """Return what the network keeps of a stream between its chunks."""
    state: Any = ear.lane.state
    return sum(int(getattr(part, "nbytes", 0)) for part in state)


def native(
    weights: Weights, folder: Path, *, with_stt: bool
) -> Iterator[tuple[str, Callable[[Samples], None]]]:
    """Yield the libraries that were fetched, as functions from audio to seconds."""
    library = find("deepspeech")
    if library is not None:
        path = folder / "network.pb"
        export_pb(weights, path)
        yield "libdeepspeech", hearing(Model(Library("DS_", library), path))
    library = find("stt")
    if with_stt and library is not None:
        path = folder / "network.tflite"
        export_tflite(weights, path)
        yield "libstt", hearing(Model(Library("STT_", library), path))


def hearing(model: Model) -> Callable[[Samples], None]:
    """Return what has the library hear audio, streamed; its first chunk has warmed it up."""
    model.set_beam_width(1)  # its decoder shall cost nothing

    def hear(audio: Samples) -> None:
        model.begin(1)
        for pcm in chunks(audio):
            model.feed(1, pcm.tobytes())
        model.finish(1, 1)

    hear(np.zeros(2 * CHUNK_SAMPLES, np.int16))
    return hear


def network(hidden: int, *, flat: bool) -> Weights:
    """Return a network that has learned nothing."""
    weights = random_weights(Geometry(hidden=hidden, lstm=hidden), 1, gain=2.0)
    if flat:
        return weights
    bias = weights.dense6.b.copy()
    bias[-1] += BLANK_BIAS
    return msgspec.structs.replace(weights, dense6=Layer(weights.dense6.w, bias))


def speech_like(seconds: float) -> Samples:
    """Return noise that comes and goes as syllables do, int16."""
    count = int(seconds * 16_000)
    noise = np.random.default_rng(1).standard_normal(count)
    loudness = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * np.arange(count) / 16_000)
    audio: Samples = (3000 * noise * loudness).astype(np.int16)
    return audio


def chunks(audio: Samples) -> Iterator[Samples]:
    """Yield whole chunks."""
    for at in range(0, len(audio) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        yield audio[at : at + CHUNK_SAMPLES]


def grammar() -> str:
    """Return a home's sentences: devices by room, numbers, timers."""
    names = [f"{room} {thing}" for room in _ROOMS for thing in _THINGS]
    numbers = "one two three four five six seven eight nine ten fifteen twenty thirty forty fifty"
    random.Random(1).shuffle(names)
    return (
        "#JSGF V1.0; grammar home; "
        "public <all> = [please] (turn (on|off) [the] <name> | set [the] <name> to <number> "
        "[percent] | set a timer for <number> (seconds|minutes|hours) | what time is it | stop); "
        f"<name> = {' | '.join(names)}; <number> = {' | '.join(numbers.split())};"
    )


def macs_per_audio_s(geometry: Geometry) -> float:
    """Return the multiplications of weights for a second of audio."""
    hidden, cells = geometry.hidden, geometry.lstm
    dense = geometry.inputs * hidden + 2 * hidden * hidden + cells * hidden
    return 50.0 * (dense + (hidden + cells) * 4 * cells + hidden * geometry.classes)


def peak_macs_per_s(threads: int) -> float:
    """Return the fastest int8 matrix product that ONNX Runtime does here, large and square-ish."""
    rows, inner, columns = _PEAK_SHAPE
    integers, _ = quantized(np.ones((inner, columns), np.float32), integer_top())
    one = np.asarray(1, np.float32)
    zero = np.asarray(128, np.uint8)
    product = Node("MatMulIntegerToFloat", ["x", "w", "one", "one", "zero"], ["y"], {}, MICROSOFT)
    body = onnx_graph(
        [product],
        {"w": integers, "one": one, "zero": zero},
        [Value("x", [rows, inner], "uint8")],
        [Value("y", [rows, columns])],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        onnx_model(body, {}), options, providers=["CPUExecutionProvider"]
    )
    feed = {"x": np.full((rows, inner), 3, np.uint8)}
    times_s = []
    for _ in range(12):
        began_s = time.perf_counter()
        session.run(None, feed)
        times_s.append(time.perf_counter() - began_s)
    return rows * inner * columns / min(times_s)


def cuda_peak_macs_per_s() -> float:
    """Return the fastest product of large half-precision matrices on the GPU."""
    torch: Any = importlib.import_module("torch")
    size = 8192
    left = torch.ones(size, size, device="cuda", dtype=torch.float16)
    times_s = []
    for _ in range(12):
        torch.cuda.synchronize()
        began_s = time.perf_counter()
        torch.matmul(left, left)
        torch.cuda.synchronize()
        times_s.append(time.perf_counter() - began_s)
    return size**3 / min(times_s)


def loading_bytes(options: NetworkOptions) -> int:
    """Return what a process grows by that loads the network, already built, and runs it once."""
    code = (
        "import psutil, sys, msgspec, numpy as np, onnxruntime\n"
        "from antiphon_engines.deepspeech.network import NetworkOptions, open_network\n"
        "size = lambda: psutil.Process().memory_info().rss\n"
        "before = size()\n"
        "options = msgspec.json.decode(sys.argv[1], type=NetworkOptions)\n"
        "one = open_network(options).load()\n"
        "one.step(np.zeros((1, 16, one.geometry.inputs), np.float32), [one.zero_state()])\n"
        "print(size() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, msgspec.json.encode(options).decode()],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return int(done.stdout)
