"""A real satellite's ring and a real worker's intake with a bad network between them.

All in virtual time. What the recogniser is given is, to the bit, what the microphone heard; or a
beginning of it, and then the turn fails.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_codecs.joiner import joined
from antiphon_ears.wake.fake import marker
from antiphon_engines.settings import StreamsSection
from antiphon_engines.streams import Reader, Streams, StreamStalledError
from antiphon_link.fake import FakeLink
from antiphon_link.link import Envelope
from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_BYTES, SAMPLE_RATE_HZ, Frame, OpusFrame
from antiphon_protocol.messages.satellite import (
    Listen,
    ListenEnded,
    Resend,
    ShowTurn,
    StopListening,
    StopPlaying,
)
from antiphon_protocol.topics import SATELLITE_AUDIO, SATELLITE_OPUS
from antiphon_satellite.simulate import SimulatedRoom
from antiphon_satellite.uplink import KEPT_FRAMES_MAX
from tests.support import virtual_time
from tests.support.examples import examples
from tests.support.satellite_world import HubPart, hub_part, simulated
from tests.support.wifi import Weather, WifiBus

SPOKEN = random.Random(7).randbytes(3 * SAMPLE_RATE_HZ * SAMPLE_BYTES)
PCM = bytes(8000) + marker() + SPOKEN + bytes(SAMPLE_RATE_HZ * SAMPLE_BYTES)
ENOUGH_BYTES = 4 * SAMPLE_RATE_HZ * SAMPLE_BYTES
"""The hub lets the satellite stop when the recogniser had so much."""


class Result(msgspec.Struct, frozen=True):
    heard: bytes
    ring: bytes
    """What the satellite kept of the stream."""
    kinds: set[type]
    """Of frames that it kept."""
    failed: str
    cues: tuple[str, ...]
    kept_frames: int


class House(msgspec.Struct, frozen=True):
    """The hub's part of a turn: it passes on what the worker asks for."""

    hub: HubPart
    streams: Streams

    async def turn(self) -> tuple[bytes, str]:
        """Hear a call; return what the recogniser was given, and why it was no more."""
        call = await self.hub.call()
        stream = call.stream
        reader = self.streams.read(
            "sim",
            stream,
            lambda hole: self.hub.ask(Resend(stream=stream, first=hole.first, last=hole.last)),
        )
        heard = bytearray()
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._take_calls()),
                group.create_task(self._pass_on_the_end(reader)),
            ]
            failed = await self._read(reader, heard, stream)
            for helper in helpers:
                helper.cancel()
        reader.close()
        state = "failed" if failed else "answered"
        self.hub.ask(StopPlaying(playback="p"))
        self.hub.ask(ShowTurn(turn="turn-1", state=state, cue="failed" if failed else None))  # type: ignore[arg-type]  # one of two words
        return bytes(heard), failed

    async def _read(self, reader: Reader, heard: bytearray, stream: str) -> str:
        stopped = False
        try:
            while pcm := await reader.next():
                heard += pcm
                if len(heard) >= ENOUGH_BYTES and not stopped:
                    stopped = True
                    self.hub.ask(StopListening(stream=stream, reason="speech-ended"))
        except StreamStalledError as error:
            return str(error)
        return ""

    async def _take_calls(self) -> None:
        number = 0
        while True:
            call = await self.hub.call(number)
            self.hub.ask(Listen(turn="turn-1", stream=call.stream, playback="p", limit_s=20.0))
            number += 1

    async def _pass_on_the_end(self, reader: Reader) -> None:
        reader.finish((await self.hub.fact(ListenEnded)).frames)


def carried(
    weather: Weather,
    disturb: Callable[[SimulatedRoom], None] | None = None,
    codec: Literal["pcm", "opus"] = "pcm",
) -> Result:
    """Speak through that weather."""

    async def story() -> Result:
        bus, streams = WifiBus(weather), Streams(StreamsSection())
        worker = FakeLink(bus, client_id="worker")
        loop = asyncio.get_running_loop()

        def take(frame: Frame, at: Envelope) -> None:
            streams.put("sim", at.ids["stream"], frame, loop.time())

        worker.on(SATELLITE_AUDIO, take)
        worker.on(SATELLITE_OPUS, take)
        async with (
            hub_part(bus) as hub,
            simulated(bus, codec=codec) as (room, _),
            asyncio.TaskGroup() as group,
        ):
            task = group.create_task(worker.run())
            await worker.wait_connected()
            await room.wait_ready()
            turn = group.create_task(House(hub, streams).turn())
            speaking = group.create_task(room.speak(PCM))
            await hub.call()
            bus.begin()
            if disturb is not None:
                loop.call_later(1.5, disturb, room)
            heard, failed = await turn
            uplink = room._satellite._conductor._streams._uplink
            ring = [one for kept in uplink._kept.values() for one in kept.frames]
            spoken = await speaking
            task.cancel()
            kinds = {type(one) for one in ring}
            return Result(heard, joined(ring), kinds, failed, spoken.cues, uplink.kept_frames)

    return virtual_time.run(story())


