"""What each kind of playback may do, as one table (pure)."""

from typing import Final

import msgspec

from antiphon_protocol.messages.satellite import PlaybackKind


class Rule(msgspec.Struct, frozen=True):
    """One kind's rights and limits."""

    priority: int
    """The higher one takes the room from the lower one."""
    waiting_max: int
    """Places in its queue; policy: reject."""
    waits_s: float
    """Patience, from the asking on: what comes later than that is not worth hearing."""
    sounds_s: float
    """Hard limit of one hold on the room."""
    again: bool = False
    """Taken away by something stronger, it waits and begins anew."""
    manners: bool = True
    """It keeps quiet while somebody is being listened to."""


RULES: Final[dict[PlaybackKind, Rule]] = {
    # A smoke detector's call is worth ten minutes of waiting for another alarm's end.
    "alarm": Rule(4, 4, 600.0, 300.0, again=True, manners=False),
    # The longest text takes 190 s to speak (`turns.speaking`). A reply that comes half a minute
    # late answers nobody.
    "reply": Rule(3, 8, 30.0, 240.0, manners=False),
    "announcement": Rule(2, 8, 120.0, 240.0, again=True),
    "chime": Rule(1, 2, 5.0, 5.0),
    # Beside the others, not in their queue: it is made quieter, and newer music replaces it.
    "music": Rule(0, 1, 5.0, 12 * 3600.0),
}
DUCK_LEASE_S: Final = 10.0
"""What a lost end of ducking costs at most; renewed at half of it."""
ATTENTION_S: Final = 95.0
"""The longest command (60 s) and the time to understand it; then nobody is being listened to."""
ATTENTIONS_MAX: Final = 16
"""People who talk to one room at a time; more change nothing."""
