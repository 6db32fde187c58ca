"""`antiphon teach-wake`, on calls of made voices: who was taught is known, and others are not."""

import json
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from antiphon_ears.wake.household import HouseholdEngine, decode
from antiphon_hub.callers import FILE, load
from antiphon_hub.errors import StorageError
from antiphon_hub.home.files import OWN
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.wav import write_wav
from antiphon_tools import speech
from antiphon_tools.commands.teach_wake import app
from antiphon_tools.teaching.background import load as load_background
from antiphon_tools.teaching.background import measured, save
from antiphon_tools.teaching.embedding import embeddings, windows
from antiphon_tools.teaching.teaching import PERSON_CALLS_MAX

SECOND = bytes(SAMPLE_RATE_HZ * SAMPLE_BYTES)
PHRASE = "hey mycroft"


def take(voice: str, number: int, text: str = f"{PHRASE}.") -> bytes:
    """Return what a voice says, each time a little slower."""
    one = next(one for one in speech.voices() if one.name == voice)
    stretch = f"duration_stretch={1.0 + 0.03 * number:.2f}"
    options = ("-voice", voice, "--setf", stretch)
    return speech.say(text, speech.Voice(**{**as_dict(one), "options": options}))


def as_dict(voice: speech.Voice) -> dict[str, object]:
    return {name: getattr(voice, name) for name in voice.__struct_fields__}


def run(folder: Path, verb: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, [verb, "--state-dir", str(folder), *arguments])


def files(folder: Path, voice: str, numbers: Sequence[int]) -> list[str]:
    made = []
    for number in numbers:
        path = folder / f"{voice}{number}.wav"
        path.write_bytes(write_wav(take(voice, number)))
        made.append(str(path))
    return made


def teach(folder: Path, person: str, voice: str, numbers: Sequence[int] = (0, 1, 2)) -> Result:
    result = run(folder, "call", person, *files(folder, voice, numbers))
    assert result.exit_code == 0, result.output
    return result


@cache
def likeness_of(voice: str, folder: Path) -> bytes:
    teach(folder, "Somebody", voice)
    return load(folder / OWN).likenesses[PHRASE]


def peak(likeness: bytes, pcm: bytes) -> float:
    """Return the best score of a recording, in a room that was silent before."""
    stream = HouseholdEngine(PHRASE, decode(likeness)).open([PHRASE])
    stream.feed(SECOND + pcm + SECOND)
    return stream.peaks()[PHRASE]


@pytest.mark.slow
def test_another_call_of_the_same_voice_is_like_those_taught(tmp_path: Path) -> None:
    likeness = likeness_of("rms", tmp_path)
    assert peak(likeness, take("rms", 5)) > 0.5
    for text in ("turn on the kitchen light.", "what time is it?", "hey, my car is soft."):
        assert peak(likeness, take("rms", 0, text)) < 0.1, text
    assert peak(likeness, random.Random(1).randbytes(len(SECOND))) < 0.1


@pytest.mark.slow
def test_it_tells_who_is_known_and_forgets(tmp_path: Path) -> None:
    few = run(tmp_path, "call", "Ann", *files(tmp_path, "rms", [0, 1]))
    assert "2 calls known; 1 more until they count" in few.output
    assert not load(tmp_path / OWN).likenesses
    again = run(
        tmp_path, "call", "Bert", *files(tmp_path, "rms", [1]), *files(tmp_path, "slt", [0])
    )
    assert "3 calls known" in again.output, "the same recording counts once"
    listed = run(tmp_path, "list", "--json").output.splitlines()
    assert [json.loads(one) for one in listed] == [
        {"phrase": PHRASE, "person": "Ann", "calls": 1, "counts": True},
        {"phrase": PHRASE, "person": "Bert", "calls": 2, "counts": True},
    ]
    assert run(tmp_path, "forget", "Ann").exit_code == 0
    assert {one.person for one in load(tmp_path / OWN).calls.values()} == {"Bert"}
    assert not load(tmp_path / OWN).likenesses, "too few are left"
    assert run(tmp_path, "forget", "Bert").exit_code == 0
    assert not (tmp_path / OWN / FILE).exists()
    assert "nobody" in run(tmp_path, "list").output


@pytest.mark.slow
def test_of_one_person_the_oldest_calls_go(tmp_path: Path) -> None:
    teach(tmp_path, "Ann", "rms", range(PERSON_CALLS_MAX + 2))
    first, *_ = files(tmp_path, "rms", [0])
    kept = load(tmp_path / OWN)
    assert len(kept.calls) == PERSON_CALLS_MAX
    run(tmp_path, "call", "Ann", first)
    assert len(load(tmp_path / OWN).calls) == PERSON_CALLS_MAX


def test_what_is_no_call_is_refused(tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    silence.write_bytes(write_wav(SECOND))
    wrong = {
        "no wake engine hears 'hey mycroft'": ("call", "Ann", str(silence)),
        "no wake engine here knows 'hey you'": ("call", "Ann", str(silence), "--phrase", "hey you"),
        "give a person's name": ("call", " ", str(silence)),
        "give a person's name, and": ("call", "Ann"),
        "missing.wav": ("call", "Ann", str(tmp_path / "missing.wav")),
        "no calls of 'Ann' are known; known: nobody": ("forget", "Ann"),
        "no journal": ("call", "Ann", "--turn", "last"),
    }
    for said, (verb, *arguments) in wrong.items():
        result = run(tmp_path, verb, *arguments)
        assert (result.exit_code, said in result.output) == (1, True), result.output
    assert not (tmp_path / OWN / FILE).exists()


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_a_file_that_is_not_ours_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("own")
    (folder / FILE).write_bytes(data)
    with pytest.raises(StorageError, match=FILE):
        load(folder)


def test_the_background_that_ships_is_whole() -> None:
    shipped = load_background()
    assert shipped.times.trace() == pytest.approx(len(shipped.times), rel=0.01)
    assert min(shipped.features.diagonal()) > 0.0


def test_the_recipe_measures_mean_and_covariances(tmp_path: Path) -> None:
    seen = windows(embeddings(SECOND + take("rms", 0, "what time is it?") + SECOND))
    file = tmp_path / "some.npz"
    save(measured(seen), file)
    again = load_background(file)
    assert again.mean == pytest.approx(seen.mean(axis=0), abs=0.05)
    assert again.times.trace() == pytest.approx(len(again.times), rel=0.01)
