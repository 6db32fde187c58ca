"""Training: manifests, augmentation, checkpoints; and a small network that learns to hear."""

import csv
import importlib
import io
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.engine import DeepSpeechEngine
from antiphon_engines.deepspeech.training.augment import (
    NONE,
    Augmentation,
    augment,
    faster,
    in_room,
    noisy,
)
from antiphon_engines.deepspeech.training.calibrate import calibrate
from antiphon_engines.deepspeech.training.errors_rate import edits
from antiphon_engines.deepspeech.training.manifest import (
    Sample,
    normalised,
    read_manifest,
    read_split,
)
from antiphon_engines.deepspeech.training.recordings import read_recording
from antiphon_engines.deepspeech.weights import Geometry, Weights, random_weights
from antiphon_engines.errors import TrainingError
from antiphon_engines.stt.port import SttContext, SttResult
from antiphon_protocol.wav import write_wav
from antiphon_tools.speech import say, voices

ENGLISH = Alphabet.english()
COMMANDS = ("turn on the light", "turn off the light", "open the door", "what time is it", "stop")


def tone(seconds: float = 0.5, rate_hz: int = 16_000) -> np.ndarray[Any, np.dtype[np.int16]]:
    at = np.arange(int(seconds * rate_hz))
    return (8000 * np.sin(2 * np.pi * 440 * at / rate_hz)).astype(np.int16)


def write(path: Path, pcm: bytes, rate_hz: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_wav(pcm, rate_hz))
    return path


# -- manifests -------------------------------------------------------------------------------------


def test_deepspeechs_csv(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text(
        'wav_filename,wav_filesize,transcript\na.wav,1,"Stop, now"\nb.wav,1,---\nc.wav,1,go\n'
    )
    samples = read_manifest(path, ENGLISH)
    assert [(one.path, one.text) for one in samples] == [
        (tmp_path / "clips" / "a.wav", "stop now"),
        (tmp_path / "clips" / "c.wav", "go"),
    ]
    assert list(samples[1].labels) == ENGLISH.encode("go")


def test_common_voices_tsv(tmp_path: Path) -> None:
    write(tmp_path / "clips" / "x.wav", tone().tobytes())
    path = tmp_path / "validated.tsv"
    path.write_text('client_id\tpath\tsentence\tup_votes\n1\tx.wav\tHe said "stop".\t2\n')
    (sample,) = read_manifest(path, ENGLISH)
    assert sample.path == tmp_path / "clips" / "x.wav"
    assert sample.text == "he said stop"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  Turn ON the\tlight! ", "turn on the light"),
        ("don\u2019t", "dont"),
        ("don't", "don't"),
        ("Café, naïve", "cafe naive"),
        ("日本", ""),
    ],
)
def test_texts_lose_what_the_alphabet_cannot_write(text: str, said: str) -> None:
    assert normalised(text, ENGLISH) == said
    assert normalised("日本", Alphabet.utf8()) == "日本"


