"""One suite for every voice: each keeps the port's promises."""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.errors import ModelError
from antiphon_engines.fake import FakeTtsEngine
from antiphon_engines.tts.espeak import EspeakEngine
from antiphon_engines.tts.flite import FliteEngine
from antiphon_engines.tts.piper import PiperEngine
from antiphon_engines.tts.port import TtsEngine
from antiphon_engines.wyoming.tts import WyomingTts
from tests.support.examples import examples
from tests.support.wyoming_service import Service


def fake(_folder: Path) -> TtsEngine:
    return FakeTtsEngine.from_options({})


def espeak(_folder: Path) -> TtsEngine:
    return EspeakEngine.from_options({})


def flite(_folder: Path) -> TtsEngine:
    return FliteEngine.from_options({})


def piper(folder: Path) -> TtsEngine:
    pytest.importorskip("piper")
    pytest.importorskip("onnx")
    from tests.support.piper_voice import make_voice  # noqa: PLC0415 - needs both libraries

    return PiperEngine.from_options({"model": str(make_voice(folder, speakers=("ann", "bob")))})


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as one:
        yield one


@pytest.fixture(
    scope="module",
    params=[fake, espeak, flite, piper, "wyoming"],
    ids=lambda one: getattr(one, "__name__", one),
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TtsEngine]:
    one: TtsEngine
    if request.param == "wyoming":
        one = WyomingTts.from_options({"uri": request.getfixturevalue("service").uri})
    else:
        make: Callable[[Path], TtsEngine] = request.param
        one = make(tmp_path_factory.mktemp("voice"))
    yield one
    one.close()


def spoken(engine: TtsEngine, text: str, voice: str = "") -> bytes:
    return b"".join(engine.synthesize(text, language=engine.languages[0], voice=voice))


def test_says_what_it_can(engine: TtsEngine) -> None:
    assert 8000 <= engine.rate_hz <= 48_000
    assert engine.name
    assert engine.voices
    assert "en" in engine.languages


def test_a_text_is_speech_of_a_fitting_length(engine: TtsEngine) -> None:
    pcm = spoken(engine, "The kitchen light is on.")
    seconds = len(pcm) / 2 / engine.rate_hz
    assert 0.5 < seconds < 10
    assert max(array("h", pcm)) > 1000


def test_a_longer_text_takes_longer(engine: TtsEngine) -> None:
    short = spoken(engine, "Done.")
    assert len(spoken(engine, "The kitchen light and the hall light are on.")) > 2 * len(short)


def test_pieces_are_whole_samples(engine: TtsEngine) -> None:
    pieces = list(engine.synthesize("One. Two. Three.", language="en"))
    assert all(len(piece) % 2 == 0 for piece in pieces)


def test_every_announced_voice_of_a_few_speaks(engine: TtsEngine) -> None:
    for voice in engine.voices[:3]:
        assert spoken(engine, "Yes.", voice)


def test_an_unknown_voice_is_refused_and_the_next_call_works(engine: TtsEngine) -> None:
    with pytest.raises(ModelError, match="nobody-at-all"):
        spoken(engine, "Yes.", "nobody-at-all")
    assert spoken(engine, "Yes.")


def test_a_text_may_be_left_unfinished(engine: TtsEngine) -> None:
    whole = spoken(engine, "Yes.")
    pieces = iter(engine.synthesize("And so on. " * 100, language="en"))
    assert next(pieces)
    del pieces
    assert len(spoken(engine, "Yes.")) == pytest.approx(len(whole), rel=0.1)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\0\x01 5P", "<speak><break time='9s'/></speak>", "[[h@]]", "\ud800", "日本", "%s%n"],
    ids=["empty", "blank", "control", "ssml", "phonemes", "surrogate", "foreign", "percent"],
)
def test_odd_texts_do_no_harm(engine: TtsEngine, text: str) -> None:
    assert len(spoken(engine, text)) < 30 * 2 * engine.rate_hz
    assert spoken(engine, "Yes.")


@settings(max_examples=examples(30))
@given(text=st.text(max_size=40))
def test_any_text_gives_samples_and_no_error(engine: TtsEngine, text: str) -> None:
    assert len(spoken(engine, text)) % 2 == 0


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    one = EspeakEngine.from_options({})
    one.close()
    one.close()
