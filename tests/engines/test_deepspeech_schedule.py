"""Who is computed with whom, and when: pure rules, in made-up time."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech.schedule import Chunk, Limits, Schedule

Batch = tuple[Chunk[str, int], ...]


def schedule(**limits: object) -> Schedule[str, int]:
    return Schedule(Limits(**limits))  # type: ignore[arg-type] - a table's values


def lanes(batch: Batch) -> list[str]:
    return [chunk.lane for chunk in batch]


def test_a_lone_stream_waits_for_nobody() -> None:
    one = schedule()
    one.open("a", background=False)
    assert one.ready_s() is None
    one.add("a", 1, 10.0)
    assert lanes(one.take(10.0)) == ["a"]
    assert one.take(20.0) == ()


def test_a_chunk_waits_a_moment_for_others_to_share_with() -> None:
    one = schedule(gather_s=0.005)
    for lane in "abc":
        one.open(lane, background=False)
    one.add("a", 1, 10.0)
    assert one.take(10.004) == ()
    assert one.ready_s() == pytest.approx(10.005)
    one.add("b", 2, 10.004)
    assert lanes(one.take(10.005)) == ["a", "b"]


def test_all_being_there_ends_the_wait() -> None:
    one = schedule(gather_s=5.0)
    for lane in "ab":
        one.open(lane, background=False)
        one.add(lane, 1, 10.0)
    assert lanes(one.take(10.0)) == ["a", "b"]


def test_only_the_first_of_a_stream_goes_and_the_order_stays() -> None:
    one = schedule()
    one.open("a", background=False)
    for work in (1, 2, 3):
        one.add("a", work, 10.0)
    assert [one.take(10.0)[0].work for _ in range(3)] == [1, 2, 3]


def test_interactive_goes_before_background() -> None:
    one = schedule(batch_max=1)
    one.open("background", background=True)
    one.open("live", background=False)
    one.add("background", 1, 10.0)
    one.add("live", 2, 10.5)
    assert lanes(one.take(10.5)) == ["live"]
    assert lanes(one.take(10.5)) == ["background"]


def test_one_stream_too_many_is_rejected_and_counted() -> None:
    one = schedule(streams_max=1)
    assert one.open("a", background=False)
    assert not one.open("b", background=False)
    assert one.rejected == 1
    one.close("a")
    assert one.open("b", background=False)


def test_a_stream_has_room_for_so_many_chunks() -> None:
    one = schedule(ahead_max=2)
    one.open("a", background=False)
    for work in (1, 2):
        assert one.has_room("a")
        one.add("a", work, 10.0)
    assert not one.has_room("a")
    assert one.close("a") == [1, 2]
    assert one.ready_s() is None


def test_a_smaller_batch_keeps_a_due_time_that_a_larger_would_miss() -> None:
    one = schedule(due_s=0.1, background_due_s=100.0)
    for at in range(64):
        one.open(f"b{at}", background=True)
        one.add(f"b{at}", at, 10.0)
    one.done(one.take(10.0), 10.0, 10.2)  # 64 cost 200 ms
    for at in range(63):
        one.add(f"b{at}", at, 10.2)
    one.open("live", background=False)
    one.add("live", 1, 10.2)
    batch = one.take(10.2)
    assert lanes(batch)[0] == "live"
    assert len(batch) < 64


@given(
    arrivals=st.lists(st.tuples(st.floats(0.0, 0.3), st.integers(0, 9)), min_size=1, max_size=80),
    cost_ms=st.floats(0.1, 40.0),
    batch_max=st.integers(1, 8),
)
def test_all_work_is_done_in_each_streams_order_and_none_starves(
    arrivals: list[tuple[float, int]], cost_ms: float, batch_max: int
) -> None:
    """Lanes 5..9 are background; whatever comes, due order bounds every chunk's wait."""
    one = schedule(batch_max=batch_max, ahead_max=64, due_s=0.1, background_due_s=1.0)
    for lane in range(10):
        one.open(str(lane), background=lane > 4)
    coming, now_s = [], 0.0
    for number, (gap_s, lane) in enumerate(arrivals):
        now_s += gap_s
        coming.append((now_s, str(lane), number))
    done: list[int] = []
    now_s = 0.0
    while len(done) < len(arrivals):
        while coming and coming[0][0] <= now_s:
            at_s, lane, number = coming.pop(0)
            if not one.has_room(lane):
                coming.insert(0, (at_s, lane, number))
                break
            one.add(lane, number, at_s)
        batch = one.take(now_s)
        ready_s = one.ready_s()
        if not batch:
            now_s = max(
                now_s, min(x for x in (ready_s, coming[0][0] if coming else None) if x is not None)
            )
            continue
        assert len(batch) <= batch_max
        assert max(Counter(lanes(batch)).values()) == 1
        done += [chunk.work for chunk in batch]
        one.done(batch, now_s, now_s + cost_ms / 1e3)
        now_s += cost_ms / 1e3
    by_lane: dict[int, list[int]] = {}
    for number in done:
        by_lane.setdefault(arrivals[number][1], []).append(number)
    assert all(numbers == sorted(numbers) for numbers in by_lane.values())


@given(streams=st.integers(1, 32), cost_ms=st.floats(1.0, 20.0), phase=st.floats(0.0, 0.32))
def test_due_times_are_kept_where_capacity_allows(
    streams: int, cost_ms: float, phase: float
) -> None:
    """A chunk each 320 ms a stream; a batch costs up to 20 ms, so there is time enough."""
    one = schedule(due_s=0.1)
    for lane in range(streams):
        one.open(str(lane), background=False)
    coming = sorted(
        (0.32 * turn + phase * lane / streams, str(lane))
        for turn in range(4)
        for lane in range(streams)
    )
    now_s = 0.0
    while coming or one.ready_s() is not None:
        while coming and coming[0][0] <= now_s:
            at_s, lane = coming.pop(0)
            one.add(lane, 0, at_s)
        if batch := one.take(now_s):
            one.done(batch, now_s, now_s + cost_ms / 1e3)
            now_s += cost_ms / 1e3
            continue
        next_s = [at for at in (one.ready_s(), coming[0][0] if coming else None) if at is not None]
        now_s = max(now_s, min(next_s, default=now_s))
    assert one.late == 0


@given(waits=st.integers(1, 60))
def test_a_flood_of_live_speech_holds_background_up_until_its_due_time_only(waits: int) -> None:
    one = schedule(batch_max=1, due_s=0.1, background_due_s=1.0, gather_s=0.0)
    one.open("background", background=True)
    one.open("live", background=False)
    one.add("background", 1, 0.0)
    for turn in range(waits):
        now_s = 0.05 * turn
        one.add("live", 2, now_s)
        taken = lanes(one.take(now_s))
        if taken == ["background"]:
            assert now_s >= 0.9
            return
        assert now_s < 1.0
