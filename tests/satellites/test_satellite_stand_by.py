"""Another satellite answers the call: silence, a kept stream, and taking over."""

import asyncio
from collections.abc import Awaitable, Callable

from antiphon_ears.wake.fake import marker
from antiphon_link.fake import FakeBus
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.limits import STAND_BY_SECONDS
from antiphon_protocol.messages.satellite import Listen, ListenEnded, Played, Resend
from antiphon_satellite.machine import State
from antiphon_satellite.simulate import SimulatedRoom
from tests.support import virtual_time
from tests.support.satellite_world import HubPart, hub_part, simulated, speech

Story = Callable[[SimulatedRoom, HubPart], Awaitable[None]]
CALL = bytes(8000) + marker()


def tell(story: Story) -> None:
    async def whole() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, _):
            await room.wait_ready()
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(room.say(CALL + bytes(20 * SAMPLE_RATE_HZ)))
                await story(room, hub)
                speaking.cancel()

    virtual_time.run(whole())


async def stand_down(room: SimulatedRoom, hub: HubPart, number: int = 0) -> str:
    """Call, and lose; return the stream."""
    call = await hub.call(number)
    hub.stop(call, "lost-arbitration")
    await room.wait_until(lambda: room.state is State.STANDING_BY)
    return call.stream


def test_a_loser_is_silent_sends_nothing_more_and_forgets_after_a_while() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        stream = await stand_down(room, hub)
        await asyncio.sleep(0.1)  # what was on its way
        sent = len(hub.frames[stream])
        await asyncio.sleep(STAND_BY_SECONDS - 0.5)
        assert len(hub.frames[stream]) == sent
        assert room.state is State.STANDING_BY
        await room.wait_ready()
        assert (await hub.fact(ListenEnded)).reason == "asked"
        assert room.sounds == ()
        hub.ask(Resend(stream=stream, first=0, last=9999))
        await asyncio.sleep(1.0)
        assert len(hub.frames[stream]) == sent + 1, "the end, and nothing of what was kept"

    tell(story)


def test_a_loser_that_is_asked_takes_over_without_losing_a_sample() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        stream = await stand_down(room, hub)
        await asyncio.sleep(2.5)
        call = await hub.listen()
        assert room.state is State.LISTENING
        await asyncio.sleep(0.5)
        hub.stop(call)
        ended = await hub.fact(ListenEnded)
        frames = sorted(hub.frames[stream], key=lambda one: one.sequence)
        assert [one.sequence for one in frames] == list(range(ended.frames))
        assert len(frames) * 0.032 > 3.0, "two and a half seconds were kept"
        hub.say("play-turn-1", speech(0.3))
        assert (await hub.fact(Played)).complete
        await room.wait_ready()

    tell(story)


def test_a_call_while_it_stands_by_is_a_call_of_its_own() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        first = await stand_down(room, hub)
        async with asyncio.TaskGroup() as group:
            group.create_task(room.say(CALL + bytes(2 * SAMPLE_RATE_HZ)))
            second = (await hub.call(1)).stream
            assert second != first
            assert (await hub.fact(ListenEnded)).stream == first
            hub.stop(hub.calls[1], "cancelled")

    tell(story)


def test_it_answers_another_question_of_the_hub_meanwhile() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        await stand_down(room, hub)
        hub.ask(Listen(turn="turn-2", stream="asked-1", playback="play-2", limit_s=5.0))
        await hub.until(lambda: len(hub.frames.get("asked-1", ())) > 3)
        assert room.state is State.LISTENING

    tell(story)


def test_a_hub_that_goes_while_it_stands_by_is_no_failure_of_this_room() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        await stand_down(room, hub)
        await hub.farewell()
        await room.wait_until(lambda: room.state is State.AWAY)
        assert room.sounds == ()

    tell(story)
