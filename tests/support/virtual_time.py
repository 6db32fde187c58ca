"""Stories in virtual time: dialogues of minutes run in milliseconds, in a fixed order."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from antiphon_hub.virtual_time import VirtualTimeLoop

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a story to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story)
