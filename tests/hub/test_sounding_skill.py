"""Telling others, volume and do-not-disturb by voice."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from antiphon_hub.nlu.questions import Question
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.sounding import TELLING_MAX, SoundSkill
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskVolume
from tests.support import virtual_time


class Rooms:
    """Takes announcements and volumes; an announcement lasts a while unless nobody hears it."""

    def __init__(self, *, ok: bool = True) -> None:
        self.ok = ok
        self.announced: list[AskAnnounce] = []
        self.voices: list[tuple[str, Question | None]] = []
        self.asked: list[AskVolume] = []

    async def announce(self, asked: AskAnnounce, *, turn: str, answer: Question | None) -> Answer:
        self.announced.append(asked)
        self.voices.append((turn, answer))
        if self.ok:
            await asyncio.sleep(5.0)
        return Answer(ok=self.ok, error="" if self.ok else "nobody to tell")

    async def volume(self, asked: AskVolume) -> Answer:
        self.asked.append(asked)
        percent = 50 + asked.change if asked.percent is None else asked.percent
        rooms = {asked.room: {"percent": percent, "do_not_disturb": bool(asked.do_not_disturb)}}
        return Answer(ok=self.ok, slots={"rooms": rooms})


def ask(rooms: Rooms, intent: str, **slots: Any) -> Reply:
    return virtual_time.run(_do(SoundSkill(rooms.announce, rooms.volume), intent, slots))


async def _do(skill: SoundSkill, intent: str, slots: dict[str, Any]) -> Reply:
    return await skill.do(
        Request(
            turn="turn-1",
            intent=intent,
            slots=slots,
            devices=(),
            room="kitchen",
            now=datetime(2026, 3, 1, tzinfo=UTC),
        )
    )


def test_everyone_but_the_speaker_is_told_while_the_speaker_is_answered() -> None:
    rooms = Rooms()
    assert ask(rooms, "HassBroadcast", message="dinner is ready") == Reply("I'm telling everyone.")
    assert rooms.announced == [AskAnnounce(text="Dinner is ready.", except_rooms=("kitchen",))]


def test_one_room_is_told() -> None:
    rooms = Rooms()
    reply = ask(rooms, "HassBroadcast", message="come here", area="living room")
    assert reply == Reply("I'm telling the living room.")
    assert rooms.announced == [AskAnnounce(text="Come here.", rooms=("living room",))]


def test_others_hear_the_turn_in_which_it_was_spoken() -> None:
    rooms = Rooms()
    ask(rooms, "HassBroadcast", message="come here", area="office")
    assert rooms.voices == [("turn-1", None)]


def test_who_wants_to_tell_something_is_asked_what() -> None:
    reply = ask(Rooms(), "AntiphonMessage", area="office")
    assert reply.question is not None
    assert (reply.question.kind, reply.question.text) == (
        "message",
        "What shall I tell the office?",
    )
    then = reply.question.then
    assert then is not None
    assert (then.intent, then.slots) == ("HassBroadcast", {"area": "office"})
    everyone = ask(Rooms(), "AntiphonMessage").question
    assert everyone is not None
    assert everyone.text == "What shall I tell everyone?"


def test_in_a_call_the_other_room_may_answer_and_nobody_talks_between() -> None:
    rooms = Rooms()
    assert ask(rooms, "HassBroadcast", message="come", area="office", call=True) == Reply("")
    ((_, answer),) = rooms.voices
    assert answer is not None
    assert answer.then is not None
    assert answer.then.slots == {"area": "kitchen", "call": True}


def test_where_nobody_can_be_told_the_speaker_knows() -> None:
    reply = ask(Rooms(ok=False), "HassBroadcast", message="come here", area="attic")
    assert reply == Reply("I can't tell the attic now.", ok=False, code="nobody-told")


def test_no_more_than_some_are_under_way() -> None:
    async def story() -> None:
        rooms = Rooms()
        skill = SoundSkill(rooms.announce, rooms.volume)
        for _ in range(TELLING_MAX):
            assert (await _do(skill, "HassBroadcast", {"message": "come"})).ok
        assert (await _do(skill, "HassBroadcast", {"message": "come"})).code == "busy"
        await asyncio.sleep(6.0)
        assert (await _do(skill, "HassBroadcast", {"message": "come"})).ok

    virtual_time.run(story())


@pytest.mark.parametrize(
    ("intent", "slots", "asked", "said"),
    [
        ("HassSetVolume", {"volume_level": 40}, {"percent": 40}, "forty"),
        ("HassSetVolumeRelative", {"volume_step": 10}, {"change": 10}, "sixty"),
        ("HassSetVolumeRelative", {"volume_step": -10}, {"change": -10}, "forty"),
        ("AntiphonDoNotDisturb", {"state": "on"}, {"do_not_disturb": True}, "won't"),
        ("AntiphonDoNotDisturb", {"state": "off"}, {"do_not_disturb": False}, "again"),
    ],
)
def test_the_asking_rooms_sound_is_set(
    intent: str, slots: dict[str, Any], asked: dict[str, Any], said: str
) -> None:
    rooms = Rooms()
    reply = ask(rooms, intent, **slots)
    assert reply.ok
    assert said in reply.text
    assert rooms.asked == [AskVolume(room="kitchen", **asked)]
    assert not ask(Rooms(ok=False), intent, **slots).ok
