"""Recognisers over many recordings, in a few polite processes."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple, TypeVar

import msgspec

from antiphon_engines.registry import load_stt
from antiphon_engines.stt.port import SttContext, SttResult
from antiphon_protocol.audio import FRAME_BYTES

T = TypeVar("T")
"""What is heard: mostly samples."""


class Heard(NamedTuple):
    """What came of one recording."""

    result: SttResult
    evidence: dict[str, Any]
    """What the engine judged by, if it tells."""
    cpu_s: float
    tail_s: float
    """From the last sample to the result."""


class Recogniser(NamedTuple):
    """An engine and what it shall hear against."""

    engine: str
    options: dict[str, Any]
    context: SttContext | None

    def __call__(self) -> Callable[[bytes], Heard]:
        """Return what hears one recording."""
        engine = load_stt(self.engine, self.options)
        if self.context is not None:
            engine.load_context(self.context)
        context = self.context.id if self.context is not None else None

        def hear(pcm: bytes) -> Heard:
            began_s = time.process_time()
            stream = engine.open(language="en", context=context)
            for at in range(0, len(pcm), FRAME_BYTES):
                stream.feed(pcm[at : at + FRAME_BYTES])
            fed_s = time.perf_counter()
            result = stream.finish()
            tail_s = time.perf_counter() - fed_s
            evidence = getattr(stream, "evidence", None)
            told = msgspec.structs.asdict(evidence) if evidence is not None else {}
            return Heard(result, told, time.process_time() - began_s, tail_s)

        return hear


def hear_all(
    make: Callable[[], Callable[[T], Any]],
    recordings: Iterable[Callable[[], T]],
    processes: int,
) -> Sequence[Any]:
    """Return what the recogniser heard in each recording, in order; several processes are niced.

    They begin anew: a fork of a process in which libraries have started threads can wait for ever
    for a lock that one of those held.

    Args:
        make: Builds the recogniser, in each process; it is pickled.
        recordings: What gives the samples, called where they are heard: they may be many; pickled.
        processes: How many hear at a time; one: this one.
    """
    if processes == 1:
        hear = make()
        return [hear(recording()) for recording in recordings]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _begin, (make,)) as pool:
        return list(pool.map(_hear, recordings, chunksize=4))


_hear_one: Callable[[Any], Any]


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _hear_one  # noqa: PLW0603 - a pool's process has no other place to keep its recogniser
    os.nice(10)
    _hear_one = make()


def _hear(recording: Callable[[], Any]) -> Any:
    return _hear_one(recording())
