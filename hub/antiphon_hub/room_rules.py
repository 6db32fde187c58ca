"""What is set for single rooms in the console, on top of the settings file; counts at once."""

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from antiphon_hub.errors import StorageError
from antiphon_hub.playback.manners import AtNight, Hour, Manners, Percent
from antiphon_hub.settings import Section, Settings
from antiphon_hub.table_file import read_table, write_table
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name, Seconds
from antiphon_protocol.messages.work import Endpointing

FILE: Final = "rooms.json"
ROOMS_MAX: Final = 1024
T = TypeVar("T", bound=msgspec.Struct)


class RoomRules(Section, frozen=True, kw_only=True, omit_defaults=True):
    """One room's; None: as the settings have it."""

    percent: Percent | None = None
    """Volume until somebody changes it."""
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None
    """Quiet hours, local time; both alike: none."""
    quiet_percent: Percent | None = None
    quiet_announcements: AtNight | None = None
    reply_on: Slug | None = None
    """Satellite of the room whose speaker gives the replies."""
    silence_s: Seconds | None = None
    """Silence that ends speech of which the grammar knows nothing."""
    complete_silence_s: Seconds | None = None
    """The same when the sentence is complete."""
    no_speech_s: Seconds | None = None
    """How long to wait for the first word."""


_MANNERS: Final = (
    *("percent", "quiet_from", "quiet_to", "quiet_percent", "quiet_announcements", "reply_on"),
)
_HEARING: Final = ("silence_s", "complete_silence_s", "no_speech_s")


class RulesOfRooms:
    """All rooms' rules, kept in one file."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """Read them.

        Raises:
            StorageError: the file cannot be read, or is not ours.
        """
        self._settings = settings
        self._path = folder / FILE
        self._rooms = read_table(self._path, dict[Name, RoomRules])

    def of(self, room: str) -> RoomRules:
        """Return what is set for a room, given its name."""
        return self._rooms.get(_key(room), RoomRules())

    def manners(self, room: str) -> Manners:
        """Return how a room wants to be spoken to."""
        return _changed(self._settings.playback.manners(room), self.of(room), _MANNERS)

    def endpointing(self, room: str) -> Endpointing:
        """Return when a command counts as ended there."""
        return _changed(self._settings.listening.endpointing(room), self.of(room), _HEARING)

    def set(self, room: str, rules: RoomRules) -> None:
        """Set a room's rules; they are kept first, then they count. Blocking, for a moment.

        Raises:
            StorageError: they cannot be kept, or there are too many rooms.
        """
        rooms = {**self._rooms, _key(room): rules}
        if rules == RoomRules():
            del rooms[_key(room)]
        if len(rooms) > ROOMS_MAX:
            raise StorageError(f"no more than {ROOMS_MAX} rooms can have rules of their own")
        write_table(self._path, rooms)
        self._rooms = rooms


def _changed(base: T, rules: RoomRules, names: tuple[str, ...]) -> T:
    own = {name: value for name in names if (value := getattr(rules, name)) is not None}
    return msgspec.structs.replace(base, **own)


def _key(room: str) -> str:
    return " ".join(room.lower().split())
