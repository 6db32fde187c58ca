"""The light: shows what the satellite is doing."""

import sys
from typing import Protocol, TextIO

from antiphon_satellite.machine import State


class Indicator(Protocol):
    """A light, a screen, a line of text. Both calls return at once."""

    def show(self, state: State) -> None:
        """The conversation's state changed."""
        ...

    def identify(self) -> None:
        """Draw a person's eyes."""
        ...


class NullIndicator:
    """Shows nothing."""

    def show(self, state: State) -> None:
        """Show nothing."""

    def identify(self) -> None:
        """Show nothing."""


_SAYINGS = {
    State.AWAY: "looking for the hub",
    State.MISSED: "looking for the hub",
    State.IDLE: "ready",
    State.CALLING: "calling the hub",
    State.LISTENING: "listening",
    State.STANDING_BY: "ready",  # another room answers, and this one stays silent
    State.THINKING: "thinking",
    State.PLAYING: "speaking",
    State.HOLDING: "looking for the hub, and still listening",
    State.WAITING: "looking for the hub, and waiting for its answer",
}


class ConsoleIndicator:
    """One line on a terminal, written over and over."""

    def __init__(self, name: str, out: TextIO = sys.stderr) -> None:
        self._name = name
        self._out = out

    def show(self, state: State) -> None:
        """Write the state over the line."""
        self._write(_SAYINGS[state])

    def identify(self) -> None:
        """Ring the terminal's bell."""
        self._write("here I am\a")

    def _write(self, text: str) -> None:
        self._out.write(f"\r\x1b[K[{self._name}] {text}")
        self._out.flush()
