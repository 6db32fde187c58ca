"""A room in memory: a real satellite whose microphone is a script and whose speaker is a recorder.

`antiphon turn`, the demo and the system tests speak to the house through it.

    room = SimulatedRoom(resolve, satellite="sim-kitchen", room="kitchen")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(room.run())
        await room.wait_ready()
        said = await room.speak(pcm)
        task.cancel()
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from antiphon_codecs.codecs import Codec
from antiphon_link.link import Resolver
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_satellite.app import Devices, Satellite, broker_link
from antiphon_satellite.device.button import PushButton
from antiphon_satellite.device.identity import identity
from antiphon_satellite.device.indicator import Indicator, NullIndicator
from antiphon_satellite.link import LinkMaker
from antiphon_satellite.listen.scripted import ScriptedMicrophone
from antiphon_satellite.machine import State
from antiphon_satellite.settings import AudioSection, GateSection, Settings, WakeMode, WakeSection
from antiphon_satellite.speak.cues import CUE_PREFIX
from antiphon_satellite.speak.paced import PacedSpeaker, Sounded

SOUNDS_KEPT: Final = 64
"""Sounds that the recorder keeps; the oldest go first."""
CALL_WITHIN_S: Final = 2.0
"""Wake engines fire up to a second behind the phrase."""
TURN_WITHIN_S: Final = 60.0


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of something that was said in the room."""

    called: bool
    """The wake phrase was heard, the button pressed, or (hub-side wake) a voice noticed."""
    turn: str = ""
    """The hub's id of the turn; empty if it took none."""
    over: bool = False
    """The room came to rest in time."""
    reply: bytes = b""
    """What the speaker played: signed 16-bit mono samples; empty without a spoken reply."""
    reply_rate_hz: int = SAMPLE_RATE_HZ
    reply_complete: bool = False
    cues: tuple[str, ...] = ()
    """Cues that sounded, in order."""


class SimulatedRoom:
    """A room to speak in. `run()` lives in a task; others call the rest, one `speak` at a time."""

    def __init__(
        self,
        resolve: Resolver,
        *,
        satellite: str,
        room: str,
        wake: WakeMode = "local",
        engines: Sequence[str] = (),
        phrases: Sequence[str] = ("hey mycroft",),
        threshold: float | None = None,
        gate: str = "auto",
        codec: Codec = "pcm",
        speed: float = 1.0,
        indicator: Indicator | None = None,
        make_link: LinkMaker | None = None,
        state_dir: Path | None = None,
    ) -> None:
        """Furnish the room.

        Args:
            resolve: Finds the broker.
            satellite: The satellite's id.
            room: The room's name.
            wake: Where the wake word is recognised.
            engines: Wake engines by name; none: those of the settings' default.
            phrases: Wake phrases.
            threshold: Score from which on they count; None: each engine's own.
            gate: Voice-activity engine for hub-side wake.
            codec: How what it hears travels.
            speed: How many times faster than real time it hears and plays.
            indicator: Shown the state of the conversation.
            make_link: Makes another link than to that broker: to one in memory.
            state_dir: Where its alarms are kept; None: nowhere.

        Raises:
            NoWakeEngineError: the wake word shall be heard here, and no engine is installed.
            EarsError: an engine is missing, or has no model for a phrase.
            TopicError: the id is no slug.
        """
        self._speed, self._microphone = speed, ScriptedMicrophone(speed)
        self._button = PushButton()
        self._sounds: deque[Sounded] = deque(maxlen=SOUNDS_KEPT)
        speaker = PacedSpeaker("recorder", self._sounds.append, speed=speed)
        self._satellite = Satellite(
            _settings(_wake(wake, engines, phrases, threshold), gate, codec),
            identity(satellite, room),
            make_link or broker_link(resolve),
            Devices(self._microphone, speaker, indicator or NullIndicator(), self._button),
            state_dir,
        )

    @property
    def state(self) -> State:
        """Where the conversation is."""
        return self._satellite.state

    @property
    def level_dbfs(self) -> float:
        """Level of what the microphone hears now, dB relative to full scale."""
        return self._satellite.level_dbfs

    @property
    def sounds(self) -> tuple[Sounded, ...]:
        """What sounded since the last `speak` began: replies, announcements and cues, in order."""
        return tuple(self._sounds)

    async def run(self) -> None:
        """Be there until cancelled.

        Raises:
            ExceptionGroup: of LinkRefusedError, when the broker refuses us for good.
        """
        await self._satellite.run()

    async def wait_ready(self) -> None:
        """Return once the room can be spoken in: the hub is there, nothing is under way."""
        await self._satellite.wait_until(
            lambda: self.state is State.IDLE and self._satellite.resting
        )

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Return once something holds that depends on the conversation."""
        await self._satellite.wait_until(true)

    def press(self) -> None:
        """Press the button, whatever comes of it."""
        self._button.press()

    async def say(self, pcm: bytes) -> None:
        """Let it be heard, whatever comes of it; returns behind its last sample.

        Raises:
            ScriptFullError: more than ten minutes of audio.
        """
        await self._microphone.say(pcm)

    async def speak(
        self, pcm: bytes, *, press_button: bool = False, within_s: float = TURN_WITHIN_S
    ) -> Spoken:
        """Say something, and wait until the room has come to rest.

        Args:
            pcm: Signed 16-bit mono 16 kHz samples.
            press_button: Push to talk, instead of relying on the wake phrase.
            within_s: Give up after so long behind the last sample, seconds.

        Raises:
            ScriptFullError: more than ten minutes of audio.
        """
        self._sounds.clear()
        calls = self._satellite.calls
        if press_button:
            self._button.press()
        await self._microphone.say(pcm)
        called = self._satellite.wait_until(lambda: self._satellite.calls > calls)
        if not await _within(CALL_WITHIN_S / self._speed, called):
            return self._spoken(called=False, over=True)
        over = await _within(within_s, self._satellite.wait_until(lambda: self._satellite.resting))
        return self._spoken(called=True, over=over)

    def _spoken(self, *, called: bool, over: bool) -> Spoken:
        sounds = self.sounds
        reply = next((one for one in sounds if not one.sound.startswith(CUE_PREFIX)), None)
        return Spoken(
            called=called,
            turn=self._satellite.turn if called else "",
            over=over,
            reply=reply.pcm if reply else b"",
            reply_rate_hz=reply.rate_hz if reply else SAMPLE_RATE_HZ,
            reply_complete=reply is not None and reply.drained,
            cues=tuple(
                one.sound.removeprefix(CUE_PREFIX)
                for one in sounds
                if one.sound.startswith(CUE_PREFIX)
            ),
        )


def _settings(wake: WakeSection, gate: str, codec: Codec) -> Settings:
    return Settings(wake=wake, gate=GateSection(engine=gate), audio=AudioSection(codec=codec))


def _wake(
    mode: WakeMode, engines: Sequence[str], phrases: Sequence[str], threshold: float | None
) -> WakeSection:
    return WakeSection(
        mode=mode, engines=tuple(engines), phrases=tuple(phrases), threshold=threshold
    )


async def _within(seconds: float, waiting: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True
