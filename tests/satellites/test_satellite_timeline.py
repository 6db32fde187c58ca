"""Keeping time with other speakers: the rules, and a house of speakers with wrong clocks."""

import argparse
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_satellite.speak.timeline import JUMP_US, NEAR_US, STRETCH_MAX, Timeline
from tests.bench import sync

RATE_HZ = 16_000
FRAME = array("h", [n % 900 for n in range(1024)]).tobytes()


def run(timeline: Timeline, *, late_us: float, rate: float = 1.0, frames: int = 2000) -> float:
    """Play frames on a device that is late, and whose clock runs at a rate; return how late it is.

    Microseconds; the device plays all it is given, without a pause.
    """
    sounds_us, position = timeline.begins_us + late_us, 0
    for _ in range(frames):
        while silence := timeline.silence(position, round(sounds_us)):
            sounds_us += len(silence) / 2 / RATE_HZ * 1e6 * rate
        pcm = timeline.fit(FRAME, position, round(sounds_us))
        position += len(FRAME) // 2
        sounds_us += len(pcm) / 2 / RATE_HZ * 1e6 * rate
    return sounds_us - timeline.begins_us - position / RATE_HZ * 1e6


@pytest.mark.slow
@given(st.floats(-400_000, 400_000), st.floats(1 - 300e-6, 1 + 300e-6))
def test_whatever_the_begin_and_the_drift_it_gets_into_time(late_us: float, rate: float) -> None:
    assert abs(run(Timeline(RATE_HZ, 10**12), late_us=late_us, rate=rate)) < 2 * NEAR_US


def test_in_time_nothing_is_changed() -> None:
    timeline = Timeline(RATE_HZ, 0)
    assert timeline.silence(0, 0) == b""
    assert timeline.fit(FRAME, 0, 200) == FRAME
    assert (timeline.stretched, timeline.left_out) == (0, 0)


def test_early_at_the_begin_it_is_silent_to_the_very_sample() -> None:
    timeline = Timeline(RATE_HZ, 100_000)
    silences = []
    at_us = 0.0
    while silence := timeline.silence(0, round(at_us)):
        assert not any(silence)
        silences.append(len(silence) // 2)
        at_us += len(silence) / 2 / RATE_HZ * 1e6
    assert sum(silences) == pytest.approx(1600, abs=8)
    assert max(silences) <= 320


def test_what_comes_too_late_is_left_out_so_that_it_is_where_the_others_are() -> None:
    timeline = Timeline(RATE_HZ, 0)
    assert timeline.fit(FRAME, 0, 100_000) == b""
    assert timeline.fit(FRAME, 1024, 100_000) == FRAME[2 * 576 :]
    assert timeline.left_out == 1600
    assert timeline.fit(FRAME, 2048, 128_000) == FRAME


@pytest.mark.parametrize("late_us", [JUMP_US - 1, -(JUMP_US - 1)])
def test_drift_is_mended_by_single_samples_where_it_is_calm(late_us: int) -> None:
    pcm = array("h", [0, 500] * 500 + [7, 7] + [500, 0] * 11).tobytes()
    timeline = Timeline(RATE_HZ, 0)
    fitted = timeline.fit(pcm, 0, late_us)
    changed = (len(pcm) - len(fitted)) // 2
    assert 1 <= abs(changed) <= max(1, len(pcm) // 2 * STRETCH_MAX)
    assert (changed > 0) is (late_us > 0)
    assert timeline.stretched == abs(changed)


def test_a_begin_that_is_known_better_is_moved_to_gently() -> None:
    timeline = Timeline(RATE_HZ, 0)
    run(timeline, late_us=0, frames=10)
    timeline.move(3000)
    before = timeline.stretched
    timeline.fit(FRAME, 10_240, 640_000)
    assert 0 < timeline.stretched - before <= 2
    assert timeline.left_out == 0


@given(
    st.binary(max_size=64).map(lambda raw: raw[: len(raw) // 2 * 2]), st.integers(-(10**6), 10**6)
)
def test_any_sound_at_any_time_stays_sound(pcm: bytes, sounds_us: int) -> None:
    fitted = Timeline(RATE_HZ, 0).fit(pcm, 0, sounds_us)
    assert len(fitted) % 2 == 0
    assert len(fitted) <= 2 * len(pcm)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_speakers_with_wrong_clocks_behind_wifi_stay_within_twenty_milliseconds(seed: int) -> None:
    args = argparse.Namespace(
        speakers=8, seconds=20.0, ppm=100.0, jitter_ms=80.0, known_s=30.0, homes=1
    )
    assert max(sync.home(args, seed, together=True)) < 0.020
    args.seconds = 2.0
    assert max(sync.home(args, seed, together=False)) > 0.020
