"""Streams: numbered without gaps, kept for a second sending, bounded."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon_codecs.pcm import PcmMaker
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, Frame
from antiphon_satellite.listen.microphone import PcmFrame
from antiphon_satellite.uplink import (
    ENDED_NAMES_KEPT,
    KEPT_FRAMES_MAX,
    KEPT_S,
    PREROLL_FRAMES_AT_ONCE,
    Uplink,
)


def frame(n: int = 0) -> PcmFrame:
    return PcmFrame(bytes(FRAME_BYTES), n)


def fill(uplink: Uplink, count: int) -> list[Frame]:
    sent = [uplink.feed(frame(n)) for n in range(count)]
    return [one for one in sent if one is not None]


@given(st.integers(0, 62), st.integers(0, 200))
def test_frames_are_numbered_and_placed_without_gaps(preroll: int, live: int) -> None:
    uplink = Uplink()
    sent = uplink.open("s", [frame(n) for n in range(preroll)], PcmMaker()) + fill(uplink, live)
    ended = uplink.end(0.0, 5)
    assert ended is not None
    name, last = ended
    sent.append(last)
    assert name == "s"
    groups = -(-preroll // PREROLL_FRAMES_AT_ONCE)
    assert [one.sequence for one in sent] == list(range(groups + live + 1))
    positions = [sum(one.samples for one in sent[:n]) for n in range(len(sent))]
    assert [one.position for one in sent] == positions
    assert sent[-1].position == (preroll + live) * FRAME_SAMPLES
    assert [one.last for one in sent] == [False] * (groups + live) + [True]
    assert [one.samples for one in sent[groups:-1]] == [FRAME_SAMPLES] * live
    assert uplink.again("s", 0, 2**31) == sent


def test_what_was_heard_before_the_call_comes_whole_and_in_few_frames() -> None:
    uplink = Uplink()
    heard = [PcmFrame(bytes([n]) * FRAME_BYTES, 32_000 * n) for n in range(62)]
    sent = uplink.open("s", heard, PcmMaker())
    assert b"".join(one.pcm for one in sent) == b"".join(one.pcm for one in heard)
    assert len(sent) == 8
    assert [one.at_us for one in sent] == [32_000 * 8 * n for n in range(8)]


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_any_part_can_be_had_again_until_it_is_released(count: int, first: int, last: int) -> None:
    uplink = Uplink()
    uplink.open("s", (), PcmMaker())
    sent = fill(uplink, count)
    assert uplink.again("s", first, last) == sent[first : last + 1]
    uplink.release("s")
    assert uplink.again("s", first, last) == sent[first : last + 1], "it still runs"
    uplink.end(0.0, 0)
    uplink.release("s")
    assert uplink.again("s", first, last) == []


def test_a_stream_ends_at_its_limit_and_never_above_sixty_seconds() -> None:
    uplink = Uplink()
    uplink.open("s", [frame()] * 62, PcmMaker())
    uplink.limit(3.2)
    assert len(fill(uplink, 1000)) == 100 - 62
    assert uplink.full
    uplink.limit(86_400.0)
    assert len(fill(uplink, 3000)) == KEPT_FRAMES_MAX - 100


@given(st.lists(st.integers(0, 900), min_size=1, max_size=12))
def test_over_all_streams_a_minute_is_kept_oldest_forgotten_first(lengths: list[int]) -> None:
    uplink = Uplink()
    for n, length in enumerate(lengths):
        uplink.open(f"s{n}", (), PcmMaker())
        fill(uplink, length)
        uplink.end(0.0, 0)
    # One last frame of a stream may come on top: an end must never drop audio.
    assert uplink.kept_frames <= KEPT_FRAMES_MAX + 1 + len(lengths)
    kept = [bool(uplink.again(f"s{n}", 0, 10_000)) for n in range(len(lengths))]
    assert kept == sorted(kept), "no younger stream goes before an older one"
    assert kept[-1]


def test_what_nobody_released_is_forgotten_after_a_while() -> None:
    uplink = Uplink()
    uplink.open("s", (), PcmMaker())
    fill(uplink, 3)
    uplink.expire(1e9)
    uplink.end(10.0, 0)
    uplink.expire(10.0 + KEPT_S - 0.1)
    assert uplink.again("s", 0, 9)
    uplink.expire(10.0 + KEPT_S)
    assert not uplink.again("s", 0, 9)
    assert uplink.counts["streams_forgotten"] == 1


def test_it_knows_the_streams_of_late() -> None:
    uplink = Uplink()
    for n in range(ENDED_NAMES_KEPT + 1):
        uplink.open(f"s{n}", (), PcmMaker())
        assert uplink.knows(f"s{n}")
        uplink.end(0.0, 0)
    assert not uplink.knows("s0")
    assert uplink.knows("s1")


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_paused_stream_is_kept_back_and_sent_whole_when_it_goes_on(
    before: int, held: int, after: int
) -> None:
    uplink = Uplink()
    uplink.open("s", (), PcmMaker())
    sent = fill(uplink, before)
    uplink.pause()
    uplink.pause()
    assert fill(uplink, held) == []
    due = uplink.resume()
    if due is not None:
        sent += uplink.again(*due)
    assert (due is not None) is (held > 0)
    sent += fill(uplink, after)
    assert [one.sequence for one in sent] == list(range(before + held + after))
    assert uplink.resume() is None


def test_a_paused_stream_that_ends_leaves_nothing_behind() -> None:
    uplink = Uplink()
    uplink.open("s", (), PcmMaker())
    fill(uplink, 5)
    uplink.pause()
    fill(uplink, 5)
    uplink.end(0.0, 0)
    assert uplink.again("s", 0, 99) == []
    assert uplink.knows("s")


def test_without_a_stream_nothing_is_sent_or_ended() -> None:
    uplink = Uplink()
    uplink.pause()
    assert uplink.resume() is None
    assert uplink.feed(frame()) is None
    assert uplink.end(0.0, 0) is None
    assert not uplink.full
