"""Talks with a house, in virtual time: questions, answers, corrections, changes of mind."""

import asyncio
from pathlib import Path

import pytest

from antiphon_hub.skills import PluginOptions, Plugins, find_plugins
from antiphon_protocol.messages.ask import AskIntent, AskQuestion, ExpectedAnswer
from antiphon_protocol.messages.event import TurnEnded, TurnStarted
from antiphon_protocol.messages.satellite import Listen, Play, Played, ShowTurn, StopPlaying
from antiphon_protocol.messages.wake import WakeHeard
from tests.support.talk_world import HARDLY, NOISE, UNSURE, Heard, Talk, talk


def _replies(turns: list[TurnEnded]) -> list[str]:
    return [turn.reply for turn in turns]


def _outcomes(turns: list[TurnEnded]) -> list[tuple[str, str]]:
    return [(turn.outcome, turn.code) for turn in turns]


# -- dangerous things -----------------------------------------------------------------------------


def test_a_door_is_unlocked_only_after_a_yes(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("unlock the front door", "yes please")
        assert _replies(turns) == ["Shall I unlock the front door?", "The front door is unlocked."]
        assert one.on("front-door") is False

    one = talk(tmp_path, story)
    first, second = one.listened
    assert second.stream != first.stream
    assert one.jobs[1].endpointing.expect == "yes-no"
    assert one.jobs[1].level_dbfs == one.jobs[0].level_dbfs > -200.0  # the same person answers
    assert one.jobs[1].context == one.grammars[0].context
    started = [event for event in one.world.publisher.events if isinstance(event, TurnStarted)]
    assert [event.cause for event in started] == ["phrase", "follow-up"]


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("no", "Okay, I won't."),
        ("never mind", "Okay."),
        ("seven purple umbrellas", "Okay, I won't."),
        (Heard("yes", UNSURE), "Okay, I won't."),
        (Heard("yes", HARDLY), "Okay, I won't."),
        (Heard("yes", NOISE), ""),
        ("", ""),
    ],
)
def test_anything_but_a_yes_leaves_the_door_alone(
    tmp_path: Path, answer: str | Heard, reply: str
) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("unlock the front door", answer)
        assert _replies(turns) == ["Shall I unlock the front door?", reply]
        assert one.devices.applied == []

    talk(tmp_path, story)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("open the garage door", "Shall I open the garage door?"),
        ("turn on the heater", "Shall I turn on the heater in the bedroom?"),
        (
            "turn on the bedside lamp and unlock the front door",
            "Shall I unlock the front door?",
        ),
    ],
)
def test_what_else_is_asked_first(tmp_path: Path, text: str, question: str) -> None:
    async def story(one: Talk) -> None:
        (first, *_) = await one.call(text)
        assert first.reply == question
        assert one.devices.applied == []

    talk(tmp_path, story)


@pytest.mark.parametrize(
    "text", ["lock the front door", "close the garage door", "turn off the heater"]
)
def test_what_is_safe_is_not_asked(tmp_path: Path, text: str) -> None:
    async def story(one: Talk) -> None:
        assert len(await one.call(text)) == 1
        assert len(one.devices.applied) == 1

    talk(tmp_path, story)


