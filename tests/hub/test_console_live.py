"""What open pages see: rooms as the facts tell them, once for all pages, and bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from antiphon_hub.web.board import Board
from antiphon_hub.web.live import WAITING_MAX, Live
from antiphon_protocol.messages.event import (
    CommandHeard,
    PartlyHeard,
    ReplyBegan,
    SatelliteJoined,
    SatelliteLeft,
    TurnEnded,
    TurnStarted,
)
from antiphon_protocol.messages.satellite import Counters, Muted
from antiphon_protocol.messages.timer import TimerEnded, TimerInfo, TimerRinging
from antiphon_protocol.messages.wake import WakeHeard

JOINED = SatelliteJoined(satellite="sat", room="Kitchen")
STARTED = TurnStarted(turn="t1", room="Kitchen", satellite="sat", cause="phrase")
ENDED = TurnEnded(
    turn="t1",
    room="Kitchen",
    satellite="sat",
    outcome="answered",
    transcript="light on",
    reply="Done.",
    timings={"answer": 300.0},
)


def test_a_room_goes_through_a_turn() -> None:
    board = Board()
    seen = []
    for event in (
        JOINED,
        STARTED,
        PartlyHeard(turn="t1", room="Kitchen", text="light"),
        CommandHeard(turn="t1", room="Kitchen", text="light on", confidence=1.0, source="grammar"),
        ReplyBegan(turn="t1", room="Kitchen", text="Done."),
        ENDED,
    ):
        assert board.apply(event, 1.0) == "Kitchen"
        seen.append(board.rooms["kitchen"].state)
    assert seen == ["idle", "listening", "listening", "thinking", "speaking", "idle"]
    room = board.rooms["kitchen"]
    assert (room.heard, room.reply, room.outcome) == ("light on", "Done.", "answered")
    assert room.answer_ms == 300.0


def test_news_of_an_older_turn_changes_nothing() -> None:
    board = Board()
    board.apply(STARTED, 1.0)
    late = PartlyHeard(turn="t0", room="Kitchen", text="old")
    assert board.apply(late, 2.0) is None
    assert board.rooms["kitchen"].partial == ""


def test_what_concerns_no_room_is_on_no_card() -> None:
    board = Board()
    assert board.apply(msgspec.structs.replace(STARTED, room=""), 1.0) is None
    assert board.rooms == {}


def test_a_satellite_tells_how_it_is() -> None:
    board = Board()
    assert board.told("sat", Muted(muted=True, hard=False), 1.0) is None, "nobody knows it yet"
    board.apply(JOINED, 1.0)
    heard = WakeHeard(
        satellite="sat",
        stream="s",
        cause="phrase",
        heard_at_us=1,
        confidence=0.8,
        level_dbfs=-30.0,
    )
    for fact in (Muted(muted=True, hard=False), Counters(counts={"x": 2}, noise_dbfs=-60.0), heard):
        assert board.told("sat", fact, 2.0) == "Kitchen"
    known = board.satellites["sat"]
    assert (known.muted, known.counts, known.wake_score) == (True, {"x": 2}, 0.8)
    assert board.rooms["kitchen"].level_dbfs == -30.0
    board.apply(SatelliteLeft(satellite="sat", room="Kitchen", reason="lost"), 3.0)
    assert not board.satellites["sat"].here


def test_a_room_rings_until_somebody_stops_it() -> None:
    board = Board()
    board.apply(JOINED, 1.0)
    timer = TimerInfo(timer="timer-1", kind="timer", state="ringing", room="kitchen")
    board.apply(TimerRinging(timer=timer), 2.0)
    assert board.rooms["kitchen"].state == "ringing"
    board.apply(TimerEnded(timer=timer, reason="stopped"), 3.0)
    assert board.rooms["kitchen"].state == "idle"


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    one = Live()
    one.show_with(lambda room, words: f"<p>{room.state}:{room.heard if words else ''}</p>")
    one.happened(JOINED)
    yield one
    one.close()


async def taken(stream: AsyncIterator[bytes], count: int) -> list[bytes]:
    return [await anext(stream) for _ in range(count)]


async def test_a_page_gets_all_rooms_and_then_what_changes(live: Live) -> None:
    async with aclosing(live.stream(words=True)) as stream:
        hello, kitchen = await taken(stream, 2)
        assert b"event: hello" in hello
        assert b'"key":"kitchen"' in kitchen
        live.happened(STARTED)
        live.happened(ENDED)
        (update,) = await taken(stream, 1)
        assert b"idle:light on" in update, "both facts in one update"
        assert len(live) == 1
    assert len(live) == 0


async def test_words_are_only_for_those_who_may(live: Live) -> None:
    async with aclosing(live.stream(words=False)) as stream:
        await taken(stream, 2)
        live.happened(STARTED)
        live.happened(ENDED)
        (update,) = await taken(stream, 1)
        assert b"light on" not in update


async def test_a_page_that_does_not_keep_up_is_sent_away(live: Live) -> None:
    async with aclosing(live.stream(words=True)) as slow:
        await taken(slow, 2)
        for _ in range(WAITING_MAX + 1):
            live.happened(STARTED)
            live._flush()
        assert live.counts["slow"] == 1
        assert len(live) == 0
        async with asyncio.timeout(5):
            assert len([chunk async for chunk in slow]) < WAITING_MAX


async def test_whoever_is_signed_out_sees_nothing_more(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon_hub.web.live.BEAT_S", 0.01)
    answers = [True, False]

    async def may_stay() -> bool:
        return answers.pop(0)

    async with aclosing(live.stream(words=True, may_stay=may_stay)) as stream:
        await taken(stream, 2)
        async with asyncio.timeout(5):
            assert [chunk async for chunk in stream] == [b": here\n\n"]
    assert len(live) == 0


async def test_pages_end_with_the_console(live: Live) -> None:
    async with aclosing(live.stream(words=True)) as stream:
        await taken(stream, 2)
        live.close()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
