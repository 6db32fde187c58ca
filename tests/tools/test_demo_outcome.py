from typing import Literal

import pytest

from antiphon_protocol.messages.event import Event, TurnEnded, TurnOutcome, TurnStarted
from antiphon_tools.demo.outcome import ANSWER_LIMIT_S, WAKE_GRACE_S, Outcome


def started(turn: str, satellite: str = "s1") -> TurnStarted:
    return TurnStarted(turn=turn, room="hall", satellite=satellite, cause="phrase")


def ended(turn: str, outcome: TurnOutcome = "answered") -> TurnEnded:
    return TurnEnded(turn=turn, room="hall", satellite="s1", outcome=outcome)


def outcome_after(*events: Event, spoken: bool = True) -> Outcome:
    outcome = Outcome("s1")
    for event in events:
        outcome.apply(event)
    if spoken:
        outcome.spoken(100.0)
    return outcome


def test_nothing_is_decided_before_all_was_spoken() -> None:
    outcome = outcome_after(started("t1"), ended("t1"), spoken=False)
    assert outcome.decide(1e9) is None


def test_an_answer_counts_at_once() -> None:
    assert outcome_after(started("t1"), ended("t1")).decide(100.0) == ended("t1")


def test_no_turn_is_no_wake_after_the_grace() -> None:
    outcome = outcome_after()
    assert outcome.decide(100.0 + WAKE_GRACE_S - 0.01) is None
    assert outcome.decide(100.0 + WAKE_GRACE_S) == "no-wake"


def test_a_turn_that_does_not_end_is_given_up() -> None:
    outcome = outcome_after(started("t1"))
    assert outcome.decide(100.0 + ANSWER_LIMIT_S - 0.01) is None
    assert outcome.decide(100.0 + ANSWER_LIMIT_S) == "no-answer"


@pytest.mark.parametrize("bad", ["failed", "cancelled"])
def test_a_turn_without_answer_leaves_time_for_another(
    bad: Literal["failed", "cancelled"],
) -> None:
    outcome = outcome_after(started("t1"), ended("t1", bad))
    assert outcome.decide(100.0) is None
    assert outcome.decide(100.0 + WAKE_GRACE_S) == ended("t1", bad)


def test_the_answered_turn_wins_over_a_false_wake_before_or_after_it() -> None:
    facts = (started("t1"), ended("t1", "cancelled"), started("t2"), ended("t2"))
    assert outcome_after(*facts).decide(100.0) == ended("t2")
    late = (started("t3"), ended("t3", "cancelled"))
    assert outcome_after(*facts, *late).decide(100.0) == ended("t2")


def test_other_satellites_and_turns_from_before_do_not_count() -> None:
    outcome = outcome_after(started("t1", "s2"), ended("t1"), ended("t0"))
    assert outcome.decide(100.0 + WAKE_GRACE_S) == "no-wake"
