from typing import Literal

import pytest

from antiphon_protocol.messages.event import Event, TurnEnded, TurnOutcome, TurnStarted
from antiphon_tools.demo.outcome import FACTS_WITHIN_S, Outcome


def started(turn: str, satellite: str = "s1") -> TurnStarted:
    return TurnStarted(turn=turn, room="hall", satellite=satellite, cause="phrase")


def ended(turn: str, outcome: TurnOutcome = "answered") -> TurnEnded:
    return TurnEnded(turn=turn, room="hall", satellite="s1", outcome=outcome)


def outcome_after(*events: Event) -> Outcome:
    outcome = Outcome("s1")
    for event in events:
        outcome.apply(event)
    return outcome


def test_the_turns_end_is_the_result() -> None:
    outcome = outcome_after(started("t1"), ended("t1"))
    assert outcome.decide(called=True, waited_s=0.0) == ended("t1")


def test_without_call_and_turn_there_was_no_wake_word() -> None:
    assert outcome_after().decide(called=False, waited_s=0.0) == "no-wake"


@pytest.mark.parametrize("events", [(), (started("t1"),)])
def test_a_call_without_an_end_is_given_up(events: tuple[Event, ...]) -> None:
    outcome = outcome_after(*events)
    assert outcome.decide(called=True, waited_s=FACTS_WITHIN_S - 0.01) is None
    assert outcome.decide(called=True, waited_s=FACTS_WITHIN_S) == "no-answer"


@pytest.mark.parametrize("bad", ["failed", "cancelled"])
def test_the_answered_turn_wins_over_a_false_wake_before_or_after_it(
    bad: Literal["failed", "cancelled"],
) -> None:
    facts = (started("t1"), ended("t1", bad), started("t2"), ended("t2"))
    assert outcome_after(*facts).decide(called=True, waited_s=0.0) == ended("t2")
    late = (started("t3"), ended("t3", bad))
    assert outcome_after(*facts, *late).decide(called=True, waited_s=0.0) == ended("t2")
    only = outcome_after(started("t1"), ended("t1", bad))
    assert only.decide(called=True, waited_s=0.0) == ended("t1", bad)


def test_a_turn_that_still_runs_is_waited_for() -> None:
    outcome = outcome_after(started("t1"), started("t2"), ended("t1", "cancelled"))
    assert outcome.decide(called=True, waited_s=0.0) is None


def test_other_satellites_and_turns_from_before_do_not_count() -> None:
    outcome = outcome_after(started("t1", "s2"), ended("t1"), ended("t0"))
    assert outcome.decide(called=False, waited_s=0.0) == "no-wake"
