"""Chooses how each stream travels: as is wanted here, if that can be, else as PCM."""

import logging
from collections.abc import Callable
from typing import Final

from antiphon_codecs.codecs import MAKERS, PCM, missing
from antiphon_codecs.port import Maker
from antiphon_protocol.messages.satellite import Fault

log = logging.getLogger(__name__)

FAULT: Final = "codec"


class Packing:
    """What is wanted, and what the house takes."""

    def __init__(
        self,
        wanted: Callable[[], str],
        taken: Callable[[], tuple[str, ...]],
        tell: Callable[[Fault], None],
    ) -> None:
        """Prepare to choose.

        Args:
            wanted: Returns the codec that is set here.
            taken: Returns what the house takes besides PCM.
            tell: Told of it where audio goes as PCM against that wish.
        """
        self._wanted = wanted
        self._taken = taken
        self._tell = tell
        self._why = ""

    def maker(self) -> Maker:
        """Return what makes a new stream's frames."""
        return MAKERS[self.codec()]()

    def codec(self) -> str:
        """Return how a stream travels that begins now; a reason against the wish is said once."""
        wanted = self._wanted()
        why = "" if wanted == PCM else self._hindrance(wanted)
        if why != self._why:
            self._why = why
            if why:
                log.warning("audio travels as PCM: %s", why)
                self._tell(Fault(code=FAULT, text=f"audio travels as PCM: {why}"))
        return PCM if why else wanted

    def _hindrance(self, wanted: str) -> str:
        here = missing()
        if here is not None:
            return str(here)
        if wanted in self._taken():
            return ""
        return (
            f"the hub or a worker of it cannot take {wanted} (its log says which; "
            "`antiphon doctor` there says what to install)"
        )
