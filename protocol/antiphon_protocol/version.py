"""The protocol's version contract.

A program says the oldest and newest major version it speaks; two programs speak the highest that
both know. Topics carry the major version, so that two majors can share a broker.
"""

from typing import Final

import msgspec

from antiphon_protocol.errors import VersionError

PROTOCOL_MAJOR: Final = 1


class VersionRange(msgspec.Struct, frozen=True, array_like=True):
    """The majors that a program speaks, both ends included."""

    oldest: int
    newest: int

    def __post_init__(self) -> None:
        if not 0 < self.oldest <= self.newest:
            raise ValueError(
                f"version range [{self.oldest}, {self.newest}] is empty or not positive"
            )


OURS: Final = VersionRange(PROTOCOL_MAJOR, PROTOCOL_MAJOR)


def negotiate(ours: VersionRange, theirs: VersionRange) -> int:
    """Return the highest major that both speak.

    Raises:
        VersionError: the ranges do not meet; the message says which side must be updated.
    """
    best = min(ours.newest, theirs.newest)
    if best >= max(ours.oldest, theirs.oldest):
        return best
    older = "the other program" if theirs.newest < ours.oldest else "this program"
    raise VersionError(
        f"no common protocol version: this program speaks {ours.oldest}-{ours.newest}, "
        f"the other {theirs.oldest}-{theirs.newest}; update {older}"
    )
