"""A turn's stages as bars (pure)."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.turns.history import StoredTurn
from antiphon_hub.turns.waterfall import Bar, bars, drawn


def turn(marks: dict[str, float], timings: dict[str, float] | None = None) -> StoredTurn:
    return StoredTurn(
        turn="turn-1",
        started_us=0,
        room="kitchen",
        satellite="sat",
        cause="phrase",
        state="ended",
        intent="",
        slots={},
        outcome="answered",
        code="",
        transcript="",
        reply="",
        timings=timings or {},
        marks=marks,
        trace={},
    )


def test_stages_follow_each_other_with_their_shares_inside() -> None:
    marks = {"woken": 0.0, "speech-ended": 1000.0, "heard": 1100.0, "understood": 1101.0}
    found = bars(turn(marks, {"endpoint": 300.0, "recognise_engine": 90.0, "total": 5.0}))
    assert found == [
        Bar("listen", 0.0, 1000.0),
        Bar("endpoint", 700.0, 1000.0, inside=True),
        Bar("hear", 1000.0, 1100.0),
        Bar("recognise", 1010.0, 1100.0, inside=True),
        Bar("understand", 1100.0, 1101.0),
    ]


def test_a_stage_that_was_not_reached_is_none() -> None:
    assert bars(turn({"woken": 0.0, "ended": 10.0})) == []


def test_bars_are_drawn_at_their_place() -> None:
    assert drawn(Bar("a", 0.0, 50.0), 100.0, 10) == "█████"
    assert drawn(Bar("b", 50.0, 100.0), 100.0, 10) == "     █████"
    assert drawn(Bar("c", 50.0, 55.0), 100.0, 10) == "     ▌"
    assert drawn(Bar("d", 0.0, 0.0), 0.0, 10) == ""


@given(
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(1, 200),
)
def test_every_bar_is_seen_and_none_leaves_its_columns(
    begin: float, length: float, after: float, columns: int
) -> None:
    total = begin + length + after
    text = drawn(Bar("a", begin, begin + length), total, columns)
    if total > 0:
        assert text.strip()
        assert len(text) <= columns
