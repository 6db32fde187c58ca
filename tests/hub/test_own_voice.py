"""What somebody tells other rooms is heard there as it was spoken, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from antiphon_hub.building import sound_skill
from antiphon_hub.settings import PlaybackSection, Settings
from antiphon_hub.turns.hearing import MESSAGE_S, MESSAGE_SILENCE_S
from antiphon_protocol.messages.ask import Answer, AskVolume
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.messages.satellite import Play
from antiphon_protocol.messages.work import (
    Relay,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    WorkerCommand,
    WorkFailed,
)
from tests.support.talk_world import NOISE, Heard, Talk, talk
from tests.support.turn_world import World

Story = Callable[[Talk], Awaitable[None]]


def told(tmp_path: Path, story: Story, *, own_voice: bool = True, kept: bool = True) -> Talk:
    """Play a story in a house with a second satellite in the bedroom; `kept`: voices can be had."""

    def script(one: Talk) -> Callable[[World, str, WorkerCommand], None]:
        def react(world: World, worker: str, command: WorkerCommand) -> None:
            if not isinstance(command, Relay):
                one.script(world, worker, command)
            elif kept:
                _relay(world, command)
            else:
                gone = WorkFailed(job=command.job, code="no-audio", text="gone", retryable=False)
                world.later(0.01, world.pool.fact, gone)

        return react

    async def with_bedroom(one: Talk) -> None:
        one.world.script = script(one)
        one.world.satellite("bed", "bedroom")
        await story(one)

    settings = Settings(playback=PlaybackSection(own_voice=own_voice))
    return talk(
        tmp_path,
        with_bedroom,
        skills=lambda world: [sound_skill(settings, lambda: world().turns, _no_volume)],
    )


async def _no_volume(asked: AskVolume) -> Answer:
    return Answer(ok=False, error=f"not in this house: {asked}")


def _relay(world: World, command: Relay) -> None:
    began = SpeechBegan(job=command.job, engine="own-voice", engine_ms=1.0)
    world.later(0.02, world.pool.fact, began)
    done = SpeechSynthesized(job=command.job, samples=16000, frames=16)
    world.later(0.1, world.pool.fact, done)


def relays(one: Talk) -> list[Relay]:
    return [job for _, job in one.world.jobs if isinstance(job, Relay)]


def said(one: Talk) -> list[str]:
    return [job.text for _, job in one.world.jobs if isinstance(job, Synthesize)]


def played_in(one: Talk, satellite: str) -> set[str]:
    """Return the playbacks that this satellite was told to play."""
    commands = one.world.commands
    return {told.playback for to, told in commands if to == satellite and isinstance(told, Play)}


def replies(turns: list[TurnEnded]) -> list[str]:
    return [turn.reply for turn in turns if turn.satellite == "sat"]


def test_the_other_rooms_hear_the_command_as_it_was_spoken(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("tell everyone dinner is ready")
        assert "I'm telling everyone." in replies(turns)

    one = told(tmp_path, story)
    (relay,) = relays(one)
    (heard,) = one.jobs
    assert (relay.satellite, relay.stream) == ("sat", heard.stream)
    assert heard.begin <= relay.begin < relay.end
    assert played_in(one, "bed") == {relay.playback}
    assert said(one) == ["I'm telling everyone."]


def test_a_message_of_any_words_is_asked_for_and_relayed(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        turns = await one.call("make an announcement", "grandma brings seven purple umbrellas")
        assert replies(turns)[:2] == ["What shall I tell everyone?", "I'm telling everyone."]

    one = told(tmp_path, story)
    (relay,) = relays(one)
    message = one.jobs[1]
    assert relay.stream == message.stream
    assert message.context is None  # any words
    assert message.endpointing.silence_s == MESSAGE_SILENCE_S
    assert message.endpointing.limit_s == MESSAGE_S
    assert one.listened[1].limit_s > MESSAGE_S


def test_words_that_nobody_can_write_down_are_heard_all_the_same(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("tell the bedroom something", Heard("mumble", 0.2))

    (relay,) = relays(told(tmp_path, story))
    assert relay.playback


@pytest.mark.parametrize("answer", ["never mind", "", Heard("clatter", NOISE)])
def test_nothing_is_told_when_nothing_was_meant(tmp_path: Path, answer: str | Heard) -> None:
    async def story(one: Talk) -> None:
        await one.call("tell everyone something", answer)

    one = told(tmp_path, story)
    assert not relays(one)
    assert not played_in(one, "bed")


def test_who_is_called_may_answer_and_be_answered(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("call the bedroom", "are you awake", "yes what is it", "come down")
        await asyncio.sleep(60.0)

    one = told(tmp_path, story)
    messages = relays(one)
    assert [relay.satellite for relay in messages] == ["sat", "bed", "sat"]
    assert messages[0].playback in played_in(one, "bed")
    assert messages[1].playback in played_in(one, "sat")
    assert said(one) == ["What shall I tell the bedroom?"]  # nobody talks in between
    assert one.world.turns.running == 0


def test_a_voice_that_is_gone_is_replaced_by_the_houses(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("tell everyone dinner is ready")

    assert "Dinner is ready." in said(told(tmp_path, story, kept=False))


def test_an_owner_may_want_the_houses_voice(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("tell everyone dinner is ready")

    one = told(tmp_path, story, own_voice=False)
    assert not relays(one)
    assert "Dinner is ready." in said(one)


def test_of_two_commands_only_the_one_is_told(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call("close the blinds and tell everyone dinner is ready")

    one = told(tmp_path, story)
    assert not relays(one)
    assert "Dinner is ready." in said(one)


def test_a_yes_is_not_what_others_hear(tmp_path: Path) -> None:
    async def story(one: Talk) -> None:
        await one.call(Heard("tell everyone dinner is ready", 0.45), "yes")

    one = told(tmp_path, story)
    assert not relays(one)
    assert "Dinner is ready." in said(one)
