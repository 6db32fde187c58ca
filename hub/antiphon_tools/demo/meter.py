"""Level meters on a room's microphone and speaker, which hear and sound as before."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from antiphon_satellite.levels import level_dbfs
from antiphon_satellite.listen.microphone import Microphone, PcmFrame
from antiphon_satellite.speak.speaker import Output, Speaker
from antiphon_tools.demo.view import SILENCE_DBFS, Level, Voice


class Meter:
    """The loudest of what was heard and said in a room since it was last read."""

    def __init__(self) -> None:
        self._person_dbfs = self._house_dbfs = SILENCE_DBFS

    def heard(self, pcm: bytes) -> None:
        """Take in samples of the microphone."""
        self._person_dbfs = max(self._person_dbfs, level_dbfs(pcm))

    def said(self, pcm: bytes) -> None:
        """Take in samples for the speaker."""
        self._house_dbfs = max(self._house_dbfs, level_dbfs(pcm))

    def read(self) -> Level:
        """Return the loudest level, and whose it was; begin anew."""
        person_dbfs, house_dbfs = self._person_dbfs, self._house_dbfs
        self._person_dbfs = self._house_dbfs = SILENCE_DBFS
        if max(person_dbfs, house_dbfs) <= SILENCE_DBFS:
            return Level(SILENCE_DBFS, Voice.NOBODY)
        if house_dbfs > person_dbfs:
            return Level(house_dbfs, Voice.HOUSE)
        return Level(person_dbfs, Voice.PERSON)


class MeteredMicrophone:
    """A microphone that a meter listens to."""

    def __init__(self, microphone: Microphone, meter: Meter) -> None:
        self._microphone = microphone
        self._meter = meter
        self.name = microphone.name

    @property
    def dropped(self) -> int:
        """Frames that the microphone lost."""
        return self._microphone.dropped

    async def frames(self) -> AsyncGenerator[PcmFrame, None]:
        """Yield the microphone's frames.

        Raises:
            SoundDeviceError: as the microphone does.
        """
        frames = self._microphone.frames()
        try:
            async for frame in frames:
                self._meter.heard(frame.pcm)
                yield frame
        finally:
            await frames.aclose()


class MeteredSpeaker:
    """A speaker that a meter listens to."""

    def __init__(self, speaker: Speaker, meter: Meter) -> None:
        self._speaker = speaker
        self._meter = meter
        self.name = speaker.name

    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator[Output]:
        """Open the speaker for one sound.

        Raises:
            SoundDeviceError: as the speaker does.
        """
        async with self._speaker.open(sound, rate_hz) as output:
            yield _MeteredOutput(output, self._meter)


class _MeteredOutput:
    def __init__(self, output: Output, meter: Meter) -> None:
        self._output = output
        self._meter = meter
        self.first_at_us = output.first_at_us
        self.underruns = output.underruns

    async def write(self, pcm: bytes) -> None:
        self._meter.said(pcm)
        await self._output.write(pcm)
        self.first_at_us = self._output.first_at_us
        self.underruns = self._output.underruns

    async def drain(self) -> None:
        await self._output.drain()
