"""Who may write and read what at the broker, made of the table of topics (pure).

Each account has rules of its own, with its id in the topics that are its own. Mosquitto's patterns
(`%u`) would say the same for everybody at once, and so give a worker called `kitchen` the rights of
the satellite in the kitchen.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import Slug, require_slug
from antiphon_protocol.topics import EVERY_SATELLITE, ROOT, TOPICS, Role, Topic

OWN_PLACE: Final[dict[Role, str]] = {
    Role.SATELLITE: "satellite",
    Role.WORKER: "worker",
    Role.ANYONE: "asker",
}
"""Where a role's own id stands in topics."""
GROUP: Final = "group"
"""Where topics of playbacks name who plays them: a satellite, or all of them."""
PAIRING: Final = "pairing"
"""The account of devices that have none yet; its password is known to all."""
_FILTER_BYTES_MAX: Final = 512


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account at the broker, as far as its rights go."""

    role: Role
    id: Slug
    """The device's own id; for ANYONE the account's name, below `answer/`."""
    outside: tuple[str, ...] = ()
    """Topic filters outside our tree that it may read and write: other programs' topics."""

    @property
    def username(self) -> str:
        """What it signs in with; role and id, so that a satellite and a worker may share an id."""
        return self.id if self.role is Role.PAIRING else f"{self.role}-{self.id}"


PAIRING_ACCOUNT: Final = Account(role=Role.PAIRING, id=PAIRING)


def acl(accounts: Iterable[Account]) -> str:
    """Return the whole file. What it does not name, nobody with an account may."""
    return "\n".join(["# Written by the hub, from the table of topics.", *_sections(accounts), ""])


def rules(account: Account) -> list[tuple[str, str]]:
    """Return (access, topic filter) for an account; access is `read`, `write` or `readwrite`.

    A hub may do everything: it removes what others retained, and switches devices on their topics.
    """
    if account.role is Role.HUB:
        return [("readwrite", "#")]
    found = []
    for topic in TOPICS:
        access = _access(topic, account.role)
        if access:
            found += [(access, one) for one in _filters(topic, account)]
    return [*found, *(("readwrite", one) for one in account.outside)]


def require_outside(topic_filter: str) -> str:
    """Return a filter outside our tree that an account may be given.

    Raises:
        TopicError: it is no filter, or reaches into our tree or the broker's own.
    """
    levels = topic_filter.split("/")
    if (
        not 0 < len(topic_filter.encode(errors="replace")) <= _FILTER_BYTES_MAX
        or not topic_filter.isprintable()
        or topic_filter != topic_filter.strip()
        or any("+" in level and level != "+" for level in levels)
        or any(
            "#" in level and (level, at) != ("#", len(levels) - 1)
            for at, level in enumerate(levels)
        )
    ):
        raise TopicError(f"{topic_filter[:80]!r} is no topic filter, as `zigbee2mqtt/#` is one")
    if levels[0] in ("+", "#", ROOT.partition("/")[0]) or levels[0].startswith("$"):
        raise TopicError(
            f"{topic_filter[:80]!r} reaches into topics of the house or the broker; begin with a "
            "name, as in `zigbee2mqtt/#`"
        )
    return topic_filter


def _sections(accounts: Iterable[Account]) -> Iterable[str]:
    for account in accounts:
        yield f"user {account.username}"
        yield from (f"topic {access} {topic_filter}" for access, topic_filter in rules(account))


def _access(topic: Topic[Any], role: Role) -> str:
    reads, writes = role in topic.readers, role in topic.writers
    return {(True, True): "readwrite", (True, False): "read", (False, True): "write"}.get(
        (reads, writes), ""
    )


def _filters(topic: Topic[Any], account: Account) -> list[str]:
    if account.role is Role.SATELLITE and GROUP in topic.places:
        groups = (require_slug(account.id, GROUP), EVERY_SATELLITE)
        return [topic.filter(**{GROUP: one}) for one in groups]
    place = OWN_PLACE.get(account.role)
    own = {place: require_slug(account.id, place)} if place in topic.places and place else {}
    return [topic.filter(**own)]
