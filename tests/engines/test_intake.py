"""Frames in any order, bytes in one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.intake import (
    GIVE_UP_S,
    GRACE_S,
    RETRY_S,
    Hole,
    Intake,
)
from antiphon_protocol.audio import STREAM_SAMPLES_MAX, AudioFrame, acceptable
from antiphon_protocol.limits import STREAM_FRAMES_MAX

EVERYTHING = 1 << 30


def frames_of(sizes: list[int], *, last: bool = True) -> list[AudioFrame]:
    """Return frames of so many samples, each sample telling its position."""
    frames, position = [], 0
    for sequence, size in enumerate(sizes):
        pcm = b"".join(
            (at % 30_000 + 1).to_bytes(2, "little") for at in range(position, position + size)
        )
        ends = last and sequence == len(sizes) - 1
        frames.append(AudioFrame(sequence, position, 0, pcm, ends))
        position += size
    return frames


def whole(frames: list[AudioFrame]) -> bytes:
    return b"".join(frame.pcm for frame in frames)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
    st.integers(0, 20),
    st.integers(2, 200),
)
def test_any_order_repetition_and_helping_gives_the_same_bytes(
    sizes: list[int], shuffler: random.Random, repeats: int, helping: int
) -> None:
    frames = frames_of(sizes)
    arriving = frames + [shuffler.choice(frames) for _ in range(repeats)]
    shuffler.shuffle(arriving)
    intake, out = Intake(), b""
    for frame in arriving:
        intake.put(frame, 0.0)
        if shuffler.random() < 0.5:
            out += intake.take(helping * 2)
    while piece := intake.take(helping * 2):
        out += piece
    assert out == whole(frames)
    assert intake.ended
    assert intake.position == sum(sizes)
    assert intake.duplicates == len(arriving) - len(frames)
    assert intake.lost_samples == 0


@given(
    st.lists(st.integers(1, 20), min_size=2, max_size=30),
    st.data(),
)
def test_what_never_comes_is_silence_of_its_length(sizes: list[int], data: st.DataObject) -> None:
    frames = frames_of(sizes)
    kept = data.draw(st.sets(st.sampled_from(range(len(frames) - 1)), max_size=len(frames)))
    intake, now_s = Intake(), 0.0
    for frame in frames:
        if frame.sequence in kept or frame.last:
            intake.put(frame, now_s)
    while not intake.ended:
        assert intake.due_s is not None
        now_s = intake.due_s
        intake.poll(now_s)
    expected = b"".join(
        frame.pcm if frame.sequence in kept or frame.last else bytes(len(frame.pcm))
        for frame in frames
    )
    assert intake.take(EVERYTHING) == expected
    assert intake.lost_samples == sum(
        frame.samples for frame in frames if frame.sequence not in kept and not frame.last
    )


def test_a_hole_is_reported_after_a_grace_then_again_and_again_and_given_up() -> None:
    frames = frames_of([4, 4, 4, 4, 4])
    intake = Intake()
    intake.put(frames[0], 10.0)
    assert intake.due_s is None
    intake.put(frames[3], 10.0)
    assert intake.poll(10.0) is None
    assert intake.poll(10.0 + GRACE_S) == Hole(1, 2)
    assert intake.poll(10.0 + GRACE_S) is None
    now_s, reports = 10.0 + GRACE_S, 0
    while (due_s := intake.due_s) is not None and due_s < 10.0 + GRACE_S + GIVE_UP_S:
        assert due_s == pytest.approx(now_s + RETRY_S)
        now_s, reports = due_s, reports + 1
        assert intake.poll(now_s) == Hole(1, 2)
    assert reports >= 8, "one report or one frame sent again may be lost several times"
    assert intake.take(EVERYTHING) == frames[0].pcm
    assert intake.given_up == 0
    assert intake.poll(10.0 + GRACE_S + GIVE_UP_S) is None
    assert intake.given_up == 2
    assert intake.take(EVERYTHING) == bytes(16) + frames[3].pcm
    assert intake.due_s is None


def test_frames_that_only_overtook_each_other_are_never_asked_for() -> None:
    frames = frames_of([4, 4, 4])
    intake = Intake()
    intake.put(frames[2], 5.0)
    intake.put(frames[0], 5.001)
    intake.put(frames[1], 5.002)
    assert intake.due_s is None
    assert intake.poll(6.0) is None


def test_a_hole_filled_in_part_is_a_smaller_hole_with_the_same_patience() -> None:
    frames = frames_of([4] * 6)
    intake = Intake()
    for index in (0, 5):
        intake.put(frames[index], 0.0)
    assert intake.poll(GRACE_S) == Hole(1, 4)
    intake.put(frames[3], 0.1)
    assert intake.poll(GRACE_S + RETRY_S) == Hole(1, 2)


def test_a_missing_tail_is_seen_once_the_number_of_frames_is_known() -> None:
    frames = frames_of([4, 4, 4], last=False)
    intake = Intake()
    intake.put(frames[0], 0.0)
    assert intake.due_s is None
    intake.finish(3, 1.0)
    assert intake.poll(1.0 + GRACE_S) == Hole(1, 2)
    intake.put(frames[1], 1.1)
    intake.put(frames[2], 1.2)
    assert intake.ended
    assert intake.take(EVERYTHING) == whole(frames)


def test_a_tail_that_never_comes_ends_the_stream() -> None:
    intake = Intake()
    intake.put(frames_of([4], last=False)[0], 0.0)
    intake.finish(3, 0.0)
    while not intake.ended:
        assert intake.due_s is not None
        intake.poll(intake.due_s)
    assert intake.given_up == 2


def test_a_stream_of_no_frames_is_over_at_once() -> None:
    intake = Intake()
    intake.finish(0, 0.0)
    assert intake.ended
    assert intake.take(EVERYTHING) == b""


def test_frames_behind_the_end_are_left_out() -> None:
    frames = frames_of([4, 4, 4], last=False)
    intake = Intake()
    intake.finish(2, 0.0)
    for frame in frames:
        intake.put(frame, 0.0)
    assert intake.take(EVERYTHING) == whole(frames[:2])


def test_samples_that_the_sender_lost_are_silence() -> None:
    intake = Intake()
    intake.put(AudioFrame(0, 0, 0, b"ab"), 0.0)
    intake.put(AudioFrame(1, 4, 0, b"cd"), 0.0)
    assert intake.take(EVERYTHING) == b"ab" + bytes(6) + b"cd"
    assert intake.lost_samples == 3


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**40 - 1))
def test_frames_of_no_allowed_stream_are_refused(sequence: int, position: int) -> None:
    frame = AudioFrame(sequence, position, 0, b"ab")
    fits = sequence < STREAM_FRAMES_MAX and position < STREAM_SAMPLES_MAX
    assert acceptable(frame) is fits
    intake = Intake()
    assert intake.put(frame, 0.0) is fits
    assert (
        intake.take(EVERYTHING) == (b"ab" if fits and sequence == 0 and position == 0 else b"")
        or fits
    )
