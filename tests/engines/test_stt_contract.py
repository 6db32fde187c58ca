"""One suite for every recogniser that hears grammars and open text."""

import random
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from antiphon_engines.errors import ContextError, EngineFailedError, ModelError
from antiphon_engines.fake import FakeSttEngine
from antiphon_engines.sherpa.engine import SherpaEngine
from antiphon_engines.stt.pocketsphinx import PocketsphinxEngine
from antiphon_engines.stt.port import SttContext, SttEngine, SttStream
from antiphon_engines.wyoming.stt import WyomingStt
from antiphon_protocol.audio import FRAME_BYTES
from tests.support.wyoming_service import Service

GRAMMAR = "#JSGF V1.0; grammar g; public <g> = turn (on | off) the light;"
CONTEXT = SttContext(id="ctx-1", language="en", grammar=GRAMMAR)
HISS = array("h", [random.Random(5).randrange(-40, 41) for _ in range(16_000)]).tobytes()


@contextmanager
def fake() -> Iterator[SttEngine]:
    yield FakeSttEngine.from_options({})


@contextmanager
def pocketsphinx() -> Iterator[SttEngine]:
    yield PocketsphinxEngine.from_options({})


@contextmanager
def wyoming() -> Iterator[SttEngine]:
    with Service(text="", streaming=True) as service:
        yield WyomingStt.from_options({"uri": service.uri})


@contextmanager
def sherpa() -> Iterator[SttEngine]:
    pytest.importorskip("sherpa_onnx")
    pytest.importorskip("onnx")
    from tests.support.sherpa_models import streaming_ctc  # noqa: PLC0415 - needs both libraries
    from tests.support.sherpa_parts import TURN_ON_THE_LIGHT  # noqa: PLC0415 - likewise

    with tempfile.TemporaryDirectory() as folder:
        model = streaming_ctc(Path(folder), TURN_ON_THE_LIGHT)
        yield SherpaEngine.from_options({"model": str(model), "threads": 1})


@pytest.fixture(
    scope="module", params=[fake, pocketsphinx, wyoming, sherpa], ids=lambda make: make.__name__
)
def engine(request: pytest.FixtureRequest) -> Iterator[SttEngine]:
    with request.param() as one:
        one.load_context(CONTEXT)
        yield one
        one.close()


def open_stream(engine: SttEngine) -> SttStream:
    return engine.open(language="en", context=CONTEXT.id)


def test_says_what_it_can(engine: SttEngine) -> None:
    assert engine.name
    assert "en" in engine.languages
    assert engine.streaming
    assert engine.grammar


@pytest.mark.parametrize("piece", [2, 20, FRAME_BYTES, len(HISS)])
def test_any_number_of_samples_may_be_fed(engine: SttEngine, piece: int) -> None:
    stream = open_stream(engine)
    for at in range(0, min(len(HISS), 400 * piece), piece):
        stream.feed(HISS[at : at + piece])
    partial = stream.partial()
    assert partial is None or partial.may_end or not partial.must_end
    result = stream.finish()
    assert result.best is None or result.best in result.alternatives
    stream.close()


def test_no_samples_are_an_utterance_too(engine: SttEngine) -> None:
    stream = open_stream(engine)
    stream.feed(b"")
    partial = stream.partial()
    assert partial is None or not partial.must_end
    stream.finish()


def test_a_stream_may_be_dropped(engine: SttEngine) -> None:
    stream = open_stream(engine)
    stream.feed(HISS[:FRAME_BYTES])
    stream.close()
    stream.close()


def test_two_streams_do_not_mix(engine: SttEngine) -> None:
    one, other = open_stream(engine), open_stream(engine)
    for at in range(0, len(HISS), FRAME_BYTES):
        one.feed(HISS[at : at + FRAME_BYTES])
        other.feed(HISS[at : at + FRAME_BYTES])
    assert one.finish() == other.finish()


def test_a_context_that_was_not_loaded_is_an_error(engine: SttEngine) -> None:
    with pytest.raises(ContextError, match="ctx-9 was not loaded"):
        engine.open(language="en", context="ctx-9")


def test_a_context_that_does_not_compile_is_an_error(engine: SttEngine) -> None:
    with pytest.raises(ContextError):
        engine.load_context(SttContext(id="bad", language="en", grammar="turn on"))
    with pytest.raises(ContextError):
        engine.open(language="en", context="bad")


def test_open_text_can_be_heard(engine: SttEngine) -> None:
    assert engine.dictation
    stream = engine.open(language="en", context=None)
    stream.feed(HISS)
    best = stream.finish().best
    assert best is None or best.source == "dictation"


@pytest.mark.parametrize("kind", [FakeSttEngine, PocketsphinxEngine])
def test_unknown_options_are_an_error(kind: type[SttEngine]) -> None:
    with pytest.raises(ModelError, match="colour"):
        kind.from_options({"colour": "red"})


def test_a_broken_engine_says_so() -> None:
    broken = FakeSttEngine.from_options({"fails": "finish"})
    stream = broken.open(language="en", context=None)
    with pytest.raises(EngineFailedError):
        stream.finish()
