from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_protocol.errors import WavError
from antiphon_protocol.wav import write_wav
from antiphon_tools.demo.script import ROOMS, TOUR, _names, from_files, microphone_present, tour

PCM = b"\1\0" * 1600


def test_the_tour_speaks_every_line_in_its_room() -> None:
    said: list[str] = []
    commands = tour(said.append)
    assert [(one.room, one.said, one.intent) for one in commands] == [
        (line.room, line.said, line.intent) for line in TOUR
    ]
    assert len(said) == len(TOUR)
    assert f"{len(TOUR)} of {len(TOUR)}" in said[-1]
    assert len({one.name for one in commands}) == len(TOUR)
    assert all(len(one.pcm) > len(PCM) for one in commands)
    assert {one.room for one in commands} == set(ROOMS)


def test_a_capture_device_is_a_microphone(tmp_path: Path) -> None:
    assert not microphone_present(tmp_path / "nothing")
    (tmp_path / "pcmC0D0p").touch()
    assert not microphone_present(tmp_path)
    (tmp_path / "pcmC0D0c").touch()
    assert microphone_present(tmp_path)


def test_files_become_commands_in_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / "b.wav", tmp_path / "a.wav"]
    for path in paths:
        path.write_bytes(write_wav(PCM))
    commands = from_files(paths, "hall")
    assert [one.name for one in commands] == ["b", "a"]
    assert [one.file for one in commands] == [str(path) for path in paths]
    assert commands[0].pcm == PCM
    assert commands[0].room == "hall"


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(b"no wav")
    with pytest.raises(WavError, match=r"bad\.wav"):
        from_files([path], "hall")


@given(st.lists(st.sampled_from(["a", "a-2", "a-2-2", "b"]), max_size=8))
def test_every_file_gets_a_name_of_its_own(stems: list[str]) -> None:
    names = _names([Path(f"/x/{stem}.wav") for stem in stems])
    assert len(set(names)) == len(stems)
    assert all(name.startswith(stem) for name, stem in zip(names, stems, strict=True))
