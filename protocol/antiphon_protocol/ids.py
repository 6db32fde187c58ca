"""Ids on the bus: lower-case slugs, so that each is one safe MQTT topic level."""

import re
import secrets
from typing import Annotated, Final, NewType

import msgspec

from antiphon_protocol.errors import TopicError

SLUG_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$(?!\n)"
"""A topic level that needs no escaping: no `/`, `+`, `#`, `$`, space or capital.

`$` alone would let a newline pass behind the last letter.
"""

Slug = Annotated[str, msgspec.Meta(pattern=SLUG_PATTERN)]

SatelliteId = NewType("SatelliteId", str)
WorkerId = NewType("WorkerId", str)
TurnId = NewType("TurnId", str)
StreamId = NewType("StreamId", str)
PlaybackId = NewType("PlaybackId", str)
JobId = NewType("JobId", str)

_SLUG = re.compile(SLUG_PATTERN)
_NOT_SLUG = re.compile(r"[^a-z0-9_-]+")


def new_id(kind: str) -> str:
    """Return a fresh id such as `turn-3f9c0a…`: 64 random bits behind the kind's name."""
    return f"{kind}-{secrets.token_hex(8)}"


def is_slug(text: str) -> bool:
    """Tell whether the text may stand as an id."""
    return _SLUG.match(text) is not None


def require_slug(text: str, what: str) -> str:
    """Return the text if it may stand as an id.

    Raises:
        TopicError: it may not; the message says what it is and what is allowed.
    """
    if not is_slug(text):
        raise TopicError(
            f"{what} {text[:80]!r} is no id: 1-64 of a-z 0-9 _ - are, a letter or digit first"
        )
    return text


def slug_of(name: str) -> str:
    """Return the id nearest to a free name: `Living room` gives `living-room`.

    Raises:
        TopicError: nothing of the name is left.
    """
    return require_slug(_NOT_SLUG.sub("-", name.lower()).strip("-_")[:64], f"name {name[:80]!r}:")
