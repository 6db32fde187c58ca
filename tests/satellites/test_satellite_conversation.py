"""Whole conversations in memory, in virtual time: satellite real, hub played by the test."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from antiphon_ears.wake.fake import marker
from antiphon_link.connection import Publication
from antiphon_link.fake import FakeBus
from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, AudioFrame
from antiphon_protocol.messages.presence import Farewell, TimeAsked
from antiphon_protocol.messages.satellite import (
    ButtonPressed,
    Counters,
    Identify,
    Listen,
    ListenEnded,
    PlaybackReady,
    Played,
    Release,
    Resend,
    ShowTurn,
)
from antiphon_protocol.topics import HUB_PRESENCE, SATELLITE_DO
from antiphon_satellite.machine import State
from antiphon_satellite.settings import WakeMode
from antiphon_satellite.simulate import SimulatedRoom, Spoken
from tests.support import virtual_time
from tests.support.satellite_world import HubPart, Light, hub_part, simulated, speech

Story = Callable[[SimulatedRoom, HubPart, Light], Awaitable[None]]
COMMAND = bytes(8000) + marker() + bytes(2 * SAMPLE_RATE_HZ)
"""A quarter second of quiet, the wake phrase, a second for the command."""


def tell(story: Story, wake: WakeMode = "local") -> FakeBus:
    """Run a story from the moment at which the room can be spoken in."""

    async def whole() -> FakeBus:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus, wake=wake) as (room, light):
            await room.wait_ready()
            await story(room, hub, light)
        return bus

    return virtual_time.run(whole())


async def said(room: SimulatedRoom, play: Awaitable[None], pcm: bytes = COMMAND) -> Spoken:
    """Speak while the hub plays its part."""
    async with asyncio.TaskGroup() as group:
        speaking = group.create_task(room.speak(pcm))
        await play
    return speaking.result()


def ends_before(frames: Sequence[AudioFrame]) -> list[int]:
    """Return how many samples there were before each frame."""
    return [sum(one.samples for one in frames[:n]) for n in range(len(frames))]


def test_a_call_is_answered_in_the_room() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            assert (call.cause, call.phrase, call.engine) == ("phrase", "hey mycroft", "fake")
            await asyncio.sleep(0.8)
            hub.stop(call)
            hub.say("play-turn-1", speech(1.0))

        spoken = await said(room, play())
        assert (spoken.called, spoken.turn, spoken.over) == (True, "turn-1", True)
        assert spoken.reply == b"".join(frame.pcm for frame in speech(1.0))
        assert (spoken.reply_complete, spoken.cues) == (True, ())
        played = await hub.fact(Played)
        assert (played.samples, played.complete, played.underruns) == (SAMPLE_RATE_HZ, True, 0)
        assert played.first_at_us > 0
        assert light.shown == [
            State.AWAY,
            State.IDLE,
            State.CALLING,
            State.LISTENING,
            State.THINKING,
            State.PLAYING,
            State.IDLE,
        ]

    tell(story)


def test_the_stream_has_the_pre_roll_no_gap_and_a_counted_end() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            await asyncio.sleep(0.8)
            hub.stop(call)
            ended = await hub.fact(ListenEnded)
            frames = hub.frames[call.stream]
            assert (ended.stream, ended.reason) == (call.stream, "asked")
            assert [one.sequence for one in frames] == list(range(ended.frames))
            assert [one.position for one in frames] == ends_before(frames)
            assert [one.last for one in frames] == [False] * (len(frames) - 1) + [True]
            assert 0 <= call.begin < call.end < 2.5 * SAMPLE_RATE_HZ
            heard = b"".join(one.pcm for one in frames)
            assert marker() in heard[: 2 * call.end + 8000]
            hub.say("play-turn-1", speech(0.1))

        await said(room, play())

    tell(story)


def test_without_an_answer_the_call_is_given_up_with_a_cue() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        spoken = await room.speak(COMMAND)
        assert (spoken.called, spoken.turn, spoken.cues) == (True, "", ("unreachable",))
        assert (await hub.fact(ListenEnded)).reason == "no-hub"

    tell(story)


def test_a_listen_that_comes_too_late_opens_no_microphone() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        await room.speak(COMMAND)
        shown = len(light.shown)
        late = hub.calls[0].stream
        hub.ask(Listen(turn="t", stream=late, playback="p", limit_s=5.0))
        await asyncio.sleep(1.0)
        assert len(light.shown) == shown
        assert len(hub.all(ListenEnded)) == 1

    tell(story)


def test_a_hub_that_stays_away_in_mid_speech_is_told_and_so_is_its_return() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            await hub.listen()
            await hub.farewell()
            assert (await hub.fact(ListenEnded)).reason == "no-hub"

        spoken = await said(room, play())
        assert spoken.cues == ("unreachable",)
        assert State.HOLDING in light.shown, "the light tells at once"
        assert room.state is State.MISSED
        assert (await room.speak(COMMAND)).cues == ("unreachable",), "also on a call meanwhile"
        await hub.welcome()
        await room.wait_ready()
        assert [one.sound for one in room.sounds][-1] == "cue-back"

    tell(story)


def test_a_hub_that_is_soon_back_is_called_again_with_the_same_stream() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            await hub.farewell()
            await asyncio.sleep(0.4)
            await hub.welcome()
            assert await hub.call(1) == call
            await hub.listen(1)
            hub.stop(call)
            ended = await hub.fact(ListenEnded)
            assert [one.sequence for one in hub.frames[call.stream]] == [*range(ended.frames)]
            hub.ask(ShowTurn(turn="turn-1", state="answered"))

        spoken = await said(room, play())
        assert spoken.cues == ()
        assert State.HOLDING in light.shown

    tell(story)


def test_a_hub_that_comes_back_behind_the_stream_learns_of_call_and_end() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            hub.stop(call)
            ended = await hub.fact(ListenEnded)
            await hub.farewell()
            await hub.welcome()
            assert await hub.call(1) == call
            assert await hub.fact(ListenEnded, 1) == ended
            hub.ask(ShowTurn(turn="turn-1", state="failed", cue="failed"))

        assert (await said(room, play())).cues == ("failed",)
        assert State.WAITING in light.shown

    tell(story)


def test_the_will_of_an_earlier_hub_takes_no_hub_away() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        await hub.link.send(HUB_PRESENCE, Farewell(hub="other", epoch=1, reason="lost"))
        await hub.link.send(HUB_PRESENCE, Farewell(hub="hub", epoch=0, reason="lost"))
        await asyncio.sleep(1.0)
        assert room.state is State.IDLE
        assert light.shown == [State.AWAY, State.IDLE]

    tell(story)


def test_a_broker_that_is_gone_for_a_while_is_found_again() -> None:
    async def whole() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, light):
            await room.wait_ready()
            bus.stop()
            await hub.link.wait_disconnected()
            await asyncio.sleep(5.0)
            assert room.state is State.AWAY
            bus.start()
            await hub.link.wait_connected()
            await hub.welcome()
            await room.wait_ready()
            assert light.shown == [State.AWAY, State.IDLE, State.AWAY, State.IDLE]

    virtual_time.run(whole())


def test_frames_come_again_until_they_are_released() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            await asyncio.sleep(0.5)
            hub.stop(call)
            await hub.fact(ListenEnded)
            stream, first = call.stream, list(hub.frames[call.stream])
            hub.ask(Resend(stream=stream, first=0, last=2**31))
            await hub.until(lambda: len(hub.frames[stream]) == 2 * len(first))
            assert hub.frames[stream][len(first) :] == first
            hub.ask(Resend(stream=stream, first=3, last=4))
            await hub.until(lambda: hub.frames[stream][-2:] == first[3:5])
            hub.ask(Release(stream=stream))
            hub.ask(Resend(stream=stream, first=0, last=9))
            hub.say("play-turn-1", speech(0.5))
            await hub.fact(Played)
            assert len(hub.frames[stream]) == 2 * len(first) + 2

        await said(room, play())

    tell(story)


def test_a_failed_turn_sounds_the_cue_that_the_hub_asked_for() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            hub.stop(call)
            hub.ask(ShowTurn(turn="turn-1", state="failed", cue="not-understood"))

        spoken = await said(room, play())
        assert (spoken.cues, spoken.reply) == (("not-understood",), b"")
        played = await hub.fact(Played)
        assert (played.samples, played.complete) == (0, False), "the expected reply is given up"

    tell(story)


def test_what_is_said_of_an_older_turn_does_not_touch_a_new_call() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def first() -> None:
            hub.stop(await hub.listen(), "cancelled")

        async def second() -> None:
            call = await hub.call(1)
            hub.ask(ShowTurn(turn="turn-1", state="failed", cue="failed"))
            hub.stop(hub.calls[0])
            await hub.listen(1, "turn-2")
            hub.ask(ShowTurn(turn="turn-1", state="cancelled"))
            await asyncio.sleep(0.3)
            assert room.state is State.LISTENING
            hub.stop(call)
            hub.say("play-turn-2", speech(0.2))

        await said(room, first())
        spoken = await said(room, second())
        assert (spoken.turn, spoken.cues, spoken.reply_complete) == ("turn-2", (), True)

    tell(story)


def test_the_button_calls_without_a_wake_word_and_barges_in_on_a_reply() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            assert (call.cause, call.end) == ("button", 0)
            hub.stop(call)
            hub.say("play-turn-1", speech(30.0))
            await hub.until(lambda: State.PLAYING in light.shown)

        async with asyncio.TaskGroup() as group:
            group.create_task(play())
            first = group.create_task(room.speak(bytes(32_000), press_button=True))
            await room.wait_until(lambda: room.state is State.PLAYING)
            group.create_task(room.speak(bytes(32_000), press_button=True))
            hub.stop(await hub.listen(1, "turn-2"), "cancelled")
        played = await hub.fact(Played)
        assert (played.playback, played.complete) == ("play-turn-1", False)
        assert len(hub.all(ButtonPressed)) == 2
        assert first.result().called

    tell(story, wake="none")


def test_a_call_while_a_reply_sounds_ends_it_at_once_and_is_heard() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            hub.stop(await hub.listen())
            hub.say("play-turn-1", speech(5.0))
            second = await hub.call(1)
            stopped = await hub.fact(Played)
            assert (stopped.playback, stopped.complete) == ("play-turn-1", False)
            assert stopped.samples < 4 * SAMPLE_RATE_HZ
            hub.ask(ShowTurn(turn="turn-1", state="cancelled"))  # the superseded turn's last word
            await hub.listen(1, "turn-2")
            await asyncio.sleep(0.5)
            assert room.state is State.LISTENING
            hub.stop(second)
            hub.say("play-turn-2", speech(1.0))

        async def again() -> None:
            await room.wait_until(lambda: room.state is State.PLAYING)
            await room.say(COMMAND)

        async with asyncio.TaskGroup() as group:
            group.create_task(again())
            spoken = await said(room, play())
        assert spoken.turn == "turn-2"
        assert len(hub.calls) == 2

    tell(story)


def test_a_call_while_the_hub_thinks_is_heard() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            hub.stop(await hub.listen())
            await room.wait_until(lambda: room.state is State.THINKING)
            await room.say(COMMAND)
            hub.stop(await hub.listen(1, "turn-2"))
            hub.say("play-turn-2", speech(1.0))

        spoken = await said(room, play())
        assert (spoken.turn, spoken.reply_complete) == ("turn-2", True)

    tell(story)


def test_the_hub_can_ask_for_a_stream_without_a_call() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        hub.ask(Listen(turn="t", stream="follow-up", playback="p", limit_s=1.0))
        ended = await hub.fact(ListenEnded)
        assert (ended.stream, ended.reason) == ("follow-up", "limit")
        assert ended.frames == int(SAMPLE_RATE_HZ / FRAME_SAMPLES) + 1
        assert not hub.calls
        assert (await hub.fact(PlaybackReady)).playback == "p"

    tell(story)


@pytest.mark.parametrize(("later_s", "kept"), [(0.3, True), (5.0, False)])
def test_an_answer_is_heard_from_the_end_of_our_own_voice_on(later_s: float, kept: bool) -> None:
    answer = b"".join(frame.pcm for frame in speech(0.2))

    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            hub.stop(await hub.listen())
            hub.say("play-turn-1", speech(1.0))
            await hub.fact(Played)
            await room.say(answer)
            await asyncio.sleep(later_s - 0.2)
            hub.ask(Listen(turn="turn-2", stream="follow-up", playback="p", limit_s=2.0))
            await hub.fact(ListenEnded, 1)
            heard = b"".join(frame.pcm for frame in hub.frames["follow-up"])
            assert (answer in heard) is kept
            frames = hub.frames["follow-up"]
            assert [frame.position for frame in frames] == ends_before(frames)

        await said(room, play())

    tell(story)


def test_a_voice_opens_a_stream_for_the_hub_to_look_for_the_wake_phrase() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            call = await hub.listen()
            assert (call.cause, call.begin, call.phrase) == ("voice", 0, "")
            hub.stop(call, "no-wake")
            assert (await hub.fact(ListenEnded)).reason == "asked"

        spoken = await said(room, play(), marker(0.4) + bytes(8000))
        assert (spoken.called, spoken.cues) == (True, ())

    tell(story, wake="hub")


def test_a_voice_that_stops_ends_its_stream_and_is_no_reason_for_a_cue() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        async def play() -> None:
            await hub.listen()
            assert (await hub.fact(ListenEnded)).reason == "voice-ended"

        spoken = await said(room, play(), marker(1.0) + bytes(32_000))
        assert spoken.cues == ()

    tell(story, wake="hub")


@pytest.mark.parametrize("wake", ["local", "none"])
def test_mere_talk_calls_nobody(wake: WakeMode) -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        talk = b"".join(frame.pcm for frame in speech(2.0))
        spoken = await room.speak(talk)
        assert (spoken.called, spoken.over) == (False, True)
        assert not hub.calls

    tell(story, wake=wake)


def test_garbage_on_its_topic_leaves_it_alive() -> None:
    chance = random.Random(2)

    async def whole() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, _):
            await room.wait_ready()
            path = SATELLITE_DO.path(satellite="sim")
            for _ in range(1000):
                payload = chance.randbytes(chance.randrange(200))
                bus.publish(Publication(path=path, payload=payload, qos=1))

            async def play() -> None:
                hub.stop(await hub.listen())
                for _ in range(200):
                    garbage = chance.randbytes(chance.randrange(200))
                    bus.publish(
                        Publication(path="antiphon/1/down/sim/play-turn-1", payload=garbage, qos=0)
                    )
                hub.say("play-turn-1", speech(0.5))

            assert (await said(room, play())).reply_complete

    virtual_time.run(whole())


def test_it_counts_and_asks_the_time() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        hub.ask(Identify())
        counters = await hub.fact(Counters)
        assert counters.counts["link.connects"] == 1
        assert counters.counts["player.cues"] == 1
        assert counters.noise_dbfs < -90
        assert len(hub.all(TimeAsked)) >= 3

    tell(story)


def test_it_says_goodbye() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        hello = hub.presences[-1]
        assert (hello.satellite, getattr(hello, "room", "")) == ("sim", "kitchen")

    bus = tell(story)
    (kept,) = bus.retained("antiphon/1/sat/sim/presence")
    assert b"goodbye" in kept.payload
    assert b"stopped" in kept.payload


def test_audio_of_a_stranger_plays_nothing() -> None:
    async def story(room: SimulatedRoom, hub: HubPart, light: Light) -> None:
        hub.say("play-turn-1", [AudioFrame(0, 0, 0, b"ab", last=True)])
        await asyncio.sleep(1.0)
        assert not hub.all(Played)

    tell(story)
