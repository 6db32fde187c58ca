"""A person may have called."""

from typing import Literal

from antiphon_protocol.codec import Message
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import LevelDbfs, Microseconds, Name, Samples, Score


class WakeHeard(Message, frozen=True, kw_only=True, tag="wake-heard"):
    """A satellite heard a call; the stream it names has begun, pre-roll first."""

    satellite: Slug
    stream: Slug
    cause: Literal["phrase", "button", "voice"]
    """`phrase`: its wake engine fired. `button`: pushed to talk. `voice`: it has no wake engine,
    its voice-activity gate opened, and the hub is asked to look for the wake phrase."""
    heard_at_us: Microseconds
    """Satellite's clock."""
    heard_on_hub_us: Microseconds = 0
    """The same moment on the hub's clock, as the satellite knows it by `TimeTold`; 0: not yet."""
    phrase: Name = ""
    """Which wake phrase, as spoken: `hey mycroft`; empty without one."""
    engine: Name = ""
    confidence: Score = 1.0
    level_dbfs: LevelDbfs = -200.0
    """Level of the call."""
    noise_dbfs: LevelDbfs = -200.0
    """The satellite's own noise floor before it."""
    begin: Samples = 0
    """Where in the stream the wake phrase may begin; what lies before it is earlier talk."""
    end: Samples = 0
    """Where in the stream the wake engine fired; 0 for a button."""
