"""What is said of timers, alarms, reminders and lists: whole dialogues, from words to words."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from antiphon_engines.grammar import compile_grammar
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.skills import FakeDevices, Reply, Request, Skills
from antiphon_hub.skills.alarming import AlarmSkill, SilencingSkill
from antiphon_hub.skills.listing import ListSkill
from antiphon_hub.skills.timing import TimerSkill
from antiphon_hub.timers.desk import Desk
from antiphon_hub.timers.lists import Lists
from antiphon_hub.timers.requests import TimerRequests
from antiphon_hub.timers.slots import due
from antiphon_protocol.messages.timer import AskList, AskTimer
from tests.support import virtual_time
from tests.support.example_home import automaton, house
from tests.support.timers_world import BEGIN, BERLIN, TimersWorld

HOME = load_home(None)


def same_room(one: str, other: str) -> bool:
    return not one or one == other


class Talk:
    """A house to speak with."""

    def __init__(self, world: TimersWorld) -> None:
        self.world = world
        self.desk = Desk(world.timers, same_room)
        self.lists = Lists(world.store, world.publisher)
        own = [TimerSkill(self.desk), AlarmSkill(self.desk), SilencingSkill(self.desk)]
        self.skills = Skills(HOME, FakeDevices(), house(), [*own, ListSkill(self.lists)])
        self.requests = TimerRequests(self.desk, self.lists)
        self._turns = 0

    async def say(self, text: str, room: str = "kitchen", turn: str = "") -> Reply:
        meaning = house().interpret(text, room=room)
        assert isinstance(meaning, Interpretation), meaning
        self._turns += 1
        turn = turn or f"turn-{self._turns}"
        return await self.skills.do(Request.of(meaning, turn=turn, room=room, now=self.world.now()))


def told(tmp_path: Path, story: Callable[[Talk], Awaitable[None]]) -> None:
    async def run() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            await story(Talk(world))

    virtual_time.run(run())


@pytest.mark.parametrize(
    ("asked", "wanted", "answer"),
    [
        ("how much time is left on my timer", "cancel my timer", "There is no timer."),
        ("what alarms are set", "cancel my alarm", "There is no alarm."),
    ],
)
def test_that_there_is_none_answers_who_asks_and_fails_who_wants_it_changed(
    tmp_path: Path, asked: str, wanted: str, answer: str
) -> None:
    async def story(talk: Talk) -> None:
        assert await talk.say(asked) == Reply(answer)
        refused = await talk.say(wanted)
        assert (refused.text, refused.ok) == (answer, False)

    told(tmp_path, story)


DIALOGUES: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("timers.yaml").read_text(encoding="utf-8")
)


def lines(name: str) -> list[tuple[float, str, str, str]]:
    """Return seconds to wait first, room, what is said, the reply."""
    parts = ([part.strip() for part in line.split("|")] for line in DIALOGUES[name])
    return [(float(wait_s), room, text, reply) for wait_s, room, text, reply in parts]


@pytest.mark.parametrize("name", DIALOGUES)
def test_what_is_said(tmp_path: Path, name: str) -> None:
    async def story(talk: Talk) -> None:
        for wait_s, room, text, reply in lines(name):
            await asyncio.sleep(wait_s)
            assert (await talk.say(text, room)).text == reply, text

    told(tmp_path, story)


def test_one_turn_sets_and_changes_once(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        for _ in range(2):
            await talk.say("set a timer for ten minutes", turn="turn-a")
            await talk.say("add two minutes", turn="turn-b")
        (entry,) = talk.world.timers.entries
        assert entry.length_s == 720.0

    told(tmp_path, story)


def test_what_is_to_be_done_later_starts_no_timer(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        reply = await talk.say("turn off the lights in 5 minutes")
        assert not reply.ok
        assert "later" in reply.text
        assert (await talk.say("what timers are there")).text == "There is no timer."

    told(tmp_path, story)


def test_a_list_without_a_thing_to_put_on_it_says_so(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        for intent in ("HassListAddItem", "HassListRemoveItem"):
            bare = Request(
                turn="turn-x",
                intent=intent,
                slots={},
                devices=(),
                room="kitchen",
                now=talk.world.now(),
            )
            reply = await talk.skills.do(bare)
            assert (reply.ok, reply.code) == (False, "no-item")
        await talk.say("add sweep the yard to my chores list")
        gone = await talk.say("delete sweep the yard in my chores list")
        assert gone.text == "Sweep the yard is off the chores list."

    told(tmp_path, story)


def test_what_is_ambiguous_changes_nothing(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        await talk.say("pasta timer for ten minutes")
        await talk.say("egg timer for ten minutes")
        reply = await talk.say("cancel the timer")
        assert (reply.ok, reply.code) == (False, "ambiguous")
        assert len(talk.world.timers.entries) == 2

    told(tmp_path, story)


NOW = BEGIN  # Saturday, noon


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("set an alarm for seven", "2026-11-21T19:00"),
        ("wake me at seven", "2026-11-22T07:00"),
        ("set an alarm for 7:05 am", "2026-11-22T07:05"),
        ("set an alarm for 6:30pm", "2026-11-21T18:30"),
        ("set an alarm at noon", "2026-11-22T12:00"),
        ("set an alarm for midnight", "2026-11-22T00:00"),
        ("set an alarm for quarter to one", "2026-11-21T12:45"),
        ("set an alarm for twenty past nine tomorrow morning", "2026-11-22T09:20"),
        ("set an alarm for nine tomorrow evening", "2026-11-22T21:00"),
        ("set an alarm for six oh five on monday", "2026-11-23T06:05"),
        ("set an alarm for nineteen thirty", "2026-11-21T19:30"),
        ("set an alarm for saturday at eight", "2026-11-28T08:00"),
        ("wake me up at six every weekday", "2026-11-23T06:00"),
    ],
)
def test_when_it_rings(text: str, local: str) -> None:
    meaning = house().interpret(text, room="bedroom")
    assert isinstance(meaning, Interpretation)
    moment = due(meaning.slots, NOW)
    assert moment is not None
    assert moment.astimezone(BERLIN).isoformat()[:16] == local


# -- what is heard --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *(
            text
            for name in DIALOGUES
            for _, _, text, _ in lines(name)
            if not any(word in text for word in ("grandma", "saffron", "passports", "the egg "))
        ),
        "set a timer for forty five seconds",
        "set a timer for two hours and fifteen minutes",
        "set a timer for half an hour",
        "wake me up at six oh five in the morning",
    ],
)
def test_it_can_be_spoken(text: str) -> None:
    assert automaton().accepts(text.split())


@pytest.mark.parametrize(
    "text", ["remind me to call grandma at eight", "add saffron to the shopping list"]
)
def test_any_words_at_all_are_not_in_a_closed_grammar(text: str) -> None:
    assert not automaton().accepts(text.split())
    assert isinstance(house().interpret(text, room="hall"), Interpretation)


@pytest.mark.slow
def test_whatever_is_heard_has_a_reply(tmp_path: Path) -> None:
    rng = random.Random(23)
    texts = [" ".join(automaton().sample(rng)) for _ in range(400)]

    async def story(talk: Talk) -> None:
        for text in texts:
            meaning = house().interpret(text, room="kitchen")
            if isinstance(meaning, Interpretation) and meaning.intent in talk.skills._skills:
                reply = await talk.say(text)
                assert reply.text or meaning.intent == "AntiphonStop", text

    told(tmp_path, story)


# -- requests -------------------------------------------------------------------------------------


def ask(action: Any, **more: Any) -> AskTimer:
    return AskTimer(action=action, **more)


def test_requests_set_show_and_change(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        answer = await talk.requests.about_timer(
            ask("start", minutes=10, name="pasta", room="kitchen")
        )
        (pasta,) = answer.timers
        assert (answer.ok, pasta.kind, pasta.left_s) == (True, "timer", 600.0)
        assert pasta.due_at == "2026-11-21T12:10:00+01:00"
        await talk.requests.about_timer(ask("start", at="07:30", days=("mon", "fri")))
        shown = (await talk.requests.about_timer(ask("list"))).timers
        assert [(one.kind, one.due_at, one.days) for one in shown] == [
            ("timer", "2026-11-21T12:10:00+01:00", ()),
            ("alarm", "2026-11-23T07:30:00+01:00", ("mon", "fri")),
        ]
        several = await talk.requests.about_timer(ask("cancel"))
        assert not several.ok
        assert len(several.timers) == 2
        (longer,) = (await talk.requests.about_timer(ask("add", minutes=5, name="pasta"))).timers
        assert longer.left_s == pytest.approx(900.0, abs=1)
        (still,) = (await talk.requests.about_timer(ask("pause", timer=pasta.timer))).timers
        assert (still.state, still.due_at) == ("paused", "")
        assert (await talk.requests.about_timer(ask("cancel", all=True))).ok
        assert talk.world.timers.entries == ()

    told(tmp_path, story)


def test_requests_stop_and_snooze_what_rings(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        await talk.requests.about_timer(ask("start", seconds=5, room="kitchen"))
        assert not (await talk.requests.about_timer(ask("stop"))).ok, "it does not ring yet"
        await asyncio.sleep(6)
        (later,) = (await talk.requests.about_timer(ask("snooze", minutes=1))).timers
        assert (later.state, later.snoozed) == ("running", True)
        await asyncio.sleep(62)
        assert (await talk.requests.about_timer(ask("stop"))).ok
        assert "TimerEnded stopped" in talk.world.facts

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (ask("start"), "one second"),
        (ask("start", hours=169), "seven days"),
        (ask("start", at="25:00"), "07:30"),
        (ask("start", at="07:30+02:00"), "07:30"),
        (ask("start", at="2020-01-01T07:30"), "passed"),
        (ask("start", at="07:30", minutes=1), "not both"),
        (ask("start", minutes=1, days=("mon",)), "at"),
        (ask("start", kind="reminder", minutes=1), "text"),
        (ask("cancel", name="nothing"), "none fits"),
        (ask("add", minutes=0), "none fits"),
    ],
)
def test_a_refusal_says_what_to_do(tmp_path: Path, request_: AskTimer, error: str) -> None:
    async def story(talk: Talk) -> None:
        answer = await talk.requests.about_timer(request_)
        assert not answer.ok
        assert error in answer.error

    told(tmp_path, story)


def test_lists_by_request(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        assert (await talk.requests.about_list(AskList(action="add", item="Oat Milk"))).items == (
            "oat milk",
        )
        assert not (await talk.requests.about_list(AskList(action="add"))).ok
        assert not (await talk.requests.about_list(AskList(action="remove", item="tea"))).ok
        assert (await talk.requests.about_list(AskList(action="clear"))).items == ()

    told(tmp_path, story)


def test_due_at_is_in_the_homes_zone(tmp_path: Path) -> None:
    async def story(talk: Talk) -> None:
        answer = await talk.requests.about_timer(ask("start", at="2026-03-29T02:30"))
        del answer
        answer = await talk.requests.about_timer(ask("start", at="2027-03-28T02:30"))
        assert answer.timers[0].due_at == "2027-03-28T03:30:00+02:00", "the hour that is skipped"
        moment = datetime.fromisoformat(answer.timers[0].due_at)
        assert moment - BEGIN.astimezone(UTC) > timedelta(days=100)

    told(tmp_path, story)


def test_the_docs_words_of_ones_own_are_heard(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "timers.md").read_text(encoding="utf-8")
    file = tmp_path / "mine.yaml"
    file.write_text(docs.split("```yaml\n")[1].split("```")[0])
    heard = compile_grammar(recognition_context(Interpreter(HOME, [file])).grammar)
    assert heard.accepts(["set", "a", "quiche", "timer", "for", "ten", "minutes"])
    assert not heard.accepts(["set", "a", "laundry", "timer", "for", "ten", "minutes"])
