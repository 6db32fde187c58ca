"""How a turn ends when it is not answered.

TurnEndedError
├── TurnFailedError      something of ours did not work, or was not understood
└── TurnCancelledError   nobody wants an answer any more
"""

from typing import Literal

from antiphon_hub.errors import HubError
from antiphon_protocol.messages.satellite import CueName

FailureCode = Literal[
    "not-understood",
    "no-worker",
    "worker-lost",
    "no-audio",
    "engine-failed",
    "no-voice",
    "no-speaker",
    "storage",
    "skill-failed",
    "timeout",
    "busy",
    "link-down",
]
CancelReason = Literal[
    "no-wake",
    "nothing-said",
    "echo",
    "superseded",
    "lost-arbitration",
    "satellite-lost",
    "hub-stopped",
    "hub-restarted",
]


class TurnEndedError(HubError):
    """Base of both: the turn goes no further."""


class TurnFailedError(TurnEndedError):
    """The turn failed; `say` is what to tell the person, where a voice is left to say it."""

    def __init__(self, code: FailureCode, say: str = "", *, detail: str = "") -> None:
        super().__init__(f"{code}: {detail or say}")
        self.code = code
        self.say = say
        self.detail = detail

    @property
    def cue(self) -> CueName:
        """The sound that stands for it where nothing can be said."""
        return "not-understood" if self.code == "not-understood" else "failed"


class TurnCancelledError(TurnEndedError):
    """The turn was cancelled."""

    def __init__(self, reason: CancelReason) -> None:
        super().__init__(reason)
        self.reason = reason