def differences(result: Result) -> set[bytes]:
    """Return what the recogniser was given where it was not what the microphone heard."""
    cuts = range(0, len(result.heard), FRAME_BYTES)
    pairs = (
        (result.heard[at : at + FRAME_BYTES], result.ring[at : at + FRAME_BYTES]) for at in cuts
    )
    return {heard for heard, kept in pairs if heard != kept}


def test_the_recogniser_is_given_what_the_microphone_heard() -> None:
    result = carried(Weather())
    assert result.heard == result.ring
    assert SPOKEN in result.heard
    assert result.cues == ()


@settings(max_examples=examples(25), deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0.0, 0.1),
    repeats=st.floats(0.0, 0.3),
    delay_s=st.floats(0.0, 0.15),
)
def test_loss_repetition_and_disorder_change_no_bit(
    seed: int, loss: float, repeats: float, delay_s: float
) -> None:
    result = carried(Weather(seed=seed, loss=loss, repeats=repeats, delay_s=delay_s))
    assert (result.failed, result.cues) == ("", ())
    assert result.heard == result.ring
    assert SPOKEN in result.heard


@settings(max_examples=examples(25), deadline=None)
@given(
    seed=st.integers(0, 2**32),
    away_at_s=st.floats(0.0, 4.5),
    away_s=st.floats(0.1, 2.0),
    cut=st.booleans(),
)
def test_two_seconds_without_any_network_change_no_bit(
    seed: int, away_at_s: float, away_s: float, *, cut: bool
) -> None:
    weather = Weather(
        seed=seed,
        loss=0.1,
        repeats=0.1,
        delay_s=0.05,
        away_at_s=away_at_s,
        away_s=away_s,
        cut=cut,
    )
    result = carried(weather)
    assert (result.failed, result.cues) == ("", ())
    assert result.heard == result.ring
    assert SPOKEN in result.heard


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("away_at_s", [0.3, 2.5])
def test_a_longer_outage_fails_with_a_sign_and_garbles_nothing(
    away_at_s: float, *, cut: bool
) -> None:
    weather = Weather(loss=0.1, away_at_s=away_at_s, away_s=12.0, cut=cut)
    result = carried(weather)
    assert result.failed
    assert differences(result) <= {bytes(FRAME_BYTES)}, "what was not heard is silence"
    assert result.cues in (("unreachable",), ("failed",), ("unreachable", "back"))
    assert result.kept_frames <= KEPT_FRAMES_MAX + 1


def test_a_satellite_that_cannot_send_again_fails_the_turn_instead_of_guessing() -> None:
    def forget(room: SimulatedRoom) -> None:
        for kept in room._satellite._conductor._streams._uplink._kept.values():
            kept.frames.clear()

    weather = Weather(away_at_s=1.0, away_s=0.6)
    result = carried(weather, forget)
    assert "frames never came" in result.failed
    assert result.cues == ("failed",)


# -- the same as Opus: the bits are those of the packets that the satellite made ------------------


def test_opus_arrives_as_it_was_packed() -> None:
    result = carried(Weather(), codec="opus")
    assert result.kinds == {OpusFrame}
    assert result.heard == result.ring
    assert len(result.heard) >= len(SPOKEN)
    assert result.cues == ()


@settings(max_examples=examples(20), deadline=None)
@given(
    weather=st.builds(
        Weather,
        seed=st.integers(0, 2**32),
        loss=st.floats(0.0, 0.1),
        repeats=st.floats(0.0, 0.3),
        delay_s=st.floats(0.0, 0.05),
        away_at_s=st.floats(0.0, 4.5),
        away_s=st.floats(0.0, 2.0),
        cut=st.booleans(),
    )
)
def test_no_weather_that_pcm_survives_changes_a_bit_of_opus(weather: Weather) -> None:
    result = carried(weather, codec="opus")
    assert (result.failed, result.cues) == ("", ())
    assert result.heard == result.ring


@pytest.mark.parametrize("cut", [False, True])
def test_a_longer_outage_of_opus_fails_with_a_sign_and_garbles_nothing(*, cut: bool) -> None:
    weather = Weather(loss=0.1, away_at_s=2.5, away_s=12.0, cut=cut)
    result = carried(weather, codec="opus")
    assert result.failed
    assert result.heard == result.ring[: len(result.heard)]
    assert result.kept_frames <= KEPT_FRAMES_MAX + 1
