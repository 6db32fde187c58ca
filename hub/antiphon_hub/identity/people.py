"""What the hub knows of a person: role, session, token (plain records)."""

from enum import StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    """What a person is in this house."""

    OWNER = "owner"
    """May do everything, and decides who else may."""
    FAMILY = "family"
    """Lives here: sees and commands the house, and reads back what was said."""
    GUEST = "guest"
    """Commands the house; sees nothing of what others said."""


class Scope(StrEnum):
    """One kind of right, for roles and for tokens of programs."""

    READ = "read"
    """See rooms, satellites, timers and the system's health."""
    CONTROL = "control"
    """Speak to the house: commands, announcements, timers, volume."""
    CONVERSATIONS = "conversations"
    """Read and hear what was said."""
    CONFIGURE = "configure"
    """Change sentences, home, engines and satellites' settings; restore a backup."""
    MANAGE = "manage"
    """Accounts, pairing, revoking, the audit log."""


SCOPES_OF: Final[dict[Role, frozenset[Scope]]] = {
    Role.OWNER: frozenset(Scope),
    Role.FAMILY: frozenset({Scope.READ, Scope.CONTROL, Scope.CONVERSATIONS}),
    Role.GUEST: frozenset({Scope.READ, Scope.CONTROL}),
}


class Person(msgspec.Struct, frozen=True):
    """An account."""

    id: int
    name: str
    role: Role

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the person's role allows."""
        return SCOPES_OF[self.role]


class Session(msgspec.Struct, frozen=True):
    """A person who is signed in."""

    cookie: str
    """Secret: whoever has it is this person until it expires."""
    csrf: str
    """Goes into every form of this session, and must come back with it."""
    person: Person
    expires_s: float
    """Seconds since 1970."""


class Grant(msgspec.Struct, frozen=True):
    """What a program with a token may do."""

    person: Person
    scopes: frozenset[Scope]


class TokenInfo(msgspec.Struct, frozen=True):
    """A token, without its secret."""

    id: str
    label: str
    scopes: frozenset[Scope]
    made_s: float
    """Seconds since 1970."""
    used_s: float | None
    """When it was last used, to the minute; None: never."""


class AuditEntry(msgspec.Struct, frozen=True):
    """Something that concerns safety, and who did it."""

    id: int
    at_s: float
    """Seconds since 1970."""
    who: str
    what: str
    detail: str
