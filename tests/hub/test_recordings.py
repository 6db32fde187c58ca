"""Kept audio: off unless asked for, whole, private, bounded, and gone with its turn."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.clock import now_us
from antiphon_hub.errors import StorageError
from antiphon_hub.recordings import Recordings, Shelf, files_of
from antiphon_hub.recordings import recordings as module
from antiphon_hub.recordings.shelf import FOLDER
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.wav import read_wav
from tests.support import virtual_time
from tests.support.turn_world import World

FRAME = 64


class Ticks:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def frames(pcm: bytes, samples: int = FRAME) -> list[AudioFrame]:
    step = samples * 2
    return [
        AudioFrame(sequence=at // step, position=at // 2, at_us=0, pcm=pcm[at : at + step])
        for at in range(0, len(pcm), step)
    ]


def recordings(state_dir: Path, *, days: int = 1, mib: int = 1) -> Recordings:
    return Recordings(Shelf(state_dir / FOLDER, days=days, mib=mib), Ticks())


def keep(one: Recordings, turn: str = "turn-1", *streams: str) -> None:
    virtual_time.run(one.keep(turn, "sat", streams or ("s1",)))


@given(st.binary(min_size=2, max_size=4000), st.integers(0, 2**32))
def test_frames_in_any_order_and_twice_make_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, seed: int
) -> None:
    pcm = noise[: len(noise) // 2 * 2]
    state_dir = tmp_path_factory.mktemp("state")
    one = recordings(state_dir)
    sent = frames(pcm) * 2
    random.Random(seed).shuffle(sent)
    for frame in sent:
        one.heard("sat", "s1", frame)
    keep(one)
    (path,) = files_of(state_dir, "turn-1")
    assert read_wav(path) == pcm


def test_what_never_came_is_silence_of_its_length(tmp_path: Path) -> None:
    one = recordings(tmp_path)
    pcm = b"\x01\x02" * (3 * FRAME)
    first, _, third = frames(pcm)
    for frame in (third, first):
        one.heard("sat", "s1", frame)
    keep(one)
    whole = read_wav(files_of(tmp_path, "turn-1")[0])
    assert whole == first.pcm + bytes(2 * FRAME) + third.pcm


def test_only_this_account_may_read_it(tmp_path: Path) -> None:
    one = recordings(tmp_path)
    before = os.umask(0)
    try:
        one.heard("sat", "s1", frames(bytes(200))[0])
        keep(one)
    finally:
        os.umask(before)
    (path,) = files_of(tmp_path, "turn-1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_streams_of_a_turn_keep_their_order(tmp_path: Path) -> None:
    one = recordings(tmp_path)
    names = [f"s{number}" for number in range(12)]
    for number, stream in enumerate(names):
        one.heard("sat", stream, frames(bytes([number]) * 20)[0])
    keep(one, "turn-1", *names)
    assert [read_wav(path)[0] for path in files_of(tmp_path, "turn-1")] == list(range(12))


def test_a_frame_beyond_the_longest_stream_is_not_taken(tmp_path: Path) -> None:
    one = recordings(tmp_path)
    one.heard("sat", "s1", AudioFrame(sequence=0, position=2**39, at_us=0, pcm=b"\1\2"))
    keep(one)
    assert files_of(tmp_path, "turn-1") == []


def test_memory_is_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    one = recordings(tmp_path)
    for number in range(module.STREAMS_MAX + 3):
        one.heard("sat", f"s{number}", frames(bytes(20))[0])
    assert one.counts["dropped"] == 3
    keep(one, "turn-1", "s2", "s3")
    assert len(files_of(tmp_path, "turn-1")) == 1, "s2 was dropped, s3 was not"


def test_bytes_in_memory_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 1000)
    one = recordings(tmp_path)
    for stream in ("a", "b", "c"):
        one.heard("sat", stream, frames(bytes(600), samples=300)[0])
    assert one.counts["dropped"] == 2
    assert one._bytes == 600 + module.FRAME_OVERHEAD_BYTES


def test_a_stream_that_became_no_turn_is_forgotten(tmp_path: Path) -> None:
    ticks = Ticks()
    one = Recordings(Shelf(tmp_path / FOLDER, days=1, mib=1), ticks)
    one.heard("sat", "private", frames(bytes(20))[0])
    ticks.now_s = module.IDLE_S + 1
    one.heard("sat", "later", frames(bytes(20))[0])
    assert one.counts["idle"] == 1
    keep(one, "turn-1", "private")
    assert files_of(tmp_path, "turn-1") == []


def shelf_with(tmp_path: Path, ages_s: dict[str, float], *, days: int, mib: int) -> Shelf:
    shelf = Shelf(tmp_path / FOLDER, days=days, mib=mib)
    for turn, age_s in ages_s.items():
        shelf.put(turn, 0, bytes(400_000))
        (path,) = files_of(tmp_path, turn)
        os.utime(path, (1e6 - age_s, 1e6 - age_s))
    return shelf


@pytest.mark.parametrize(
    ("gone", "days", "mib", "left"),
    [
        (set(), 9, 9, ["a", "b", "c", "d"]),
        ({"b", "d"}, 9, 9, ["a", "c"]),
        (set(), 1, 9, ["a"]),
        (set(), 9, 1, ["a", "b"]),
        (set(), 0, 9, []),
        ({"a", "b", "c", "d"}, 9, 9, []),
    ],
)
def test_what_is_left_on_the_shelf(
    tmp_path: Path, gone: set[str], days: int, mib: int, left: list[str]
) -> None:
    ages_s = {"a": 60.0, "b": 90_000.0, "c": 100_000.0, "d": 200_000.0}
    shelf = shelf_with(tmp_path, ages_s, days=days, mib=mib)
    assert shelf.sweep(gone, 1e6) == 4 - len(left)
    assert shelf.turns() == left


def test_half_a_file_of_a_crash_is_swept_and_one_being_written_is_not(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / FOLDER, days=1, mib=1)
    shelf.put("a", 0, b"wav")
    half = tmp_path / FOLDER / "b.0.part"
    half.write_bytes(b"half")
    now_s = half.stat().st_mtime
    assert shelf.sweep(set(), now_s + 1) == 0
    assert shelf.sweep(set(), now_s + 100) == 1
    assert shelf.turns() == ["a"]


def test_a_turn_that_ends_meanwhile_keeps_its_audio(tmp_path: Path) -> None:
    """Its file comes between another turn's look at the folder and its clearing up."""
    one = recordings(tmp_path)

    async def story() -> None:
        async with World(tmp_path / "turns.sqlite", recordings=one) as world:
            one.heard("sat", "late", frames(bytes(200))[0])
            listed = one.turns

            async def listed_then_put() -> list[str]:
                found = await listed()
                await one.keep("turn-late", "sat", ("late",))
                return found

            one.turns = listed_then_put  # type: ignore[method-assign]
            await world.journal.forget(now_us())

    virtual_time.run(story())
    assert len(files_of(tmp_path, "turn-late")) == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file stands where the folder should")
    one = recordings(tmp_path)
    one.heard("sat", "s1", frames(bytes(20))[0])
    with pytest.raises(StorageError, match="keep_audio_days"):
        keep(one)


def test_audio_lives_and_dies_with_its_turn(tmp_path: Path) -> None:
    one = recordings(tmp_path)

    async def story() -> str:
        async with World(tmp_path / "turns.sqlite", recordings=one) as world:
            world.satellite()
            world.worker()
            one.heard("sat", "s1", frames(bytes(200))[0])
            world.call()
            (end,) = await world.ended()
            assert [path.name for path in files_of(tmp_path, end.turn)] == [f"{end.turn}.0.wav"]
            await world.journal.forget(now_us() + 8 * 86_400_000_000)
            return end.turn

    turn = virtual_time.run(story())
    assert files_of(tmp_path, turn) == []
