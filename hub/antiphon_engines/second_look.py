"""Who looks again for a wake phrase that a satellite has heard."""

import logging
from collections.abc import Sequence

from antiphon_ears.errors import EarsError
from antiphon_ears.wake import household
from antiphon_ears.wake.household import HouseholdEngine
from antiphon_ears.wake.joint import JointEngine
from antiphon_ears.wake.port import WakeEngine, WakeStream
from antiphon_protocol.messages.work import WakeCheck

log = logging.getLogger(__name__)


def second_look(engines: Sequence[WakeEngine], check: WakeCheck) -> WakeEngine:
    """Return the engines that are to look for the phrases, as one; all know some of them.

    The engine that has heard them is asked only where there is no other, and then keeps to its own
    threshold. What is like the household's calls counts beside what engines hear.
    """
    others = [one for one in engines if one.name != check.heard_by]
    return JointEngine([*(others or map(AtItsOwn, engines)), *_household(check)])


class AtItsOwn:
    """An engine that keeps to its own thresholds, whatever it is asked."""

    def __init__(self, engine: WakeEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.phrases = engine.phrases

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> WakeStream:
        """See WakeEngine.open."""
        del threshold
        return self._engine.open(phrases)


def _household(check: WakeCheck) -> list[WakeEngine]:
    """Return what knows the household's calls; nothing where it cannot be used here."""
    if not check.household:
        return []
    try:
        return [HouseholdEngine(check.phrases[0], household.decode(check.household))]
    except EarsError as error:
        log.warning("the household's own calls are not known here: %s", error)
        return []
