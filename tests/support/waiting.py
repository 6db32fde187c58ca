"""Waiting for what will be true soon, without sleeping for a guessed time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WITHIN_S = 30.0
_LOOK_AGAIN_S = 0.005


async def eventually(condition: Callable[[], T], within_s: float = WITHIN_S) -> T:
    """Return the condition's value as soon as it is true; fail when it never is.

    An AssertionError inside the condition counts as "not yet"; the last one is the failure.
    """
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while True:
        failure: AssertionError | None = None
        try:
            if value := condition():
                return value
        except AssertionError as error:
            failure = error
        if loop.time() > end_s:
            raise failure or AssertionError(f"not true within {within_s:g} s: {condition}")
        await asyncio.sleep(_LOOK_AGAIN_S)


async def soon(queue: asyncio.Queue[T], within_s: float = WITHIN_S) -> T:
    """Return the queue's next item; fail when none comes in time."""
    async with asyncio.timeout(within_s):
        return await queue.get()
