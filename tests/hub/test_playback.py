"""Rooms, replies and announcements: the real rules with turns, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from antiphon_hub.playback.manners import Manners
from antiphon_hub.playback.rules import DUCK_LEASE_S
from antiphon_hub.turns.speaking import START_S, TOGETHER_S
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskVolume
from antiphon_protocol.messages.event import RoomDucked
from antiphon_protocol.messages.satellite import Chime, Duck, Play, SetVolume, StopPlaying
from tests.support import virtual_time
from tests.support.turn_world import World, obliging

Story = Callable[[World], Awaitable[None]]
DINNER = AskAnnounce(text="Dinner is ready")


def lived(tmp_path: Path, story: Story, *rooms: str) -> World:
    async def whole() -> World:
        async with World(tmp_path / "turns.sqlite") as world:
            world.worker()
            for room in rooms or ("kitchen", "hall"):
                world.satellite(f"sat-{room}", room)
            await story(world)
            return world

    return virtual_time.run(whole())


def plays(world: World, satellite: str) -> list[Play]:
    return [one for to, one in world.commands if to == satellite and isinstance(one, Play)]


def volumes(world: World) -> dict[str, SetVolume]:
    return {to: one for to, one in world.commands if isinstance(one, SetVolume)}


def told(answer: Answer) -> dict[str, str]:
    rooms: dict[str, str] = answer.slots["rooms"]
    return rooms


def test_an_announcement_begins_everywhere_at_one_time(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        answer = await world.turns.announce(DINNER)
        assert answer.ok
        assert told(answer) == {"hall": "played", "kitchen": "played"}
        first, second = plays(world, "sat-hall")
        assert plays(world, "sat-kitchen") == [first, second]
        assert first.kind == "announcement"
        assert second.playback == first.playback
        # The latest time first, the true one as soon as there is audio.
        assert 0 < second.at_us < first.at_us
        assert len(world.jobs) == 1

    lived(tmp_path, story)


def test_a_single_room_waits_for_no_common_time(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        answer = await world.turns.announce(AskAnnounce(text="Hello", rooms=("Hall",)))
        assert told(answer) == {"hall": "played"}
        (play,) = plays(world, "sat-hall")
        assert play.at_us == 0

    lived(tmp_path, story)


def test_all_but_some_rooms(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        request = AskAnnounce(text="Hello", except_rooms=("kitchen", "attic"))
        assert told(await world.turns.announce(request)) == {"hall": "played"}
        missing = await world.turns.announce(AskAnnounce(text="Hello", rooms=("hall", "attic")))
        assert "no satellite in 'attic'; there are satellites in: hall, kitchen" in missing.error
        nobody = await world.turns.announce(
            AskAnnounce(text="Hello", rooms=("hall",), except_rooms=("hall",))
        )
        assert "nobody to tell" in nobody.error

    lived(tmp_path, story)


def test_a_busy_room_hears_it_later_and_the_others_do_not_wait_for_long(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        loop, began_s = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        world.playback.attend("kitchen", "turn-1")
        announced = asyncio.create_task(world.turns.announce(DINNER))
        await asyncio.sleep(TOGETHER_S + START_S + 0.1)
        assert len(plays(world, "sat-hall")) == 1
        assert not plays(world, "sat-kitchen")
        await asyncio.sleep(7.0)
        world.playback.unattend("kitchen", "turn-1")
        answer = await announced
        assert told(answer) == {"hall": "played", "kitchen": "played"}
        assert loop.time() - began_s < TOGETHER_S + 12.0

    lived(tmp_path, story)


def test_an_alarm_interrupts_an_announcement_that_is_said_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        announced = asyncio.create_task(world.turns.announce(DINNER))
        await asyncio.sleep(0.5)
        alarm = await world.turns.announce(
            AskAnnounce(text="Water in the cellar", rooms=("hall",), priority="urgent")
        )
        assert told(alarm) == {"hall": "played"}
        assert told(await announced) == {"hall": "played", "kitchen": "played"}
        kinds = [one.kind for one in plays(world, "sat-hall") if not one.at_us]
        assert kinds == ["alarm", "announcement"]
        assert any(to == "sat-hall" and isinstance(one, StopPlaying) for to, one in world.commands)
        assert len(plays(world, "sat-kitchen")) == 2

    lived(tmp_path, story)


def test_who_calls_during_an_announcement_ends_it_there(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        announced = asyncio.create_task(world.turns.announce(DINNER))
        await asyncio.sleep(0.5)
        world.call(name="sat-hall")
        assert told(await announced) == {"hall": "called-over", "kitchen": "played"}
        await world.ended(2)

    lived(tmp_path, story)


def test_a_dead_satellite_costs_the_others_nothing_but_a_moment(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.deaf.add("sat-hall")
        answer = await world.turns.announce(DINNER)
        assert answer.ok
        assert told(answer) == {"hall": "no-speaker", "kitchen": "played"}

    lived(tmp_path, story)


def test_without_a_voice_nobody_was_told(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.lose_worker()
        answer = await world.turns.announce(DINNER)
        assert not answer.ok
        assert "no-voice" in answer.error

    lived(tmp_path, story)


def test_a_reply_is_asked_for_in_the_same_breath(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = obliging("do light")
        world.call(name="sat-hall")
        await world.ended()
        (play,) = plays(world, "sat-hall")
        assert (play.kind, play.at_us) == ("reply", 0)
        (end,) = world.endings
        assert end.outcome == "answered"

    lived(tmp_path, story)


def test_the_room_is_ducked_from_the_call_to_the_end_of_the_reply(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        with world.playback.place("hall", "music") as music:
            world.call(name="sat-hall")
            await world.ended()
            await asyncio.sleep(0.1)
            assert music.here
        ducks = [(to, one) for to, one in world.commands if isinstance(one, Duck)]
        assert {to for to, _ in ducks} == {"sat-hall"}
        assert ducks[0][1].lease_s == DUCK_LEASE_S
        assert ducks[-1][1] == Duck(level_db=0.0, lease_s=0.0)
        events = [one for one in world.publisher.events if isinstance(one, RoomDucked)]
        assert [one.lease_s > 0 for one in events] == [True, False]
        assert {one.room for one in events} == {"hall"}

    lived(tmp_path, story)


def test_a_reply_may_come_from_another_speaker_of_the_room(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.satellite("big", "hall")
        world.manners["hall"] = Manners(reply_on="big")
        world.call(name="sat-hall")
        await world.ended()
        assert [one.kind for one in plays(world, "big")] == ["reply"]
        assert not plays(world, "sat-hall")

    lived(tmp_path, story)


def test_a_satellite_without_a_speaker_is_answered_by_its_neighbour(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.satellite("mute", "hall", speaks=False)
        world.call(name="mute")
        await world.ended()
        assert [one.kind for one in plays(world, "sat-hall")] == ["reply"]

    lived(tmp_path, story)


@pytest.mark.parametrize(
    ("at_night", "rooms", "chimes"),
    [("chime", {"hall": "chimed", "kitchen": "played"}, 1),
     ("refuse", {"hall": "quiet-hours", "kitchen": "played"}, 0)],
)  # fmt: skip
def test_at_night(tmp_path: Path, at_night: str, rooms: dict[str, str], chimes: int) -> None:
    async def story(world: World) -> None:
        world.local_time = world.local_time.replace(hour=23)
        world.manners["hall"] = Manners(
            quiet_from="22:00",
            quiet_to="07:00",
            quiet_announcements=at_night,  # type: ignore[arg-type]  # of the table
        )
        answer = await world.turns.announce(DINNER)
        assert answer.ok
        assert told(answer) == rooms
        assert len(world.sent(Chime)) == chimes
        urgent = AskAnnounce(text="Fire", priority="urgent")
        assert set(told(await world.turns.announce(urgent)).values()) == {"played"}

    lived(tmp_path, story)


def test_do_not_disturb_refuses_and_says_so_until_it_ends(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        request = AskVolume(room="hall", do_not_disturb=True, for_s=3600.0)
        answer = await world.playback.volume(request)
        assert answer.slots["rooms"] == {"hall": {"percent": 100, "do_not_disturb": True}}
        refused = await world.turns.announce(AskAnnounce(text="Hello", rooms=("hall",)))
        assert not refused.ok
        assert refused.error == "nobody was told (hall: do-not-disturb)"
        world.local_time = world.local_time.replace(hour=13, second=1)
        assert (await world.turns.announce(AskAnnounce(text="Hello", rooms=("hall",)))).ok

    lived(tmp_path, story)


def test_volume_is_told_kept_and_quieter_at_night(tmp_path: Path) -> None:
    async def first(world: World) -> None:
        world.manners["hall"] = Manners(percent=80, quiet_from="22:00", quiet_to="07:00")
        louder = await world.playback.volume(AskVolume(room="hall", change=-30))
        assert louder.slots["rooms"]["hall"]["percent"] == 50
        everywhere = await world.playback.volume(AskVolume(room="", change=100))
        assert {one["percent"] for one in everywhere.slots["rooms"].values()} == {100}
        await world.playback.volume(AskVolume(room="hall", percent=50))
        assert volumes(world)["sat-hall"] == SetVolume(gain_db=-12.0)
        assert not (await world.playback.volume(AskVolume(room="attic", percent=1))).ok

    async def again(world: World) -> None:
        world.manners["hall"] = Manners(quiet_from="22:00", quiet_to="07:00", quiet_percent=10)
        world.playback.joined("sat-hall")
        assert volumes(world)["sat-hall"] == SetVolume(gain_db=-12.0)
        world.local_time = world.local_time.replace(hour=23)
        running = asyncio.create_task(world.playback.run())
        await asyncio.sleep(60.0)
        assert volumes(world)["sat-hall"] == SetVolume(gain_db=-40.0)
        assert volumes(world)["sat-kitchen"] == SetVolume(gain_db=0.0)
        running.cancel()

    lived(tmp_path, first)
    lived(tmp_path, again)
