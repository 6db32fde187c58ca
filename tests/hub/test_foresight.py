"""Understanding in advance: only words that stand still, and only while they are awaited."""

import asyncio

import pytest

from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.interpreter import KNOWN_MAX, Interpretation, Interpreter
from antiphon_hub.turns.foresight import STEADY_S, Foresight
from tests.support import virtual_time


def test_only_words_that_stand_still_are_looked_at() -> None:
    async def story() -> list[str]:
        seen: list[str] = []
        foresight = Foresight(seen.append)
        for text in ("turn", "turn on", "turn on the light"):
            foresight.partly(text)
            await asyncio.sleep(STEADY_S / 2)
        await asyncio.sleep(STEADY_S)
        return seen

    assert virtual_time.run(story()) == ["turn on the light"]


def test_nothing_is_looked_at_once_all_was_heard() -> None:
    async def story() -> list[str]:
        seen: list[str] = []
        foresight = Foresight(seen.append)
        foresight.partly("turn on")
        foresight.stop()
        await asyncio.sleep(2 * STEADY_S)
        return seen

    assert virtual_time.run(story()) == []


@pytest.mark.slow
def test_a_foreseen_sentence_means_the_same_and_is_not_matched_again() -> None:
    interpreter = Interpreter(load_home(None))
    fresh = Interpreter(load_home(None))
    interpreter.foresee("Turn on the kitchen light!", room="office")
    matched = interpreter._meter.left
    found = interpreter.interpret("turn on the kitchen light", room="office")
    assert interpreter._meter.left == matched
    assert found == fresh.interpret("turn on the kitchen light", room="office")
    assert isinstance(found, Interpretation)
    elsewhere = interpreter.interpret("turn on the light", room="bedroom")
    assert elsewhere == fresh.interpret("turn on the light", room="bedroom")
    assert elsewhere != interpreter.interpret("turn on the light", room="kitchen")


def test_what_is_remembered_is_bounded() -> None:
    interpreter = Interpreter(load_home(None))
    for number in range(KNOWN_MAX + 10):
        interpreter.foresee(f"xyz {number}", room="kitchen")
    assert len(interpreter._known) == KNOWN_MAX
