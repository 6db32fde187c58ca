"""The conversation's table: every pair of state and event, and the diagram in the docs."""

from pathlib import Path
from typing import Final

import pytest

from antiphon_satellite.actions import (
    Action,
    CallAgain,
    EndStream,
    ExpectReply,
    ForgetReply,
    OpenStream,
    PauseStream,
    PlayCue,
    ResumeStream,
    StopPlayback,
)
from antiphon_satellite.machine import LEASES_S, TABLE, Event, Machine, State

DOCS = Path(__file__).parents[2] / "docs" / "satellite.md"

# One line a pair that does something; all others must leave state and world alone.
WANTED = """
away      wake           missed     cue:unreachable
away      button         missed     cue:unreachable
away      hub-came       idle
missed    wake           missed     cue:unreachable
missed    button         missed     cue:unreachable
missed    hub-came       idle       cue:back
missed    time-out       away
idle      wake           calling    call
idle      voice          calling    call
idle      button         calling    call
idle      invited        listening  open expect cue:listening
idle      reply-began    playing
idle      playback-began playing
idle      hub-went       away
calling   confirmed      listening  expect cue:listening
calling   speech-ended   thinking   end:asked cue:heard
calling   dismissed      idle       end:asked
calling   stood-down     standing-by pause
calling   stream-ended   thinking
calling   turn-answered  idle       end:asked
calling   turn-failed    idle       end:asked
calling   hub-went       holding
calling   time-out       idle       end:no-hub cue:unreachable
listening confirmed      listening  expect
listening speech-ended   thinking   end:asked cue:heard
listening dismissed      idle       end:asked forget
listening stood-down     standing-by pause forget
listening stream-ended   thinking   cue:heard
listening turn-answered  idle       end:asked
listening turn-failed    idle       end:asked forget
listening reply-began    playing    end:asked
listening hub-went       holding
listening time-out       thinking   end:limit
standing-by wake           calling    end:asked call
standing-by button         calling    end:asked call
standing-by confirmed      listening  resume expect cue:listening
standing-by invited        listening  end:asked open expect cue:listening
standing-by dismissed      idle       end:asked
standing-by stream-ended   idle
standing-by reply-began    playing    end:asked
standing-by playback-began playing    end:asked
standing-by hub-went       away       end:no-hub
standing-by time-out       idle       end:asked
thinking  wake           calling    stop call
thinking  button         calling    stop call
thinking  confirmed      thinking   expect
thinking  invited        listening  open expect cue:listening
thinking  stood-down     idle       forget
thinking  dismissed      idle       forget
thinking  turn-answered  idle
thinking  turn-failed    idle       forget
thinking  reply-began    playing
thinking  playback-began playing
thinking  hub-went       waiting
thinking  time-out       idle       forget cue:failed
playing   wake           calling    stop call
playing   button         calling    stop call
playing   invited        listening  stop open expect cue:listening
playing   playback-ended idle
playing   hub-went       away
playing   time-out       idle       stop
holding   hub-came       calling    again
holding   stream-ended   waiting
holding   time-out       missed     end:no-hub forget cue:unreachable
waiting   hub-came       thinking   again
waiting   button         missed     forget cue:unreachable
waiting   reply-began    away
waiting   time-out       missed     forget cue:unreachable
"""


WORDS: Final = {
    CallAgain: "again",
    PauseStream: "pause",
    ResumeStream: "resume",
    ExpectReply: "expect",
    ForgetReply: "forget",
    StopPlayback: "stop",
}


def word(action: Action) -> str:
    match action:
        case OpenStream():
            return "call" if action.announced else "open"
        case EndStream():
            return f"end:{action.reason}"
        case PlayCue():
            return f"cue:{action.cue}"
        case _:
            return WORDS[type(action)]


def wanted() -> dict[tuple[State, Event], tuple[State, list[str]]]:
    rows = [line.split() for line in WANTED.strip().splitlines()]
    return {(State(row[0]), Event(row[1])): (State(row[2]), row[3:]) for row in rows}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_pair_does_what_the_table_here_says(state: State, event: Event) -> None:
    machine = Machine()
    machine.state = state
    actions = machine.feed(event, 100.0)
    assert (machine.state, [word(one) for one in actions]) == wanted().get(
        (state, event), (state, [])
    )


def test_it_begins_away_without_a_deadline() -> None:
    machine = Machine()
    assert (machine.state, machine.deadline_s) == (State.AWAY, None)


def test_every_state_that_waits_for_somebody_has_a_lease_and_a_way_out() -> None:
    for state in State:
        if state in (State.AWAY, State.IDLE):
            assert state not in LEASES_S
        else:
            assert LEASES_S[state] > 0
            assert TABLE[state, Event.TIME_OUT].to is not state


def test_an_unanswered_call_is_given_up_after_two_seconds() -> None:
    machine = Machine()
    machine.feed(Event.HUB_CAME, 10.0)
    machine.feed(Event.WAKE, 11.0)
    assert machine.deadline_s == 13.0
    machine.feed(Event.TIME_OUT, 13.0)
    assert machine.deadline_s is None


def test_the_hubs_limit_becomes_the_lease() -> None:
    machine = Machine()
    machine.feed(Event.HUB_CAME, 0.0)
    machine.feed(Event.BUTTON, 0.0)
    machine.feed(Event.CONFIRMED, 1.0, lease_s=17.0)
    assert machine.deadline_s == 18.0


def test_an_event_that_changes_nothing_moves_no_deadline() -> None:
    machine = Machine()
    machine.feed(Event.HUB_CAME, 0.0)
    machine.feed(Event.WAKE, 0.0)
    machine.feed(Event.PLAYBACK_BEGAN, 1.5)
    assert machine.deadline_s == 2.0


def diagram() -> str:
    """Draw the table as a Mermaid state diagram, events between the same states on one arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, event), step in TABLE.items():
        arrows.setdefault((state, step.to), []).append(event)
    lines = ["stateDiagram-v2", f"    [*] --> {State.AWAY}"]
    lines += [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in arrows.items()]
    return "\n".join(lines)


def test_the_diagram_in_the_docs_is_the_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    drawn = text.partition("```mermaid\n")[2].partition("\n```")[0]
    assert drawn == diagram(), f"docs/satellite.md should hold:\n{diagram()}"