@given(text=st.text(max_size=40))
def test_any_text_becomes_one_that_the_alphabet_writes(text: str) -> None:
    ENGLISH.encode(normalised(text, ENGLISH))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "columns ''"),
        (b"a,b\n1,2\n", "columns 'a, b'"),
        (b"path,sentence\n", "no row"),
        (b"path,sentence\nx.wav,\n", "no row"),
        (b"\xff\xfe\x00path", "no table"),
        (b'path,sentence\n"' + b"x" * 200_000, "no table"),
    ],
)
def test_a_bad_manifest_is_said(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(data)
    with pytest.raises(TrainingError, match=message):
        read_manifest(path, ENGLISH)
    with pytest.raises(TrainingError, match="No such file"):
        read_manifest(tmp_path / "absent.csv", ENGLISH)


def test_every_twentieth_is_judged_by_and_not_learned_from(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    rows = "".join(f"{at}.wav,go\n" for at in range(45))
    path.write_text(f"path,sentence\n{rows}")
    train, dev = read_split(path, None, ENGLISH)
    assert len(dev) == 3
    assert len(train) == 42
    assert {one.path for one in train} & {one.path for one in dev} == set()
    path.write_text("path,sentence\n1.wav,go\n")
    with pytest.raises(TrainingError, match="but one"):
        read_split(path, None, ENGLISH)
    assert read_split(path, path, ENGLISH)[0] == read_split(path, path, ENGLISH)[1]


# -- recordings ------------------------------------------------------------------------------------


def test_recordings_come_at_the_networks_rate(tmp_path: Path) -> None:
    slow = write(tmp_path / "a.wav", tone(rate_hz=8_000).tobytes(), 8_000)
    assert len(read_recording(slow, 16_000)) == pytest.approx(8_000, abs=20)
    same = write(tmp_path / "b.wav", tone().tobytes())
    assert np.array_equal(read_recording(same, 16_000), tone())


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.stack([tone(), -tone() // 2], axis=1).tobytes())
    assert np.abs(read_recording(path, 16_000) - tone() // 4).max() <= 1


def test_other_formats_are_read_by_soundfile(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(), 16_000)
    assert np.array_equal(read_recording(path, 16_000), tone())


@pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVEfmt ", bytes(2000)])
def test_a_damaged_recording_is_said(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TrainingError, match=name):
        read_recording(tmp_path / name, 16_000)
    with pytest.raises(TrainingError, match="absent"):
        read_recording(tmp_path / f"absent-{name}", 16_000)


def test_an_hour_is_no_utterance(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", bytes(2 * 16_000 * 61))
    with pytest.raises(TrainingError, match="longer than 60 s"):
        read_recording(path, 16_000)


# -- augmentation ----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_and_none_gives_what_was_there() -> None:
    how = Augmentation(speed_share=1, reverb_share=1, noise_share=1)
    one, two, other = (
        augment(tone(), how, np.random.default_rng(seed), 16_000) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one[:1000], other[:1000])
    assert np.array_equal(augment(tone(), NONE, np.random.default_rng(1), 16_000), tone())


def test_each_does_what_it_says() -> None:
    random = np.random.default_rng(1)
    audio = tone().astype(np.float32) / 32768
    assert len(faster(audio, 2.0)) == pytest.approx(len(audio) / 2, abs=2)
    assert np.abs(in_room(audio, 0.2, random, 16_000) - audio).max() > 0.01
    noise = noisy(audio, 20.0, 0.5, random) - audio
    ratio_db = 20 * np.log10(np.sqrt(np.mean(audio**2)) / np.sqrt(np.mean(noise**2)))
    assert ratio_db == pytest.approx(20.0, abs=0.5)


@given(length=st.integers(0, 2000), level=st.integers(0, 32_767), seed=st.integers(0, 50))
def test_any_recording_can_be_augmented(length: int, level: int, seed: int) -> None:
    how = Augmentation(speed_share=1, reverb_share=1, noise_share=1, gain_db=40)
    pcm = np.full(length, level, np.int16)
    made = augment(pcm, how, np.random.default_rng(seed), 16_000)
    assert made.dtype == np.int16
    assert bool(len(made)) == bool(length)


@given(heard=st.text("ab ", max_size=8), said=st.text("ab ", max_size=8))
def test_edits_are_a_distance(heard: str, said: str) -> None:
    count = edits(heard, said)
    assert count == edits(said, heard)
    assert (count == 0) == (heard == said)
    assert abs(len(heard) - len(said)) <= count <= max(len(heard), len(said))
    assert edits("kitten", "sitting") == 3


# -- learning --------------------------------------------------------------------------------------


@pytest.fixture
def trainer() -> Any:
    pytest.importorskip("torch", reason="torch is not installed: the extra torch of antiphon-hub")
    return importlib.import_module("antiphon_engines.deepspeech.training.trainer")


@pytest.fixture
def batches() -> Any:
    pytest.importorskip("torch", reason="torch is not installed: the extra torch of antiphon-hub")
    return importlib.import_module("antiphon_engines.deepspeech.training.batches")


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """A manifest of beeps and hums."""
    rows = []
    for at in range(6):
        pitch = tone(0.3) if at % 2 else np.roll(tone(0.3)[::2].repeat(2), at)
        write(tmp_path / f"{at}.wav", pitch.tobytes())
        rows.append(f"{at}.wav,{'beep' if at % 2 else 'hum'}\n")
    path = tmp_path / "m.csv"
    path.write_text("path,sentence\n" + "".join(rows))
    return path


def small(trainer: Any, batches: Any, manifest: Path, folder: Path, epochs: int) -> Any:
    geometry = Geometry(hidden=8, lstm=8)
    options = trainer.TrainOptions(epochs=epochs, batch=2, augmentation=NONE, dropout=0.0)
    corpus = batches.Corpus(read_manifest(manifest, ENGLISH), geometry)
    return begun(trainer, corpus, geometry, options, folder)


def begun(trainer: Any, corpus: Any, geometry: Geometry, options: Any, folder: Path) -> Any:
    """Return the training of a new network that is tested by what it learns from."""
    network = trainer.begin(geometry, ENGLISH, None, options)
    return trainer.Trainer(network, ENGLISH, options, train=corpus, dev=corpus, folder=folder)


def test_stopping_and_going_on_ends_at_the_same_network(
    trainer: Any, batches: Any, tones: Path, tmp_path: Path
) -> None:
    straight = small(trainer, batches, tones, tmp_path / "a", 4).run(lambda _: None)
    small(trainer, batches, tones, tmp_path / "b", 2).run(lambda _: None)
    second = small(trainer, batches, tones, tmp_path / "b", 4)
    assert second.resume()
    assert second.epoch == 2
    epochs: list[Any] = []
    resumed = second.run(epochs.append)
    assert [one.number for one in epochs] == [3, 4]
    for (name, one), (_, other) in zip(straight.arrays(), resumed.arrays(), strict=True):
        assert np.allclose(one, other, atol=1e-6), name


def test_a_foreign_checkpoint_is_said(
    trainer: Any, batches: Any, tones: Path, tmp_path: Path
) -> None:
    one = small(trainer, batches, tones, tmp_path / "a", 1)
    assert not one.resume()
    (tmp_path / "a" / trainer.CHECKPOINT).write_bytes(b"foreign")
    with pytest.raises(TrainingError, match="cannot be gone on from"):
        one.resume()


def test_fine_tuning_keeps_the_network_and_changes_its_letters(trainer: Any) -> None:
    weights = random_weights(Geometry(hidden=8, lstm=8), 1)
    options = trainer.TrainOptions()
    same = trainer.begin(weights.geometry, ENGLISH, weights, options).to_weights(ENGLISH).folded()
    assert np.allclose(same.dense6.w, weights.dense6.w)
    few = Alphabet((" ", "a", "b"))
    other = trainer.begin(weights.geometry, few, weights, options).to_weights(few).folded()
    assert other.geometry.classes == 4
    assert np.allclose(other.lstm.w, weights.lstm.w)


def test_recordings_that_are_too_short_are_left_out(batches: Any, tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(0.1).tobytes())
    path = tmp_path / "m.csv"
    path.write_text("path,sentence\na.wav,a sentence that takes longer\na.wav,go\n")
    corpus = batches.Corpus(read_manifest(path, ENGLISH), Geometry())
    (batch,) = corpus.batches(2, how=NONE, seed=0)
    assert batch.texts == ("go",)
    assert corpus.too_short == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_small_network_learns_to_hear_its_commands(
    trainer: Any, batches: Any, tmp_path: Path
) -> None:
    speakers = [voice for voice in voices() if voice.program == "flite"][:2]
    if not speakers:
        pytest.skip("flite is not installed: apt install flite")
    audio = {
        (voice.name, text): bytes(6400) + say(text, voice) + bytes(6400)
        for voice in speakers
        for text in COMMANDS
    }
    samples = read_manifest(listed(audio, tmp_path), ENGLISH)
    model = learnt_by_heart(trainer, batches, samples, tmp_path / "training")
    curve = calibrate(Weights.load(model), samples)
    # 64 cells that learned ten clips by heart do not survive int8; nets of real size do.
    engine = DeepSpeechEngine.from_options(
        {
            "model": str(model),
            "precision": "float32",
            "calibration": msgspec.structs.asdict(curve),
        }
    )
    grammar = f"#JSGF V1.0; grammar g; public <all> = {' | '.join(COMMANDS)};"
    engine.load_context(SttContext(id="c", language="en", grammar=grammar))
    heard = {key: hear(engine, pcm) for key, pcm in audio.items()}
    likeliest = {key: one.alternatives[0].text for key, one in heard.items()}
    assert likeliest == {key: key[1] for key in audio}
    assert sum(one.best is not None for one in heard.values()) >= 0.7 * len(heard)
    assert hear(engine, bytes(32_000)) == SttResult(best=None)
    other = hear(engine, bytes(6400) + say("the newspaper has come", speakers[0]))
    assert other.best is None
    assert other.rejected or not other.alternatives


def listed(audio: Mapping[tuple[str, str], bytes], folder: Path) -> Path:
    """Return a manifest of recordings, by their speaker and text, written beside it."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(("wav_filename", "wav_filesize", "transcript"))
    for at, ((_, text), pcm) in enumerate(audio.items()):
        path = write(folder / f"{at}.wav", pcm)
        rows.writerow((path.name, path.stat().st_size, text))
    manifest = folder / "train.csv"
    manifest.write_text(table.getvalue())
    return manifest


def learnt_by_heart(trainer: Any, batches: Any, samples: Sequence[Sample], folder: Path) -> Path:
    """Return the file of a network that learnt until it knew its own samples."""
    options = trainer.TrainOptions(
        epochs=400, batch=1, rate=1e-3, dropout=0.0, patience=100, augmentation=NONE
    )
    geometry = Geometry(hidden=64, lstm=64)
    one = begun(trainer, batches.Corpus(samples, geometry), geometry, options, folder)
    with pytest.raises(LearnedError):
        one.run(until_learned)
    best: Path = folder / trainer.BEST
    return best


class LearnedError(Exception):
    """Enough: how many epochs it takes differs between processors."""


def until_learned(epoch: Any) -> None:
    if epoch.dev_loss < 0.15:
        raise LearnedError


def hear(engine: DeepSpeechEngine, pcm: bytes) -> SttResult:
    stream = engine.open(language="en", context="c")
    for at in range(0, len(pcm), 1024):
        stream.feed(pcm[at : at + 1024])
    return stream.finish()


def test_recordings_that_all_say_the_same_calibrate_nothing(tones: Path) -> None:
    samples = read_manifest(tones, ENGLISH)
    with pytest.raises(TrainingError, match="all say the same"):
        calibrate(random_weights(Geometry(hidden=8, lstm=8), 1), samples[::2])
