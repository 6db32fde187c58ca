"""Synthesized commands: heard by the wake engine, understood by a recogniser, kept in a cache."""

import shutil
from pathlib import Path

import pytest

from antiphon_ears.wake.microwakeword import MicroWakeWordEngine
from antiphon_tools import speech
from antiphon_tools.demo.app import WAKE_THRESHOLD
from antiphon_tools.speech import SpeechError, Voice

TEXT = "turn on the kitchen light"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture(params=speech.voices(), ids=lambda voice: voice.name)
def voice(request: pytest.FixtureRequest) -> Voice:
    one: Voice = request.param
    return one


def test_there_are_several_voices_of_both_programs() -> None:
    assert {voice.program for voice in speech.voices()} == {"flite", "espeak-ng"}
    assert len({voice.name for voice in speech.voices()}) >= 4


def test_a_text_is_spoken_at_our_rate(voice: Voice) -> None:
    assert 0.8 < len(speech.say(TEXT, voice)) / 32_000 < 3.0


def test_the_wake_engine_hears_every_voice(voice: Voice) -> None:
    stream = MicroWakeWordEngine().open(["hey mycroft"], WAKE_THRESHOLD)
    pcm = speech.command(TEXT, voice)
    found = stream.feed(bytes(64_000) + pcm)
    assert len(found) == 1
    assert found[0].end / 16_000 - 2 < len(pcm) / 32_000 - 2.0


def test_no_wake_word_is_no_call(voice: Voice) -> None:
    stream = MicroWakeWordEngine().open(["hey mycroft"])
    plain = speech.command(TEXT, voice, wake="")
    assert stream.feed(bytes(64_000) + plain) == []
    assert len(plain) < len(speech.command(TEXT, voice))


def test_a_recogniser_understands_every_voice(voice: Voice, tmp_path: Path) -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    grammar = tmp_path / "g.gram"
    texts = (TEXT, "turn off the hall light", "what time is it", "set a timer for ten minutes")
    grammar.write_text(f"#JSGF V1.0;\ngrammar g;\npublic <g> = {' | '.join(texts)};\n")
    decoder = pocketsphinx.Decoder(jsgf=str(grammar), samprate=16_000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(bytes(9600) + speech.say(TEXT, voice) + bytes(16_000), full_utt=True)
    decoder.end_utt()
    assert decoder.hyp().hypstr == TEXT


def test_the_cache_gives_the_same_without_the_program(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = speech.say(TEXT, voice)
    monkeypatch.setenv("PATH", "/nowhere")
    assert speech.say(TEXT, voice) == first
    with pytest.raises(SpeechError, match=f"apt install {voice.program}"):
        speech.say("something else", voice)


def test_a_cache_that_cannot_be_written_costs_only_time(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert speech.say("yes", voice)


@pytest.mark.parametrize("text", ["", "  ", "x" * 3000])
def test_what_cannot_be_spoken_is_refused(voice: Voice, text: str) -> None:
    with pytest.raises(SpeechError, match="characters"):
        speech.say(text, voice)


def test_a_text_is_never_an_option(voice: Voice) -> None:
    assert len(speech.say("-w /tmp/x --help", voice)) > 16_000


def test_a_program_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    false = shutil.which("false")
    assert false
    (tmp_path / "flite").symlink_to(false)
    monkeypatch.setenv("PATH", str(tmp_path))
    flite = Voice(name="x", program="flite", options=(), wake_options=())
    with pytest.raises(SpeechError, match="flite could not speak"):
        speech.say("yes", flite)
