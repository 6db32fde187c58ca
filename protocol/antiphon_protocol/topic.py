"""What a row of the table of topics is (see `topics`)."""

import re
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, get_args

import msgspec

from antiphon_protocol.codec import Encoding, decode, encode
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import is_slug, require_slug
from antiphon_protocol.limits import MESSAGE_BYTES_MAX
from antiphon_protocol.version import PROTOCOL_MAJOR

T = TypeVar("T")

ROOT: Final = f"antiphon/{PROTOCOL_MAJOR}"
EVERY_SATELLITE: Final = "all"
"""The group of a playback that several satellites play; no satellite is called so."""
_PLACE = re.compile(r"\{(\w+)\}")


class Role(StrEnum):
    """Who connects to the broker."""

    HUB = "hub"
    WORKER = "worker"
    SATELLITE = "satellite"
    """Only in its own `sat/<id>` subtree, and the playbacks it was asked to play."""
    ANYONE = "anyone"
    """Home automation and people with an account."""
    PAIRING = "pairing"
    """A device that belongs to no house yet; its account exists only while pairing is open."""


class Topic(msgspec.Struct, Generic[T], frozen=True, kw_only=True, dict=True):
    """One row of the table: a family of MQTT topics and what travels there."""

    name: str
    pattern: str
    """Below the root, with ids in braces: `sat/{satellite}/do`."""
    payload: Any
    """Type of the payload: a message or a union of messages."""
    qos: int
    retain: bool = False
    expiry_s: int | None = None
    """MQTT 5 message expiry, seconds: an undelivered older message is worthless."""
    writers: tuple[Role, ...]
    readers: tuple[Role, ...]
    encoding: Encoding = Encoding.MSGPACK
    limit_bytes: int = MESSAGE_BYTES_MAX
    purpose: str

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the ids in the pattern, in order."""
        return tuple(_PLACE.findall(self.pattern))

    @property
    def messages(self) -> tuple[type, ...]:
        """The message types that travel here."""
        return get_args(self.payload) or (self.payload,)

    @cached_property
    def _levels(self) -> tuple[str, ...]:
        return tuple(f"{ROOT}/{self.pattern}".split("/"))

    def path(self, **ids: str) -> str:
        """Return the full topic for these ids.

        Raises:
            TopicError: an id is missing, unknown or no slug.
        """
        if set(ids) != set(self.places):
            raise TopicError(f"topic {self.name} takes {self.places}, not {tuple(ids)}")
        return f"{ROOT}/" + _PLACE.sub(lambda m: require_slug(ids[m[1]], m[1]), self.pattern)

    def filter(self, **ids: str) -> str:
        """Return the MQTT topic filter for these ids; `+` stands for those left out.

        Raises:
            TopicError: an id is unknown or no slug.
        """
        if unknown := set(ids) - set(self.places):
            raise TopicError(f"topic {self.name} has no {sorted(unknown)}")
        return f"{ROOT}/" + _PLACE.sub(
            lambda m: require_slug(ids[m[1]], m[1]) if m[1] in ids else "+", self.pattern
        )

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the ids in a full topic, or None if it is not of this family.

        `topic.path(**ids)` is the same topic again: what is returned are slugs.
        """
        levels, ours = topic.split("/"), self._levels
        if len(levels) != len(ours):
            return None
        ids = {}
        for level, our in zip(levels, ours, strict=True):
            if our.startswith("{"):
                if not is_slug(level):
                    return None
                ids[our[1:-1]] = level
            elif level != our:
                return None
        return ids

    def encode(self, message: T) -> bytes:
        """Return the message's bytes.

        Raises:
            EncodeError: they are over this topic's limit.
        """
        return encode(message, self.encoding, self.limit_bytes)

    def decode(self, payload: bytes) -> T:
        """Return the message that the bytes hold.

        Raises:
            DecodeError: they hold none of this topic's messages.
        """
        message: T = decode(payload, self.payload, self.encoding, self.limit_bytes)
        return message
