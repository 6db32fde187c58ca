import json

import msgspec
import pytest

from antiphon_protocol.messages.event import TurnEnded
from antiphon_tools.demo.results import Command, Result, result_of, summarize

COMMAND = Command(name="lamp", room="hall", pcm=b"\0\0", file="lamp.wav", intent="HassTurnOn")
ENDED = TurnEnded(
    turn="t1",
    room="hall",
    satellite="s1",
    outcome="answered",
    transcript="turn on the lamp",
    intent="HassTurnOn",
    slots={"name": "lamp"},
    reply="Turned on the lamp",
    timings={"ours": 4.0, "total": 900.0},
)


def test_a_result_has_the_promised_keys() -> None:
    line = json.loads(result_of(COMMAND, ENDED, "out/lamp.reply.wav").line())
    assert line == {
        "file": "lamp.wav",
        "said": "",
        "room": "hall",
        "transcript": "turn on the lamp",
        "intent": "HassTurnOn",
        "slots": {"name": "lamp"},
        "reply": "Turned on the lamp",
        "outcome": "answered",
        "code": "",
        "timings": {"ours": 4.0, "total": 900.0},
        "reply_wav": "out/lamp.reply.wav",
        "right": True,
    }


@pytest.mark.parametrize(
    ("expected", "outcome", "right"),
    [
        ("HassTurnOn", "answered", True),
        ("", "answered", True),
        ("HassTurnOff", "answered", False),
        ("HassTurnOn", "failed", False),
        ("", "cancelled", False),
    ],
)
def test_right_is_answered_and_meant(expected: str, outcome: str, right: bool) -> None:
    command = msgspec.structs.replace(COMMAND, intent=expected)
    result = result_of(command, msgspec.structs.replace(ENDED, outcome=outcome))
    assert result.right is right
    assert result.answered is (outcome == "answered")


@pytest.mark.parametrize("code", ["no-wake", "no-answer"])
def test_a_command_without_a_turn_has_failed_in_its_room(code: str) -> None:
    result = result_of(COMMAND, code)  # type: ignore[arg-type]  # parametrize gives plain str
    assert (result.outcome, result.code, result.room) == ("failed", code, "hall")
    assert result.file == "lamp.wav"
    assert not result.right


def timed(ours_ms: float | None, outcome: str = "answered") -> Result:
    timings = {} if ours_ms is None else {"ours": ours_ms}
    ended = msgspec.structs.replace(ENDED, timings=timings, outcome=outcome)
    return result_of(COMMAND, ended)


def test_the_summary_counts_and_takes_medians_of_what_was_reached() -> None:
    summary = summarize([timed(1.0), timed(9.0), timed(2.0), timed(None, "failed")])
    assert (summary.commands, summary.answered, summary.right) == (4, 3, 3)
    assert summary.medians_ms == {"ours": 2.0}
    assert not summary.all_answered


def test_all_answered_needs_commands() -> None:
    assert summarize([timed(1.0)]).all_answered
    assert not summarize([]).all_answered
