"""The fence around a plug-in's skill: a reply always, in time, whatever it does."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from antiphon_hub.skills import Reply, Request
from antiphon_hub.skills.guard import BLOCKED_MAX, GuardedSkill
from antiphon_protocol.limits import TEXT_CHARS_MAX
from tests.support import virtual_time
from tests.support.waiting import eventually

REQUEST = Request(
    turn="turn-1",
    intent="A",
    slots={"size": "large"},
    devices=(),
    room="kitchen",
    now=datetime(2026, 3, 4, tzinfo=UTC),
)


class Scripted:
    intents = frozenset({"A"})

    def __init__(self, do: Callable[[Request], Any]) -> None:
        self.do = do


def guarded(do: Callable[[Request], Any], timeout_s: float = 5.0) -> GuardedSkill:
    responses = {"A": {"default": "One {{ slots.size }} {{ slots.milk }} cup."}}
    return GuardedSkill("scripted", Scripted(do), responses=responses, timeout_s=timeout_s)


async def breaks(request: Request) -> Reply:
    raise KeyError(request.turn)


async def ends_the_program(request: Request) -> Reply:
    sys.exit(1)


async def never_ends(request: Request) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError


async def waits_in_vain(request: Request) -> Reply:
    raise TimeoutError("the weather service is slow")


async def gives_text(request: Request) -> Any:
    return "a text"


async def gives_no_text(request: Request) -> Reply:
    return Reply(None)  # type: ignore[arg-type]


async def swallows_its_end(request: Request) -> Reply:
    for _ in range(100):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
    return Reply("too late, but here")


@pytest.mark.parametrize(
    ("do", "code", "count"),
    [
        (breaks, "skill-error", "errors"),
        (ends_the_program, "skill-error", "errors"),
        (never_ends, "skill-timeout", "timeouts"),
        (waits_in_vain, "skill-error", "errors"),
        (gives_text, "skill-error", "errors"),
        (gives_no_text, "skill-error", "errors"),
    ],
)
def test_whatever_it_does_wrong_there_is_a_reply(
    do: Callable[[Request], Any], code: str, count: str, caplog: pytest.LogCaptureFixture
) -> None:
    skill = guarded(do)
    reply = virtual_time.run(skill.do(REQUEST))
    assert (reply.ok, reply.code) == (False, code)
    assert reply.text.startswith("Sorry")
    assert skill.counts == {count: 1}
    assert "scripted" in caplog.text
    assert "turn-1" in caplog.text


def test_one_that_will_not_be_stopped_still_answers_in_time() -> None:
    async def story() -> float:
        began = asyncio.get_running_loop().time()
        assert (await guarded(swallows_its_end).do(REQUEST)).code == "skill-timeout"
        return asyncio.get_running_loop().time() - began

    assert virtual_time.run(story()) == pytest.approx(5.0)


def test_a_cancelled_turn_is_cancelled() -> None:
    async def story() -> None:
        task = asyncio.create_task(guarded(never_ends).do(REQUEST))
        await asyncio.sleep(1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        virtual_time.run(story())


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply("Done."), "Done."),
        (Reply(""), "One large cup."),
        (Reply("", ok=False, code="empty"), ""),
        (Reply("x" * 9999), "x" * TEXT_CHARS_MAX),
    ],
)
def test_words_are_the_skills_or_those_of_its_sentences(reply: Reply, text: str) -> None:
    async def do(request: Request) -> Reply:
        return reply

    found = virtual_time.run(guarded(do).do(REQUEST))
    assert (found.text, found.ok, found.code) == (text, reply.ok, reply.code)


async def test_what_blocks_has_a_thread_and_the_house_goes_on() -> None:
    go_on, began = threading.Event(), threading.Event()

    def block(request: Request) -> Reply:
        began.set()
        assert go_on.wait(30)
        return Reply(f"from {threading.current_thread().name}")

    task = asyncio.create_task(guarded(block).do(REQUEST))
    assert await asyncio.to_thread(began.wait, 30), "the event loop is free meanwhile"
    go_on.set()
    assert (await task).text == "from skill"


async def test_an_error_in_a_thread_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    def breaks_there(request: Request) -> Reply:
        raise StopIteration("odd")

    reply = await guarded(breaks_there).do(REQUEST)
    assert reply.code == "skill-error"
    assert "StopIteration: odd" in caplog.text


async def test_stuck_threads_are_bounded() -> None:
    free = threading.Event()

    def stuck(request: Request) -> Reply:
        free.wait(30)
        return Reply("at last")

    skill = guarded(stuck, timeout_s=0.02)
    try:
        for _ in range(BLOCKED_MAX):
            assert (await skill.do(REQUEST)).code == "skill-timeout"
        assert (await skill.do(REQUEST)).code == "skill-busy"
        assert skill.counts == {"timeouts": BLOCKED_MAX, "refused": 1}
    finally:
        free.set()
    await eventually(lambda: skill._blocked == 0)
    assert (await skill.do(REQUEST)).text == "at last"
