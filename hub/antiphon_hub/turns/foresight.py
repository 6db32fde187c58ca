"""Understanding in advance: what was partly heard is likely to be all that is said."""

import asyncio
from collections.abc import Callable
from typing import Final, Self

STEADY_S: Final = 0.1
"""Words that have stood for so long are looked at; while a person speaks on, they change sooner."""


class Foresight:
    """Has the last partial text understood while the end of speech is still awaited.

    Leaving its block ends it: then all was heard, or nothing will be.

    Args:
        foresee: Understands a text and remembers it; without any effect on the house.
    """

    def __init__(self, foresee: Callable[[str], None]) -> None:
        self._foresee = foresee
        self._due: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def partly(self, text: str) -> None:
        """So much was heard by now."""
        self.stop()
        self._due = asyncio.get_running_loop().call_later(STEADY_S, self._foresee, text)

    def stop(self) -> None:
        """Look at nothing more."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
