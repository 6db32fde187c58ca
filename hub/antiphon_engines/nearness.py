"""Tells the person who called from the rest of the room, by level (pure).

Somebody who calls is near, or speaks up: the television, the radio and those who talk to each other
are quieter at the same microphone. How loud the person is, the wake phrase and the command itself
tell; how loud the room can be, the second before the wake phrase.
"""

from collections import deque
from typing import Final

DROP_DB: Final = 20.0
"""Below the person's level by more is somebody else; speech itself moves within 15 dB or so."""
ROOM_DROP_DB: Final = 8.0
"""In a room that is known to be loud, this much below the person is taken for the room at most:
nearer to the loudest syllables lie too many of the person's own."""
RETURN_DROP_DB: Final = 8.0
"""...and a command that broke off goes on as loud as this, or it is the room again. Some people
call louder than they command, so its own level counts."""
GONE_WINDOWS: Final = 5
"""After so many windows, 160 ms, the person is not just between two syllables."""
ROOM_CLEAR_DB: Final = 3.0
"""The room before the call counts as itself up to this much louder."""
ROOM_WINDOWS: Final = 60
"""What was longer ago than some two seconds is another matter."""
ROOM_MIN_WINDOWS: Final = 12
"""Less of the room before the call, about 0.4 s, says nothing."""
ROOM_SHARE: Final = 0.9
"""Of the windows before the call, so many are quieter than what counts as the room's level."""
SMOOTH_WINDOWS: Final = 3
"""Levels are judged over about 100 ms: a plosive's gap is no silence, a click no voice."""
UNKNOWN_DBFS: Final = -200.0


class Nearness:
    """Levels of consecutive windows in, whether the person may be heard out."""

    def __init__(self, call_dbfs: float = UNKNOWN_DBFS) -> None:
        """Begin with the level of the call, if known."""
        self._person_dbfs = call_dbfs
        self._command_dbfs = UNKNOWN_DBFS
        self._room: deque[float] = deque(maxlen=ROOM_WINDOWS)
        self._room_dbfs = UNKNOWN_DBFS
        self._gone = 0
        self._levels: deque[float] = deque(maxlen=SMOOTH_WINDOWS)

    def hear_room(self, level_dbfs: float) -> None:
        """Take in the level of a window in which the person had not called yet."""
        self._room.append(level_dbfs)
        if len(self._room) >= ROOM_MIN_WINDOWS:
            self._room_dbfs = sorted(self._room)[int(ROOM_SHARE * len(self._room))]

    def hear(self, level_dbfs: float, *, voiced: bool, commanding: bool) -> bool:
        """Take in the next window's level; return whether it is loud enough for the person.

        Args:
            level_dbfs: The window's level.
            voiced: There is voice in it.
            commanding: Some of the command was heard before it; until then it may be the call.
        """
        self._levels.append(level_dbfs)
        if voiced:
            smooth_dbfs = sum(self._levels) / len(self._levels)
            self._person_dbfs = max(self._person_dbfs, smooth_dbfs)
            if commanding:
                self._command_dbfs = max(self._command_dbfs, smooth_dbfs)
        near = max(self._levels) >= self._floor_dbfs()
        self._gone = 0 if near else self._gone + 1
        return near

    def _floor_dbfs(self) -> float:
        person, room = self._person_dbfs, self._room_dbfs + ROOM_CLEAR_DB
        if not person - DROP_DB < room <= person - ROOM_DROP_DB:
            return person - DROP_DB
        if self._gone >= GONE_WINDOWS:
            return max(room, self._command_dbfs - RETURN_DROP_DB)
        return room
