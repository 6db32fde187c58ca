"""Who is in which room. Told by presence messages; one of another connection changes nothing."""

import logging
from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon_hub.publisher import Publisher
from antiphon_protocol.epochs import ends
from antiphon_protocol.errors import VersionError
from antiphon_protocol.messages.event import SatelliteJoined, SatelliteLeft
from antiphon_protocol.messages.presence import Goodbye, Hello
from antiphon_protocol.version import OURS, negotiate

log = logging.getLogger(__name__)

SATELLITES_MAX: Final = 1024
"""More than any home has: the rest is refused, so that memory stays bounded."""


class Satellite(msgspec.Struct, frozen=True):
    """A satellite that is here."""

    id: str
    room: str
    epoch: int
    hello: Hello

    @property
    def speaks(self) -> bool:
        """It has a speaker."""
        return self.hello.speaker is not None


class Fleet:
    """The satellites that are here, by id."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._satellites: dict[str, Satellite] = {}

    def __iter__(self) -> Iterator[Satellite]:
        return iter(tuple(self._satellites.values()))

    def get(self, satellite: str) -> Satellite | None:
        """Return the satellite of that id if it is here."""
        return self._satellites.get(satellite)

    def instance(self, satellite: str) -> str:
        """Return what tells one start of its program from another; empty if it is not here."""
        known = self._satellites.get(satellite)
        return "" if known is None else known.hello.instance

    def in_room(self, room: str) -> tuple[Satellite, ...]:
        """Return the satellites of a room; of all rooms for an empty name."""
        wanted = room.strip().lower()
        return tuple(one for one in self if not wanted or one.room.lower() == wanted)

    def alone(self, satellite: str) -> bool:
        """Tell whether no other satellite could notice a call that this one hears."""
        return all(one.id == satellite or one.hello.wake == "none" for one in self)

    def joined(self, satellite: str, hello: Hello) -> bool:
        """A satellite said Hello; tells whether it was not here until now.

        One that is here may say it again with something changed: its room, its phrases.
        """
        if hello.satellite != satellite:
            log.warning("satellite %s: presence names %s; ignored", satellite, hello.satellite)
            return False
        known = self._satellites.get(satellite)
        # The broker keeps their order: another epoch is a newer one, though a clock was set back.
        anew = known is None or known.epoch != hello.epoch
        if known is not None and not anew and not _changed(known.hello, hello):
            return False
        if known is None and len(self._satellites) >= SATELLITES_MAX:
            log.error("satellite %s: over %d satellites; refused", satellite, SATELLITES_MAX)
            return False
        try:
            negotiate(OURS, hello.protocol)
        except VersionError as error:
            log.error("satellite %s in %s: %s", satellite, hello.room, error)  # noqa: TRY400 - the message says it all
            return False
        self._satellites[satellite] = Satellite(satellite, hello.room, hello.epoch, hello)
        if known is None or known.room != hello.room:
            log.info("satellite %s is here, in %s", satellite, hello.room)
            self._publisher.publish(SatelliteJoined(satellite=satellite, room=hello.room))
        return anew

    def left(self, satellite: str, goodbye: Goodbye, *, retained: bool = False) -> bool:
        """A satellite said Goodbye; tells whether it was here until now.

        Args:
            satellite: Which.
            goodbye: What it, or the broker for it, said.
            retained: It was said while we did not listen.
        """
        known = self._satellites.get(satellite)
        if known is None or not ends(known.epoch, goodbye.epoch, retained=retained):
            return False
        del self._satellites[satellite]
        log.info("satellite %s in %s: %s", satellite, known.room, goodbye.reason)
        self._publisher.publish(
            SatelliteLeft(satellite=satellite, room=known.room, reason=goodbye.reason)
        )
        return True


def _changed(known: Hello, hello: Hello) -> bool:
    """Tell whether the same start of a program says something new of itself."""
    same = (known.epoch, known.instance) == (hello.epoch, hello.instance)
    return same and known != hello
