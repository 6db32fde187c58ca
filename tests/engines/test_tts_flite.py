"""flite: its options, and what it does where it is not installed."""

import pytest

from antiphon_engines import rack
from antiphon_engines.errors import EngineMissingError, ModelError
from antiphon_engines.settings import EnginesSection, WorkerSettings
from antiphon_engines.tts.flite import FliteEngine


def test_wrong_options_are_named() -> None:
    with pytest.raises(ModelError, match="nobody"):
        FliteEngine.from_options({"voice": "nobody"})
    with pytest.raises(ModelError, match="pitch"):
        FliteEngine.from_options({"pitch": 3})


def test_without_the_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineMissingError, match="apt-get install flite"):
        FliteEngine.from_options({})


def test_a_text_that_looks_like_an_option_is_spoken() -> None:
    engine = FliteEngine.from_options({})
    assert len(b"".join(engine.synthesize("-o /tmp/never", language="en"))) > 8000


def test_the_next_wish_is_taken_where_the_first_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    wishes = EnginesSection(stt=("fake",), tts=("flite", "fake"), wake=(), vad="energy")
    built = rack.build(WorkerSettings(engines=wishes))
    voices = [offer.name for offer in built.offers() if offer.kind == "tts"]
    assert voices == ["fake"]
    assert "apt-get install flite" in caplog.text


def test_a_wish_that_nobody_can_meet_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    wishes = EnginesSection(stt=("fake",), tts=("flite",), wake=(), vad="energy")
    with pytest.raises(EngineMissingError, match="flite"):
        rack.build(WorkerSettings(engines=wishes))
