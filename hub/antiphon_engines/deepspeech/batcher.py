"""Computes many streams' chunks together, in one thread that owns the network."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeAlias

import msgspec
import numpy as np

from antiphon_engines.deepspeech.runtime.port import AcousticRuntime, State
from antiphon_engines.deepspeech.schedule import Chunk, Limits, Schedule
from antiphon_engines.deepspeech.weights import Floats
from antiphon_engines.errors import EngineError, EngineFailedError

WAIT_MAX_S: Final = 15.0
"""A chunk takes milliseconds: longer means that the run time hangs."""


class _Work(msgspec.Struct, frozen=True, eq=False):
    inputs: Floats
    answer: Future[Floats]


_Batch: TypeAlias = tuple[Chunk["Lane", _Work], ...]


class Lane:
    """One stream's way through the network; one thread at a time."""

    def __init__(self, batcher: "Batcher") -> None:
        self._batcher = batcher
        self.state: State = None
        """The run time's, after the last computed chunk; only the batcher's thread touches it."""
        self.failed = ""
        """Why it cannot go on."""

    def submit(self, inputs: Floats) -> Future[Floats]:
        """Have a chunk computed; only the stream's last may be shorter than the others.

        Blocks while too many of this stream's chunks wait.

        Args:
            inputs: Frames in their context, float32 [frames, geometry.inputs].

        Returns:
            Probabilities, float32 [frames, classes]; or EngineFailedError.

        Raises:
            EngineFailedError: the network broke earlier, or hangs.
        """
        return self._batcher.submit(self, inputs)

    def close(self) -> None:
        """End the stream; what waits is dropped. Harmless when it has ended."""
        self._batcher.leave(self)


class Batcher:
    """Lanes into one network.

    Args:
        load: Builds the network; called in the batcher's thread for the first chunk, and again
            after a failure or when it was unloaded.
        limits: See Limits.
        idle_s: Free the network after so long without a stream; None: never.
    """

    def __init__(
        self,
        load: Callable[[], AcousticRuntime],
        limits: Limits | None = None,
        *,
        idle_s: float | None = None,
    ) -> None:
        self._load = load
        self._idle_s = idle_s
        self._schedule: Schedule[Lane, _Work] = Schedule(limits or Limits())
        self._lanes: set[Lane] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._runtime: AcousticRuntime | None = None
        self.batches = 0
        self.chunks = 0
        threading.Thread(target=self._run, name="deepspeech-batcher", daemon=True).start()

    @property
    def late(self) -> int:
        """Chunks that were done after their due time."""
        return self._schedule.late

    @property
    def rejected(self) -> int:
        """Streams that found no room."""
        return self._schedule.rejected

    @property
    def loaded(self) -> bool:
        """Whether the network is in memory."""
        return self._runtime is not None

    def open(self, *, background: bool = False) -> Lane:
        """Begin a stream.

        Raises:
            EngineFailedError: there are too many streams, or the batcher was closed.
        """
        lane = Lane(self)
        with self._changed:
            self._require_open()
            if not self._schedule.open(lane, background=background):
                raise EngineFailedError(f"{len(self._schedule)} streams are open, no more can be")
            self._lanes.add(lane)
        return lane

    def submit(self, lane: Lane, inputs: Floats) -> Future[Floats]:
        """See Lane.submit."""
        work = _Work(inputs, Future())
        with self._changed:
            if not self._changed.wait_for(lambda: self._takes(lane), WAIT_MAX_S):
                raise EngineFailedError(f"the network hangs: no chunk within {WAIT_MAX_S:g} s")
            self._require_open()
            if lane.failed or lane not in self._lanes:
                raise EngineFailedError(lane.failed or "the stream was closed")
            self._schedule.add(lane, work, time.monotonic())
            self._changed.notify_all()
        return work.answer

    def leave(self, lane: Lane) -> None:
        """See Lane.close."""
        with self._changed:
            self._lanes.discard(lane)
            for work in self._schedule.close(lane):
                work.answer.cancel()
            self._changed.notify_all()

    def close(self) -> None:
        """End all streams and free the network, after the chunk that is under way."""
        with self._changed:
            self._closed = True
        for lane in tuple(self._lanes):
            self.leave(lane)
        with self._changed:
            self._changed.notify_all()

    def _require_open(self) -> None:
        if self._closed:
            raise EngineFailedError("the engine was closed")

    def _takes(self, lane: Lane) -> bool:
        return bool(self._closed or lane.failed or self._schedule.has_room(lane))

    # -- in the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch is None:
                break
            if batch:
                self._compute(batch)
            else:
                self._unload()
        self._unload()

    def _next(self) -> _Batch | None:
        """Wait for work. None: the end; an empty batch: nothing to do for long."""
        with self._changed:
            while not self._closed:
                now_s = time.monotonic()
                if batch := self._schedule.take(now_s):
                    self._changed.notify_all()
                    return batch
                ready_s = self._schedule.ready_s()
                if ready_s is not None:
                    self._changed.wait(max(0.0, ready_s - now_s))
                elif not self._changed.wait(self._patience_s()):
                    return ()
        return None

    def _patience_s(self) -> float | None:
        return self._idle_s if self._runtime is not None and not self._lanes else None

    def _compute(self, batch: _Batch) -> None:
        began_s = time.monotonic()
        try:
            if self._runtime is None:
                self._runtime = self._load()
                began_s = time.monotonic()
            answers = self._step(self._runtime, batch)
        except Exception as error:  # noqa: BLE001 - any way in which a run time breaks
            self._fail(batch, error)
            return
        with self._changed:
            self._schedule.done(batch, began_s, time.monotonic())
            self.batches += 1
            self.chunks += len(batch)
        for chunk, answer in zip(batch, answers, strict=True):
            if chunk.work.answer.set_running_or_notify_cancel():
                chunk.work.answer.set_result(answer)

    def _step(self, runtime: AcousticRuntime, batch: _Batch) -> list[Floats]:
        frames = max(len(chunk.work.inputs) for chunk in batch)
        # A stream's last chunk may be short: what follows it is computed for nothing and cut off.
        inputs = np.zeros((len(batch), frames, runtime.geometry.inputs), np.float32)
        for at, chunk in enumerate(batch):
            inputs[at, : len(chunk.work.inputs)] = chunk.work.inputs
        states = [
            runtime.zero_state() if chunk.lane.state is None else chunk.lane.state
            for chunk in batch
        ]
        answers, after = runtime.step(inputs, states)
        for chunk, state in zip(batch, after, strict=True):
            chunk.lane.state = state
        return [answers[at, : len(chunk.work.inputs)] for at, chunk in enumerate(batch)]

    def _fail(self, batch: _Batch, error: Exception) -> None:
        """End every stream: their states were the broken network's."""
        failure = error if isinstance(error, EngineError) else EngineFailedError(f"{error!r}")
        with self._changed:
            lost = [chunk.work for chunk in batch]
            for lane in self._lanes:
                lane.failed = str(failure)
                lost += self._schedule.close(lane)
            self._lanes.clear()
            self._changed.notify_all()
        for work in lost:
            if work.answer.set_running_or_notify_cancel():
                work.answer.set_exception(failure)
        self._unload()

    def _unload(self) -> None:
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None
