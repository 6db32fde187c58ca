"""The button: push to talk."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from typing import Final, Literal, Protocol

Gesture = Literal["single", "double", "long"]
"""How it was pressed."""

PRESSES_MAX: Final = 4
"""Presses that wait; more are dropped: a person who hammers wants one thing."""


class Button(Protocol):
    """Something to press."""

    def presses(self) -> AsyncGenerator[Gesture, None]:
        """Yield at each press, until closed."""
        ...


class NoButton:
    """There is none."""

    async def presses(self) -> AsyncGenerator[Gesture, None]:
        """Yield never."""
        await asyncio.Event().wait()
        yield "single"  # never reached: this makes it a generator


class PushButton:
    """A button that a program presses."""

    def __init__(self) -> None:
        self._presses: asyncio.Queue[Gesture] = asyncio.Queue(PRESSES_MAX)
        self.dropped = 0

    def press(self, gesture: Gesture = "single") -> None:
        """Press it; dropped and counted when four presses wait already."""
        try:
            self._presses.put_nowait(gesture)
        except asyncio.QueueFull:
            self.dropped += 1

    async def presses(self) -> AsyncGenerator[Gesture, None]:
        """Yield at each press, until closed."""
        while True:
            yield await self._presses.get()


class ConsoleButton(PushButton):
    """The Enter key of the terminal on standard input."""

    async def presses(self) -> AsyncGenerator[Gesture, None]:
        """Yield at each Enter; nothing more once the input has ended."""
        loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
        loop.add_reader(descriptor, self._read, descriptor)
        try:
            async with contextlib.aclosing(super().presses()) as presses:
                async for press in presses:
                    yield press
        finally:
            loop.remove_reader(descriptor)

    def _read(self, descriptor: int) -> None:
        if os.read(descriptor, 1024):
            self.press()
        else:
            asyncio.get_running_loop().remove_reader(descriptor)
