import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from antiphon_protocol.messages.event import (
    CommandHeard,
    DeviceChanged,
    ReplyBegan,
    SatelliteJoined,
    TurnEnded,
    TurnStarted,
    Understood,
)
from antiphon_tools.demo.report import result_line, summary_view
from antiphon_tools.demo.results import Command, result_of
from antiphon_tools.demo.screen import Screen, stage_bar
from antiphon_tools.demo.stages import STAGES, wait_ms
from antiphon_tools.demo.view import HouseView, Voice

ROOMS = ("kitchen", "living room", "bedroom")
TIMINGS = {"endpoint": 400.0, "recognise_engine": 60.0, "ours": 4.0, "synthesize_engine": 20.0}
ENDED = TurnEnded(
    turn="t1",
    room="kitchen",
    satellite="s1",
    outcome="answered",
    transcript="turn on the kitchen light",
    intent="HassTurnOn",
    slots={"name": "kitchen light"},
    reply="Turned on the kitchen light",
    timings=TIMINGS,
)


def draw(view: HouseView, width: int, height: int) -> list[str]:
    out = io.StringIO()
    console = Console(width=width, height=height, file=out, color_system=None)
    console.print(Screen(view))
    return out.getvalue().splitlines()


def busy_house(turns: int) -> HouseView:
    view = HouseView(ROOMS)
    for room in ROOMS:
        view.apply(SatelliteJoined(satellite=room, room=room))
        for step in range(100):
            view.level(room, -60.0 + step % 60, Voice.PERSON)
    state = {"on": True, "brightness": 40}
    view.apply(DeviceChanged(device="kitchen-light", room="kitchen", state=state))
    for _ in range(turns):
        view.apply(TurnStarted(turn="t1", room="kitchen", satellite="s1", cause="phrase"))
        view.apply(
            CommandHeard(
                turn="t1", room="kitchen", text=ENDED.transcript, confidence=1.0, source="grammar"
            )
        )
        view.apply(Understood(turn="t1", room="kitchen", intent=ENDED.intent, slots=ENDED.slots))
        view.apply(ReplyBegan(turn="t1", room="kitchen", text=ENDED.reply))
        view.apply(ENDED)
    return view


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60)])
@pytest.mark.parametrize("turns", [0, 1, 50])
def test_the_view_fills_the_terminal_and_no_more(width: int, height: int, turns: int) -> None:
    lines = draw(busy_house(turns), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_a_narrow_terminal_gets_fewer_rooms_and_no_error() -> None:
    assert all(len(line) <= 30 for line in draw(busy_house(3), 30, 24))


def test_rooms_devices_words_meaning_and_reply_are_on_the_screen() -> None:
    text = "\n".join(draw(busy_house(1), 80, 24))
    for part in (
        *ROOMS,
        "kitchen light 40%",
        "“turn on the kitchen light”",
        "HassTurnOn",
        "484 ms",
    ):
        assert part in text


def test_a_failed_turn_says_why() -> None:
    view = busy_house(1)
    view.apply(TurnStarted(turn="t2", room="bedroom", satellite="s1", cause="phrase"))
    view.apply(
        TurnEnded(
            turn="t2", room="bedroom", satellite="s1", outcome="failed", code="not-understood"
        )
    )
    assert "failed: not-understood" in "\n".join(draw(view, 80, 24))


@given(
    spent=st.lists(st.floats(min_value=0.0, max_value=5000.0), min_size=4, max_size=4),
    width=st.integers(min_value=4, max_value=80),
)
def test_a_bar_never_outgrows_its_width_and_shows_each_stage(
    spent: list[float], width: int
) -> None:
    timings = {stage.key: ms for stage, ms in zip(STAGES, spent, strict=True)}
    bar = stage_bar(timings, width, wait_ms(timings))
    assert len(bar.plain) <= width
    assert len(bar.spans) == sum(ms > 0.0 for ms in spent)
    if wait_ms(timings) > 0.0:
        assert len(bar.plain) == width
        half = stage_bar(timings, width, 2.0 * wait_ms(timings))
        assert len(half.plain) == max(len(half.spans), round(width / 2))


def summary_text(*endings: TurnEnded) -> str:
    out = io.StringIO()
    command = Command(name="a", room="kitchen", pcm=b"", file="a.wav", intent="HassTurnOn")
    results = [result_of(command, ended) for ended in endings]
    Console(width=80, file=out).print(summary_view(results))
    return out.getvalue()


def test_the_summary_names_counts_stages_and_spenders() -> None:
    text = summary_text(ENDED, ENDED)
    assert "2 commands, 2 answered, 2 right" in text
    assert "4.0 ms" in text
    assert "ours" in text


def test_the_summary_lists_what_went_wrong() -> None:
    failed = TurnEnded(
        turn="t2", room="kitchen", satellite="", outcome="failed", code="worker-lost"
    )
    text = summary_text(failed)
    assert "a.wav: nothing heard → failed: worker-lost" in text
    assert "no command came as far as a reply" in text


def test_a_result_is_one_line() -> None:
    command = Command(name="a", room="kitchen", pcm=b"")
    assert result_line(result_of(command, ENDED)).plain == (
        "✓ kitchen  “turn on the kitchen light” → Turned on the kitchen light  484 ms"
    )


def test_what_was_said_stands_beside_what_was_misheard() -> None:
    command = Command(name="a", room="kitchen", pcm=b"", said="turn it off", intent="HassTurnOff")
    assert "“turn it off” was heard as “turn on the kitchen light”" in (
        result_line(result_of(command, ENDED)).plain
    )
