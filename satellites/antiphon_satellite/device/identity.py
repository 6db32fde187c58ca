"""Who the satellite is, and whether its id is its own in this house."""

import platform
import secrets
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import require_slug, slug_of
from antiphon_protocol.messages.presence import Goodbye, Hello

SETTLE_S: Final = 0.2
"""Retained messages come right behind the subscription; a broker in the home has sent ours then."""
RIVAL_LEASE_S: Final = 15.0
"""A living satellite asks for the time every ten seconds; after this much silence it is dead."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One running satellite program."""

    satellite: str
    """Its id, a slug."""
    room: str
    host: str
    instance: str
    """Random per process, to tell apart two satellites that were given one id."""
    software: str


def identity(satellite: str, room: str) -> Identity:
    """Return who we are.

    Args:
        satellite: The id; empty: made from the host's name.
        room: The room's name, for people.

    Raises:
        TopicError: the id is no slug.
    """
    host = platform.node()[:100] or "satellite"
    try:
        software = version("antiphon-satellite")
    except PackageNotFoundError:
        software = "uninstalled"
    return Identity(
        satellite=require_slug(satellite, "satellite id") if satellite else _id_of(host),
        room=room,
        host=host,
        instance=secrets.token_hex(8),
        software=software,
    )


def _id_of(host: str) -> str:
    try:
        return slug_of(host.partition(".")[0])
    except TopicError:
        return "satellite"


class Claim:
    """Decides whether the id is ours. Pure: times are seconds on any steady clock.

    Two programs may be given one id. The one that was there first keeps it; the other waits until
    that one says goodbye, or gives no sign of life for a while (its machine and the broker may have
    died together, and then its retained Hello outlived it).
    """

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self.epoch = 0
        """When we connected, microseconds since 1970."""
        self.mine = False
        self.rival: Hello | None = None
        """The living satellite that has our id."""
        self.due_s: float | None = None
        """When to call `settle`; None: nothing to wait for."""

    def begin(self, epoch: int) -> None:
        """Begin anew: a connection is being made."""
        self.lost()
        self.epoch = epoch

    def connected(self, now_s: float) -> None:
        """Connected and subscribed: see first who is there."""
        self.due_s = now_s + (SETTLE_S if self.rival is None else RIVAL_LEASE_S)

    def lost(self) -> None:
        """The connection is gone, and what it promised."""
        self.mine, self.rival, self.due_s = False, None, None

    def saw(self, presence: Hello | Goodbye, now_s: float) -> bool:
        """Take in what stands on our presence topic; True: say Hello again, it is ours."""
        if isinstance(presence, Hello):
            return self._saw_hello(presence, now_s)
        if self.mine:
            return True  # somebody's will, an older one of ours perhaps, has overwritten our Hello
        if self.rival is not None and presence.epoch == self.rival.epoch:
            self.rival, self.due_s = None, now_s + SETTLE_S
        return False

    def sign_of_life(self, now_s: float) -> None:
        """The satellite of our id, if it is another, did something."""
        if self.rival is not None:
            self.due_s = now_s + RIVAL_LEASE_S

    def settle(self, now_s: float) -> bool:
        """Tell whether the id became ours just now: time to say Hello."""
        if self.mine or self.due_s is None or now_s < self.due_s:
            return False
        self.mine, self.rival, self.due_s = True, None, None
        return True

    def _saw_hello(self, hello: Hello, now_s: float) -> bool:
        if hello.instance == self._instance:
            return False
        if self.mine and (hello.epoch, hello.instance) > (self.epoch, self._instance):
            return True
        self.mine, self.rival = False, hello
        self.due_s = now_s + RIVAL_LEASE_S
        return False
