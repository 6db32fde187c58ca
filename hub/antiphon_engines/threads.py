"""Threads for engines: blocking calls off the event loop, one at a time each, in order.

They are daemons, for a native call that hangs can neither be stopped nor waited for. Their inboxes
are bounded by their callers, each of which awaits its call before it makes the next.
"""

import asyncio
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec

from antiphon_engines.errors import EngineFailedError

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

CALL_LIMIT_S = 15.0
"""One engine call takes milliseconds, a cold model seconds: longer means that it hangs."""


class _Call(msgspec.Struct, frozen=True, eq=False):
    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any] | None


class EngineThread:
    """One thread; calls run in the order in which they were made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._inbox: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._waiting = 0
        self._busy_since_s: float | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def busy_s(self, now_s: float) -> float:
        """Return for how long it has been at work on the loop's clock; 0 when idle."""
        return 0.0 if self._busy_since_s is None else now_s - self._busy_since_s

    @property
    def idle(self) -> bool:
        """True when no call runs or waits."""
        return self._waiting == 0

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Await a blocking call. A cancelled caller leaves it to end by itself.

        Raises:
            EngineFailedError: it took longer than the limit.
            Exception: what the call raised.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._put(_Call(lambda: work(*args, **kwargs), loop, future))
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                return await future
        except TimeoutError:
            if not future.cancelled():
                raise  # the call's own
            raise EngineFailedError(f"{self.name}: no answer within {CALL_LIMIT_S:g} s") from None

    def leave(self, work: Callable[[], Any]) -> None:
        """Have this done after what is under way; nobody waits, what it raises is logged."""
        self._put(_Call(work, asyncio.get_running_loop(), None))

    def stop(self) -> None:
        """End the thread after what is under way."""
        self._inbox.put(None)

    def _put(self, call: _Call) -> None:
        if self._waiting == 0:
            self._busy_since_s = call.loop.time()
        self._waiting += 1
        self._inbox.put(call)

    def _run(self) -> None:
        while (call := self._inbox.get()) is not None:
            result, error = None, None
            try:
                result = call.work()
            except BaseException as raised:  # noqa: BLE001 - it is raised again where it is awaited
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                call.loop.call_soon_threadsafe(self._done, call, result, error)

    def _done(self, call: _Call, result: object, error: BaseException | None) -> None:
        self._waiting -= 1
        self._busy_since_s = call.loop.time() if self._waiting else None
        if call.future is None:
            if error is not None:
                log.warning("%s: %r", self.name, error)
        elif call.future.done():
            log.debug("%s: an answer that nobody waits for", self.name)
        elif error is not None:
            call.future.set_exception(error)
        else:
            call.future.set_result(result)


class ThreadPool:
    """Threads that are started when they are needed, each lent to one job at a time."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._threads: list[EngineThread] = []
        self._lent: set[EngineThread] = set()

    def borrow(self) -> EngineThread | None:
        """Return a thread that is neither lent nor still at work; None when all are."""
        free = [one for one in self._threads if one not in self._lent and one.idle]
        if not free:
            if len(self._threads) >= self._limit:
                return None
            free.append(EngineThread(f"{self._name}-{len(self._threads)}"))
            self._threads += free
        self._lent.add(free[0])
        return free[0]

    def give_back(self, thread: EngineThread) -> None:
        """End the loan."""
        self._lent.discard(thread)

    def longest_s(self, now_s: float) -> float:
        """Return for how long the busiest thread has been at one stretch of work, seconds."""
        return max((thread.busy_s(now_s) for thread in self._threads), default=0.0)

    def stop(self) -> None:
        """End all threads after what is under way."""
        for thread in self._threads:
            thread.stop()


def let_libraries_take_one() -> None:
    """Have libraries of matrices that are loaded from now on take one thread each.

    With several engines on few cores more threads only wait for each other, and spin for
    milliseconds after their work on the core that somebody needs.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
