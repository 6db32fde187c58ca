"""Waiting for what a satellite will do: each expectation is met once, or given up."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Expectations(Generic[K, V]):
    """Futures by what they wait for."""

    def __init__(self) -> None:
        self._futures: dict[K, asyncio.Future[V]] = {}

    @contextmanager
    def expect(self, key: K) -> Iterator[asyncio.Future[V]]:
        """Expect something inside the block; the future has it as soon as it is met."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._futures[key] = future
        try:
            yield future
        finally:
            if self._futures.get(key) is future:
                del self._futures[key]
            future.cancel()

    def met(self, key: K, value: V) -> bool:
        """It happened; tells whether somebody expected it."""
        future = self._futures.get(key)
        if future is None or future.done():
            return False
        future.set_result(value)
        return True
