"""Making the network of senones: speech, labels, surroundings, and what is learnt of them."""

import json
import random
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from antiphon_engines.hmm.model import AcousticModel
from antiphon_engines.hmm.network import read_network
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.features import FrontEnd
from antiphon_engines.stt.pocketsphinx import NETWORK
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools import speech
from antiphon_tools.commands.train_senones import app
from antiphon_tools.senones import noises
from antiphon_tools.senones.aligning import UNKNOWN, Aligner
from antiphon_tools.senones.mixing import added, piece, surrounded
from antiphon_tools.senones.rooms import room
from antiphon_tools.senones.surroundings import FULL_SCALE, blocks, placed
from antiphon_tools.senones.texts import number, texts
from antiphon_tools.senones.variants import Recording, variant, variants
from antiphon_tools.senones.wording import Wording

TEXT = "turn on the kitchen light"
QUIET = 0.05
TEMPLATES = """
language: en
intents:
  order:
    data:
      - sentences: ["(i want|give me) [a|an] [{size}] {drink} [with {more}]"]
lists:
  size: {values: [small, large]}
  drink: {values: [mocha, lemonade, espresso]}
  more: {values: [milk, brown sugar]}
"""


def aligner(text: str) -> Aligner:
    return Aligner(AcousticModel(model_path("en-us/en-us")), text.split())


def said(text: str) -> np.ndarray:
    voices = speech.voices()
    if not voices:
        pytest.skip("neither flite nor espeak-ng is installed")
    return np.frombuffer(speech.say(text, voices[0]), "<i2").astype(np.int16)


@pytest.fixture(scope="module")
def recording() -> Recording:
    samples = said(TEXT)
    labels = aligner(TEXT).labels(samples, TEXT)
    assert labels is not None
    return Recording(samples, labels, "one", True)


def test_numbers_are_said_in_words() -> None:
    assert [number(one) for one in (0, 13, 40, 99, 107, 999)] == [
        "zero",
        "thirteen",
        "forty",
        "ninety nine",
        "one hundred seven",
        "nine hundred ninety nine",
    ]


@pytest.mark.slow
def test_sentences_are_plain_words_and_the_seed_decides() -> None:
    found = texts(60, 3, ["a sentence that was read"])
    assert found == texts(60, 3, ["a sentence that was read"])
    assert found != texts(60, 4, ["a sentence that was read"])
    assert all(re.fullmatch(r"[a-z' ]+", one) for one in found)
    assert len(set(found)) > 20


def test_each_moment_of_a_known_sentence_has_its_sound(recording: Recording) -> None:
    phones = AcousticModel(model_path("en-us/en-us")).phones
    bases = [phones.base_of_senone[one] for one in recording.labels if one != UNKNOWN]
    names = [phones.names[base] for base in bases]
    heard = [name for at, name in enumerate(names) if name != "SIL" and names[at - 1] != name]
    expected = ["T", "ER", "N", "AA", "N", "DH", "AH", "K", "IH", "CH", "AH", "N", "L", "AY", "T"]
    # The dictionary has other ways for some words; most sounds are the same in all of them.
    assert len(set(expected) & set(heard)) >= len(set(expected)) - 3
    assert heard[0] == "T"


def test_another_sentence_does_not_fit(recording: Recording) -> None:
    other = "many elephants wandered slowly through enormous empty railway stations yesterday"
    assert aligner(other).labels(recording.samples, other) is None


@pytest.fixture(scope="module")
def wording(tmp_path_factory: pytest.TempPathFactory) -> Wording:
    path = tmp_path_factory.mktemp("templates") / "orders.yaml"
    path.write_text(TEMPLATES, encoding="utf-8")
    return Wording(path)


def test_what_a_recording_means_tells_its_words(wording: Wording) -> None:
    samples = said("give me a large mocha with brown sugar")
    slots = {"size": "large", "drink": "mocha", "more": "brown sugar"}
    assert wording.text(samples, "order", slots) == "give me a large mocha with brown sugar"


def test_a_recording_that_says_more_than_it_is_labelled_with_is_left_out(wording: Wording) -> None:
    samples = said("give me a large mocha with brown sugar")
    assert wording.text(samples, "order", {"size": "large", "drink": "mocha"}) is None
    assert wording.text(samples, "order", {"flavour": "mocha"}) is None


def test_going_on_from_a_network_begins_with_what_it_knows() -> None:
    pytest.importorskip("torch", reason="the extra `torch` is not installed")
    from antiphon_tools.senones.training import Plan, Trainer  # noqa: PLC0415 - needs torch

    senones = AcousticModel(model_path("en-us/en-us")).phones.senones
    shipped = read_network(NETWORK, senones)
    log_priors = np.log(np.full(shipped.header.classes, 1 / shipped.header.classes))
    header = shipped.header
    plan = Plan(width=header.width, bottleneck=header.bottleneck, dilations=header.dilations)
    trainer = Trainer(plan, shipped.classes)
    trainer.go_on_from(shipped, log_priors)
    for name, values in trainer.arrays(log_priors).items():
        assert np.allclose(values, shipped.arrays[name], atol=1e-5), name


