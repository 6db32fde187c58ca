"""How loud the house speaks in each room now, from the audio that passes on the bus. Pure."""

from collections import deque
from typing import Final

import msgspec

from antiphon_protocol.audio import SAMPLE_RATE_HZ, AudioFrame
from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX
from antiphon_satellite.levels import level_dbfs
from antiphon_tools.demo.view import SILENCE_DBFS

LEVELS_KEPT: Final = int(PLAYBACK_SECONDS_MAX / 0.02)
"""Frames of the longest playback, should they be as short as 20 ms; the oldest are dropped."""


class _Sounding(msgspec.Struct, frozen=True):
    from_s: float
    dbfs: float


class Playouts:
    """Replies reach a satellite ahead of real time; this says what sounds there at a moment."""

    def __init__(self) -> None:
        self._satellites: dict[str, str] = {}
        """Satellite by the playback that it was last told of."""
        self._begun_s: dict[str, float] = {}
        self._levels: dict[str, deque[_Sounding]] = {}

    def expect(self, satellite: str, playback: str) -> None:
        """A satellite was told to play this; what it played before is forgotten."""
        self._satellites = {
            one: other for one, other in self._satellites.items() if other != satellite
        }
        self._satellites[playback] = satellite
        self._begun_s.pop(satellite, None)
        self._levels[satellite] = deque(maxlen=LEVELS_KEPT)

    def frame(self, playback: str, frame: AudioFrame, now_s: float) -> None:
        """Take in a frame; the first one of a playback sounds at once, the others in their turn."""
        satellite = self._satellites.get(playback)
        if satellite is None or not frame.pcm:
            return
        begun_s = self._begun_s.setdefault(satellite, now_s)
        from_s = begun_s + frame.position / SAMPLE_RATE_HZ
        self._levels[satellite].append(_Sounding(from_s, level_dbfs(frame.pcm)))

    def level_dbfs(self, satellite: str, now_s: float) -> float:
        """Return the loudest level that sounded there since it was last asked for."""
        waiting = self._levels.get(satellite, deque())
        loudest_dbfs = SILENCE_DBFS
        while waiting and waiting[0].from_s <= now_s:
            loudest_dbfs = max(loudest_dbfs, waiting.popleft().dbfs)
        return loudest_dbfs
