"""How a device becomes part of the house: SPAKE2 (RFC 9382) over a code that a person carries.

The device speaks first. Who listens in, or sits between, learns nothing that helps to guess the
code, and has one guess for each run, which the hub counts.
"""

from typing import Annotated, Literal

from msgspec import Meta

from antiphon_protocol.codec import Message
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name, Text

DeviceKind = Literal["satellite", "worker"]
Share = Annotated[bytes, Meta(min_length=1, max_length=128)]
"""A side's SPAKE2 message."""


class PairHello(Message, frozen=True, kw_only=True, tag="pair-hello"):
    """A device asks to be let in."""

    kind: DeviceKind
    device: Slug
    """The id that it will have in the house."""
    label: Annotated[str, Meta(pattern=r"^\d{2}$(?!\n)")]
    """The first two digits of its code, no secret: which of several devices this is about."""
    room: Name = ""
    host: Name = ""
    software: Name = ""
    serial: Slug
    """Random, kept by the device: the same device pairs again under its id, another may not."""
    share: Share


class PairProof(Message, frozen=True, kw_only=True, tag="pair-proof"):
    """The device proves that it has the same key, and thus knows the code."""

    proof: Annotated[bytes, Meta(min_length=32, max_length=32)]


class PairShare(Message, frozen=True, kw_only=True, tag="pair-share"):
    """The hub's part of the exchange."""

    hub: Slug
    share: Share


class PairGranted(Message, frozen=True, kw_only=True, tag="pair-granted"):
    """The device is let in; only who has the key can read what it is given."""

    sealed: Annotated[bytes, Meta(max_length=16_384)]
    """Nonce and AES-256-GCM ciphertext of a Membership."""


class PairRefused(Message, frozen=True, kw_only=True, tag="pair-refused"):
    """The device is not let in."""

    code: Literal["closed", "other-code", "wrong-code", "taken", "full"]
    text: Text
    """For the person at the device."""


class Membership(Message, frozen=True, kw_only=True, tag="membership"):
    """What a device is given for good: its account, and how to know the house again."""

    hub: Slug
    site: Name
    username: Name
    password: Name
    authority: Annotated[str, Meta(max_length=8192)]
    """The certificate authority of this one hub, PEM; empty: its broker has no TLS."""


PairAsk = PairHello | PairProof
PairAnswer = PairShare | PairGranted | PairRefused
