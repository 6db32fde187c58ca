import struct

import pytest

from antiphon_protocol.audio import FRAME_SAMPLES, AudioFrame
from antiphon_tools.demo.playout import LEVELS_KEPT, Playouts
from antiphon_tools.demo.view import SILENCE_DBFS

FRAME_S = FRAME_SAMPLES / 16000


def frame(number: int, amplitude: int = 3277) -> AudioFrame:
    pcm = struct.pack("<h", amplitude) * FRAME_SAMPLES
    return AudioFrame(number, number * FRAME_SAMPLES, 0, pcm)


def expecting(*frames: AudioFrame, at_s: float = 100.0) -> Playouts:
    playouts = Playouts()
    playouts.expect("shelf", "p1")
    for one in frames:
        playouts.frame("p1", one, at_s)
    return playouts


def test_frames_that_came_at_once_sound_one_after_the_other() -> None:
    playouts = expecting(frame(0, 328), frame(1, 3277), frame(2, 328))
    assert playouts.level_dbfs("shelf", 100.0) == pytest.approx(-40.0, abs=0.1)
    assert playouts.level_dbfs("shelf", 100.0 + FRAME_S / 2) == SILENCE_DBFS
    assert playouts.level_dbfs("shelf", 100.0 + FRAME_S) == pytest.approx(-20.0, abs=0.1)
    assert playouts.level_dbfs("shelf", 100.0 + 9 * FRAME_S) == pytest.approx(-40.0, abs=0.1)
    assert playouts.level_dbfs("shelf", 200.0) == SILENCE_DBFS


def test_the_loudest_since_the_last_look_counts() -> None:
    playouts = expecting(frame(0, 328), frame(1, 3277), frame(2, 328))
    assert playouts.level_dbfs("shelf", 101.0) == pytest.approx(-20.0, abs=0.1)


def test_a_new_playback_replaces_the_old_one() -> None:
    playouts = expecting(frame(0))
    playouts.expect("shelf", "p2")
    playouts.frame("p1", frame(1), 101.0)
    assert playouts.level_dbfs("shelf", 200.0) == SILENCE_DBFS
    playouts.frame("p2", frame(0), 200.0)
    assert playouts.level_dbfs("shelf", 200.0) > SILENCE_DBFS


def test_unknown_playbacks_rooms_and_empty_frames_are_silent() -> None:
    playouts = expecting(AudioFrame(0, 0, 0, b"", last=True))
    playouts.frame("p9", frame(0), 100.0)
    assert playouts.level_dbfs("shelf", 200.0) == SILENCE_DBFS
    assert playouts.level_dbfs("attic", 200.0) == SILENCE_DBFS


def test_what_is_kept_is_bounded() -> None:
    playouts = expecting(*(frame(n, 1 if n < 10 else 0) for n in range(LEVELS_KEPT + 10)))
    assert playouts.level_dbfs("shelf", 100.0 + 9 * FRAME_S) == SILENCE_DBFS