def test_a_yes_that_comes_too_late_does_nothing(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("unlock the front door")
        await asyncio.sleep(30)
        turns = await one.call("yes")
        assert _outcomes(turns) == [("failed", "not-understood")]
        assert one.devices.applied == []

    talk(tmp_path, story)


# -- which one ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["the desk lamp", "i meant the desk lamp", "desk lamp please"])
def test_one_of_two_is_asked_for_and_done(tmp_path: Path, answer: str) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("turn on the lamp", answer)
        assert _replies(turns) == [
            "Which lamp, the reading lamp or the desk lamp?",
            "The desk lamp is on.",
        ]
        assert one.devices.applied == [("desk-lamp", turns and one.devices.state("desk-lamp"))]

    one = talk(tmp_path, story, "living room")
    assert one.jobs[1].endpointing.expect == "answer"
    assert "reading lamp" in one.grammars[0].grammar


def test_an_answer_that_is_none_of_them_is_told_so(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("turn on the lamp", "something else")
        assert _replies(turns)[1] == "Sorry, I didn't catch which one."
        assert one.devices.applied == []

    talk(tmp_path, story, "living room")


def test_a_question_is_asked_again_on_demand(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("turn on the lamp", "say that again", "the reading lamp")
        question = "Which lamp, the reading lamp or the desk lamp?"
        assert _replies(turns) == [question, question, "The reading lamp is on."]

    talk(tmp_path, story, "living room")


def test_another_command_instead_of_an_answer_is_done(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("unlock the front door", "turn on the bedside lamp")
        assert _replies(turns)[1] == "The bedside lamp in the bedroom is on."
        assert one.on("front-door") is None

    talk(tmp_path, story)


def test_our_own_echo_is_no_answer_and_we_listen_on(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call(
            "turn on the lamp", "lamp the reading lamp or the desk lamp", "the desk lamp"
        )
        assert _outcomes(turns) == [("answered", ""), ("cancelled", "echo"), ("answered", "")]
        assert one.on("desk-lamp") is True

    talk(tmp_path, story, "living room")


def test_it_does_not_talk_to_itself_for_ever(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        echo = Heard("which lamp the reading lamp or the desk lamp")
        turns = await one.call("turn on the lamp", *([echo] * 40))
        await asyncio.sleep(100)
        assert len(turns) < 10
        assert len(one.world.endings) < 10

    talk(tmp_path, story, "living room")


# -- unsure ---------------------------------------------------------------------------------------


def test_a_guess_is_asked_back_once_and_done_on_yes(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call(Heard("turn on the bedside lamp", UNSURE), "yes")
        assert _replies(turns) == [
            "Did you mean: turn on the bedside lamp?",
            "The bedside lamp in the bedroom is on.",
        ]
        assert [turn.transcript for turn in turns] == ["", "yes"]

    talk(tmp_path, story)


@pytest.mark.parametrize(
    ("heard", "outcome", "reply"),
    [
        (Heard("turn on the bedside lamp", HARDLY), "failed", "Sorry, I didn't catch that."),
        (Heard("turn on the bedside lamp", NOISE), "failed", ""),
        (Heard("feed the cat", UNSURE), "failed", "Sorry, I didn't catch that."),
        (Heard(""), "cancelled", ""),
    ],
)
def test_noise_silence_and_foreign_talk_do_nothing(
    tmp_path: Path, heard: Heard, outcome: str, reply: str
) -> None:
    async def story(one: Talk) -> None:
        (turn,) = await one.call(heard)
        assert (turn.outcome, turn.reply) == (outcome, reply)
        assert one.devices.applied == []

    one = talk(tmp_path, story)
    assert len(one.listened) == 1


def test_a_dangerous_guess_is_asked_twice(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call(Heard("unlock the front door", UNSURE), "yes", "yes")
        assert _replies(turns)[1:] == [
            "Shall I unlock the front door?",
            "The front door is unlocked.",
        ]

    talk(tmp_path, story)


# -- corrections, repetition, stop ----------------------------------------------------------------


def test_a_correction_undoes_and_does_the_other(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("turn on the reading lamp")
        (turn,) = await one.call("no the bedroom")
        assert turn.reply == "The bedside lamp in the bedroom is on."
        assert (one.on("reading-lamp"), one.on("bedside-lamp")) == (False, True)
        (again,) = await one.call("no the cellar")
        assert again.reply == "Sorry, I don't know of any light in the cellar."

    talk(tmp_path, story)


def test_what_was_on_before_stays_on_after_a_correction(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("set the reading lamp to forty percent")
        await one.call("set the reading lamp to ten percent")
        await one.call("no the bedside lamp")
        reading, bedside = (one.devices.state(name) for name in ("reading-lamp", "bedside-lamp"))
        assert reading is not None
        assert bedside is not None
        assert (reading.brightness, bedside.brightness) == (40, 10)

    talk(tmp_path, story)


def test_a_correction_of_long_ago_is_none(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("turn on the reading lamp")
        await asyncio.sleep(120)
        (turn,) = await one.call("no the bedroom")
        assert (turn.outcome, turn.reply) == ("failed", "Sorry, I don't know what to change.")
        assert one.on("reading-lamp") is True

    talk(tmp_path, story)


def test_a_correction_towards_a_lock_asks_first(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("unlock the front door", "yes")
        (turn, *_) = await one.call("no the reading lamp")
        assert turn.outcome == "failed"
        assert one.on("front-door") is False

    talk(tmp_path, story)


def test_the_last_reply_is_said_again(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        (nothing,) = await one.call("repeat that")
        assert nothing.reply == "I haven't said anything."
        (first,) = await one.call("turn on the reading lamp")
        (again,) = await one.call("say that again")
        assert again.reply == first.reply
        assert len(one.devices.applied) == 1

    talk(tmp_path, story)


def test_stop_is_answered_by_quiet(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        (turn,) = await one.call("stop")
        assert (turn.outcome, turn.reply) == ("answered", "")

    assert not talk(tmp_path, story).world.sent(Play)


def test_a_command_taken_back_in_the_same_breath_is_not_done(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        (turn,) = await one.call("turn on the reading lamp never mind")
        assert turn.reply == "Okay."
        assert one.devices.applied == []

    talk(tmp_path, story)


# -- two commands ---------------------------------------------------------------------------------


def test_two_commands_are_both_done_and_journaled_each_once(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        (turn,) = await one.call("turn on the reading lamp and open the blinds")
        assert turn.reply == (
            "The reading lamp in the living room is on. The blinds in the living room are open."
        )
        assert [name for name, _ in one.devices.applied] == ["reading-lamp", "blinds"]
        acts = await one.world.database.run(
            lambda connection: connection.execute("SELECT turn, number FROM acts").fetchall()
        )
        assert acts == [(turn.turn, 0), (turn.turn, 1)]

    talk(tmp_path, story)


def test_one_unclear_half_waits_for_its_answer_with_the_other(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("turn on the lamp and open the blinds", "the reading lamp")
        assert [name for name, _ in one.devices.applied] == ["reading-lamp", "blinds"]

    talk(tmp_path, story, "living room")


# -- barge-in -------------------------------------------------------------------------------------


def test_a_call_while_it_speaks_supersedes_the_reply_cleanly(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        world = one.world
        world.plays = False
        world.call("first")
        one._next = [Heard("unlock the front door"), Heard("turn on the reading lamp")]
        while not world.sent(Play):  # noqa: ASYNC110 - virtual time: sleep is free
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        world.plays = True
        wake = WakeHeard(satellite="sat", stream="second", cause="phrase", heard_at_us=1)
        world.turns.called("sat", wake)
        (play,) = world.sent(Play)
        stopped = Played(playback=play.playback, samples=8000, complete=False)
        world.turns.did("sat", stopped)
        await world.ended(2)
        await asyncio.sleep(30)
        assert _outcomes(world.endings) == [("cancelled", "superseded"), ("answered", "")]
        assert one.on("front-door") is None
        assert one.on("reading-lamp") is True

    one = talk(tmp_path, story)
    assert one.world.sent(StopPlaying)
    assert len(one.listened) == 2


# -- questions over the bus -----------------------------------------------------------------------

MUSIC = AskQuestion(
    text="Which music?",
    room="hall",
    answers=(
        ExpectedAnswer(id="jazz", sentences=("[some] jazz",)),
        ExpectedAnswer(id="artist", sentences=("something by {artist}",)),
    ),
)


@pytest.mark.parametrize(
    ("heard", "answer", "sentence", "slots"),
    [
        ("some jazz", "jazz", "some jazz", {}),
        (
            "something by miles davis",
            "artist",
            "something by miles davis",
            {"artist": "miles davis"},
        ),
        ("none of it", "", "none of it", {}),
    ],
)
def test_a_question_over_the_bus_gets_the_answer(
    tmp_path: Path, heard: str, answer: str, sentence: str, slots: dict[str, str]
) -> None:
    async def story(one: Talk) -> None:
        one._next = [Heard(heard)]
        got = await one.world.turns.ask(MUSIC)
        assert got.ok, got.error
        assert (got.answer, got.sentence, got.slots) == (answer, sentence, slots)

    one = talk(tmp_path, story)
    assert one.jobs[0].context is None  # `{artist}` may be anything


@pytest.mark.parametrize(("heard", "error"), [("", "no-answer"), ("never mind", "never-mind")])
def test_a_question_over_the_bus_that_nobody_answers(
    tmp_path: Path, heard: str, error: str
) -> None:
    async def story(one: Talk) -> None:
        one._next = [Heard(heard)]
        got = await one.world.turns.ask(MUSIC)
        assert not got.ok
        assert got.error.startswith(error)

    talk(tmp_path, story)


def test_a_question_over_the_bus_with_mistakes_is_refused(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        wrong = ExpectedAnswer(id="x", sentences=("[broken",))
        asked = AskQuestion(text="What?", room="hall", answers=(wrong,))
        assert "no template" in (await one.world.turns.ask(asked)).error
        nowhere = AskQuestion(text="What?", room="attic")
        assert "attic" in (await one.world.turns.ask(nowhere)).error

    assert not talk(tmp_path, story).world.sent(Play)


def test_a_talk_in_writing_keeps_its_thread(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        async def write(text: str) -> str:
            return (await one.world.turns.intent(AskIntent(text=text, room="living room"))).reply

        assert await write("turn on the lamp") == "Which lamp, the reading lamp or the desk lamp?"
        assert await write("the desk lamp") == "The desk lamp is on."
        assert await write("no the reading lamp") == "The reading lamp is on."
        assert one.on("desk-lamp") is False

    one = talk(tmp_path, story)
    assert not one.world.sent(Listen)
    assert not one.world.sent(ShowTurn)


# -- skills that ask ------------------------------------------------------------------------------

COFFEE = """
from antiphon_hub.skills import Expected, Interpretation, Question, Reply


class Coffee:
    intents = frozenset({"MakeCoffee"})

    def __init__(self, house):
        pass

    async def do(self, request):
        if "milk" in request.slots:
            return Reply(f"A coffee, {request.slots['milk']} milk.")
        answers = (
            Expected("yes", ("yes [please]",), (self.coffee("with"),)),
            Expected("no", ("no [thanks]",), (self.coffee("without"),)),
        )
        question = Question(kind="skill", text="With milk?", answers=answers)
        return Reply("Gladly.", question=question)

    def coffee(self, milk):
        return Interpretation("MakeCoffee", {"milk": milk}, (), "")


skill = Coffee
"""
BROKEN = COFFEE.replace("yes [please]", "[broken")
SENTENCES = "language: en\nintents: {MakeCoffee: {data: [{sentences: [make me a coffee]}]}}\n"


def _plugins(folder: Path, code: str) -> Plugins:
    folder.mkdir()
    (folder / "coffee.py").write_text(code)
    (folder / "coffee.yaml").write_text(SENTENCES)
    return find_plugins(folder, (), PluginOptions(language="en", state_dir=folder / "state"))


def test_a_skill_asks_and_gets_the_answer_back(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("make me a coffee", "no thanks")
        assert _replies(turns) == ["Gladly. With milk?", "A coffee, without milk."]

    talk(tmp_path, story, plugins=_plugins(tmp_path / "skills", COFFEE))


def test_a_skill_that_asks_nonsense_fails_its_own_turn_only(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        (turn,) = await one.call("make me a coffee")
        assert (turn.outcome, turn.code) == ("failed", "skill-failed")
        (other,) = await one.call("turn on the bedside lamp")
        assert other.outcome == "answered"

    talk(tmp_path, story, plugins=_plugins(tmp_path / "skills", BROKEN))