def test_noise_is_of_one_loudness_and_length() -> None:
    chance = np.random.default_rng(1)
    talk = [chance.normal(size=20_000).astype(np.float32)]
    found = noises.noises(9, talk, chance)
    assert all(len(one) == noises.SAMPLES for one in found)
    assert [float(np.sqrt(np.mean(one**2))) for one in found] == pytest.approx([1.0] * 9, rel=1e-3)


def test_a_room_answers_at_once_and_fades() -> None:
    answer = room(np.random.default_rng(1))
    assert answer[0] == answer.max() == 1.0
    quarter = len(answer) // 4
    assert np.sum(answer[-quarter:] ** 2) < QUIET * np.sum(answer[1:quarter] ** 2)


def test_a_scene_is_as_long_as_its_speed_makes_it(recording: Recording) -> None:
    audio = recording.samples.astype(np.float32) / np.float32(FULL_SCALE)
    for seed in range(12):
        scene = placed(audio, np.random.default_rng(seed))
        assert len(scene.samples) == pytest.approx(len(audio) / scene.speed, abs=2)


def test_variants_are_the_recording_itself_and_others(recording: Recording) -> None:
    ((own, first, second),) = variants([recording], 3, np.random.default_rng(5))
    ((_, again, _),) = variants([recording], 3, np.random.default_rng(5))
    assert np.array_equal(own.labels, recording.labels[: len(own.labels)])
    assert np.array_equal(first.mel, again.mel)
    assert first.mel.shape != second.mel.shape or not np.allclose(first.mel, second.mel)
    assert all(len(one.mel) == len(one.labels) for one in (own, first, second))


def test_an_utterance_in_noise_keeps_its_labels_beside_their_sounds(recording: Recording) -> None:
    chance = np.random.default_rng(5)
    noise = [piece(one) for one in noises.noises(2, [chance.normal(size=20_000)], chance)]
    own = variant(recording, chance, elsewhere=False)
    for seed in range(20):
        found = surrounded(own, noise, np.random.default_rng(seed))
        if found is None:
            continue
        assert len(found.bands) == len(found.labels)
        assert np.abs(found.bands.mean(axis=0)).max() < 1e-3
        begin = bytes(own.labels.tobytes()).find(found.labels.tobytes()) // 2
        assert begin >= 0


def test_energies_add_up_as_samples_would(recording: Recording) -> None:
    """At 0 dB, hiss over speech: what the front end hears of the sum, and what is made of both."""
    chance = np.random.default_rng(3)
    own = variant(recording, chance, elsewhere=False)
    speech = placed(
        recording.samples.astype(np.float32) / np.float32(FULL_SCALE), chance, elsewhere=False
    ).samples.astype(np.float32)
    hiss = chance.normal(size=len(speech)).astype(np.float32)
    hiss *= np.sqrt(blocks(speech).max() / blocks(hiss).max())
    heard = FrontEnd().feed(np.rint(speech + hiss).astype("<i2").tobytes())
    noise = FrontEnd().feed(np.rint(hiss).astype("<i2").tobytes())
    made = added(own.mel, noise.astype(np.float32), chance)
    apart = np.log(heard) - np.log(made)
    assert abs(apart.mean()) < 0.05
    plain = np.log(heard) - np.log(own.mel + noise)
    spread = (np.log(made) - np.log(own.mel + noise)).std()
    assert spread == pytest.approx(plain.std(), rel=0.4)


@pytest.mark.slow
def test_a_network_is_made_of_recordings(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra `torch` is not installed")
    rows = []
    for at, text in enumerate([TEXT, "good morning", "what time is it", "set a timer"] * 3):
        path = tmp_path / f"{at}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
            file.writeframes(said(text).tobytes())
        rows.append({"path": path.name, "text": text, "speaker": random.Random(at).choice("abc")})
    manifest, out = tmp_path / "manifest.jsonl", tmp_path / "made.senones"
    manifest.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    arguments = [str(manifest), "--root", str(tmp_path), "--out", str(out)]
    done = CliRunner().invoke(app, [*arguments, "--spoken", "0", "--steps", "2"])
    assert done.exit_code == 0, done.output
    senones = AcousticModel(model_path("en-us/en-us")).phones.senones
    assert read_network(out, senones).header.made_of["recordings"] == len(rows)


def test_a_recording_without_words_needs_templates(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra `torch` is not installed")
    manifest = tmp_path / "manifest.jsonl"
    row = {"path": "a.wav", "intent": "order", "slots": {}, "speaker": "a"}
    manifest.write_text(json.dumps(row), encoding="utf-8")
    arguments = [str(manifest), "--root", str(tmp_path), "--out", "x.senones"]
    done = CliRunner().invoke(app, [*arguments, "--spoken", "0"])
    assert done.exit_code == 1
    assert "no text" in done.output


def test_a_manifest_that_is_none_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra `torch` is not installed")
    arguments = [str(tmp_path / "none.jsonl"), "--root", str(tmp_path), "--out", "x.senones"]
    done = CliRunner().invoke(app, [*arguments, "--spoken", "0"])
    assert done.exit_code == 1
    assert "none.jsonl" in done.output
