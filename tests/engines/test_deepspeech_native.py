"""Mozilla's and Coqui's own libraries: they say what we say, and their failures are contained."""

import io
import os
import signal
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.deepspeech.exporters.graph import export_pb, export_pbmm
from antiphon_engines.deepspeech.native.engines import (
    CoquiLibrary,
    DeepSpeechLibrary,
    NativeEngine,
)
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.weights import Geometry, Weights, random_weights
from antiphon_engines.errors import (
    ContextError,
    EngineFailedError,
    EngineMissingError,
    ModelError,
)
from antiphon_engines.process.frames import Open, encode
from antiphon_engines.stt import frames
from antiphon_engines.stt.port import SttContext
from tests.support.examples import examples
from tests.support.native_comparison import (
    KINDS,
    SILENCE_SAMPLES,
    hear,
    our_text,
    outputs,
    start,
)
from tests.support.native_speech import needed
from tests.support.network import network, noise

NAMES = sorted(KINDS)
PCM = noise(12_000)
PCM[-SILENCE_SAMPLES:] = 0
WEIGHTS = network(5)


@cache
def text() -> str:
    """Return what is to be heard."""
    return our_text(WEIGHTS, PCM)


@pytest.fixture(scope="module", params=NAMES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NativeEngine]:
    needed(request.param)
    one = start(request.param, WEIGHTS, tmp_path_factory.mktemp("native"))
    yield one
    one.close()


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_ours_across_chunks(name: str, tmp_path: Path) -> None:
    needed(name)
    ours = ReferenceModel(WEIGHTS).whole(PCM)
    for frame in (0, 15, 16, 33, len(ours) - 1):
        theirs = outputs(name, WEIGHTS, PCM, frame, tmp_path)
        np.testing.assert_allclose(theirs, ours[frame], atol=1e-5)


@settings(max_examples=examples(10))
@given(
    cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=5).filter(lambda cuts: sum(cuts) > 500)
)
def test_the_text_is_ours_however_the_audio_is_cut(engine: NativeEngine, cuts: list[int]) -> None:
    assert hear(engine, PCM, cuts) == text()


@pytest.mark.parametrize("name", NAMES)
def test_networks_of_bytes_say_the_same(name: str, tmp_path: Path) -> None:
    needed(name)
    # Spread wide: the libraries look at a step's 40 likeliest labels only.
    weights = random_weights(Geometry(hidden=24, lstm=16, classes=256), 1, gain=6.0)
    pcm = noise(4800)
    pcm[-SILENCE_SAMPLES:] = 0
    engine = start(name, weights, tmp_path)
    assert hear(engine, pcm) == our_text(weights, pcm, labels_max=40)
    engine.close()


def test_messages_come_back() -> None:
    said = (frames.Begin(1), frames.Feed(1, b"\1\2"), frames.Read(2), frames.Finish(1, 3))
    for request in (*said, frames.Drop(1), Open({"model": "x"})):
        assert frames.read_request(io.BytesIO(encode(request)).read) == request
    heard = frames.Heard((frames.Candidate("a", -1.5, (0.25,)),))
    for answer in (frames.Opened("1", 16_000), frames.Done(), frames.Text("a"), heard):
        assert frames.read_answer(io.BytesIO(encode(answer)).read) == answer


@given(data=st.binary(max_size=200))
def test_rubbish_from_the_other_side_is_one_error(data: bytes) -> None:
    for read in (frames.read_request, frames.read_answer):
        with pytest.raises(EngineFailedError, match="frame"):
            read(io.BytesIO(len(data).to_bytes(4, "little") + data).read)


def test_partials_grow_into_the_result(engine: NativeEngine) -> None:
    stream = engine.open(language="en", context=None)
    assert stream.partial().text == ""
    stream.feed(PCM.tobytes())
    partial = stream.partial().text
    result = stream.finish()
    assert partial
    assert result.best is not None
    assert result.best.text[:2] == partial[:2]
    assert result.best.source == "dictation"
    assert 0 < result.best.confidence <= 1
    assert len(result.alternatives) > 1
    stream.close()


def test_streams_do_not_disturb_each_other(engine: NativeEngine) -> None:
    alone = hear(engine, PCM)
    streams = [engine.open(language="en", context=None) for _ in range(3)]
    for stream, pcm in zip(streams, (PCM, PCM[::-1].copy(), PCM[5000:]), strict=True):
        stream.feed(pcm[:4000].tobytes())
    streams[0].feed(PCM[4000:].tobytes())
    streams[1].close()
    assert streams[0].candidates(1)[0].text == alone
    streams[2].close()


def test_the_wake_phrase_is_no_part_of_the_text(engine: NativeEngine) -> None:
    phrase = hear(engine, PCM).split()[0]
    stream = engine.open(language="en", context=None, wake_phrase=f"Hey {phrase.upper()}")
    stream.feed(PCM.tobytes())
    best = stream.finish().best
    assert best is None or not best.text.startswith(phrase)


def test_nothing_said_is_no_error(engine: NativeEngine) -> None:
    result = engine.open(language="en", context=None).finish()
    assert result.best is None or result.best.text


def test_a_finished_stream_takes_no_more(engine: NativeEngine) -> None:
    stream = engine.open(language="en", context=None)
    stream.finish()
    with pytest.raises(EngineFailedError, match="over"):
        stream.feed(b"\0\0")
    stream.close()


def test_contexts_are_refused(engine: NativeEngine) -> None:
    context = SttContext(id="home", language="en", grammar="public <a> = b;")
    with pytest.raises(ContextError, match="open text"):
        engine.load_context(context)
    with pytest.raises(ContextError, match="home"):
        engine.open(language="en", context="home")


def test_a_crash_ends_the_utterance_only(engine: NativeEngine) -> None:
    stream = engine.open(language="en", context=None)
    assert engine._process is not None
    os.kill(engine._process._child.pid, signal.SIGSEGV)
    with pytest.raises(EngineFailedError, match="signal 11"):
        stream.feed(PCM.tobytes())
    stream.close()
    assert hear(engine, PCM) == text()


@pytest.mark.parametrize("name", NAMES)
def test_damaged_models_are_said(name: str, tmp_path: Path) -> None:
    library, kind = needed(name), KINDS[name]
    path = tmp_path / f"model{kind.suffix}"
    kind.write(WEIGHTS, path)
    whole = path.read_bytes()
    for damaged in (b"", b"RIFF" * 100, whole[: len(whole) // 2], whole[:64]):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="model"):
            kind.engine.from_options({"library": str(library), "model": str(path)})


def test_a_failure_that_the_library_only_prints_is_an_error(tmp_path: Path) -> None:
    library, path = needed("deepspeech"), tmp_path / "model.pb"
    export_pb(WEIGHTS, path)
    whole = path.read_bytes()
    wrong = whole.replace(struct.pack("<ii", -1, 494), struct.pack("<ii", -1, 493))
    assert wrong != whole
    path.write_bytes(wrong)
    engine = DeepSpeechLibrary.from_options({"library": str(library), "model": str(path)})
    stream = engine.open(language="en", context=None)
    with pytest.raises(EngineFailedError, match="Error running session"):
        stream.feed(PCM.tobytes())
    engine.close()


def test_a_warning_of_the_library_is_no_failure(tmp_path: Path) -> None:
    """TensorFlow warns of an odd number of cells; and that nothing was said is true."""
    needed("deepspeech")
    arrays = dict(network(geometry=Geometry(hidden=8, lstm=15)).arrays())
    arrays["dense6.b"] = np.eye(29, dtype=np.float32)[28] * 99
    weights = Weights.from_arrays(
        arrays, geometry=Geometry(hidden=8, lstm=15), alphabet=WEIGHTS.alphabet
    )
    engine = start("deepspeech", weights, tmp_path)
    stream = engine.open(language="en", context=None)
    stream.feed(PCM.tobytes())
    assert stream.finish().best is None
    engine.close()


def test_the_memory_mapped_package_is_the_same_model(tmp_path: Path) -> None:
    library, path = needed("deepspeech"), tmp_path / "model.pbmm"
    export_pbmm(WEIGHTS, path)
    engine = DeepSpeechLibrary.from_options({"library": str(library), "model": str(path)})
    assert hear(engine, PCM) == text()
    engine.close()


def test_hot_words_need_a_scorer(tmp_path: Path) -> None:
    library, path = needed("deepspeech"), tmp_path / "model.pb"
    export_pb(WEIGHTS, path)
    options = {"library": str(library), "model": str(path), "hot_words": {"light": 2.0}}
    with pytest.raises(ModelError, match=r"hot word 'light'.*scorer"):
        DeepSpeechLibrary.from_options(options)


@pytest.mark.parametrize("engine_type", [DeepSpeechLibrary, CoquiLibrary])
@pytest.mark.parametrize("library", ["nowhere.so", "tests", "/lib/x86_64-linux-gnu/libm.so.6"])
def test_a_library_that_is_none_is_missing(engine_type: type[NativeEngine], library: str) -> None:
    with pytest.raises(EngineMissingError, match="unpack the wheel"):
        engine_type.from_options({"library": library, "model": "model.pb"})


def test_wrong_options_are_said() -> None:
    with pytest.raises(ModelError, match=r"options\.libstt.*beam_width"):
        CoquiLibrary.from_options({"library": "x", "model": "y", "beam_width": 0})
    with pytest.raises(ModelError, match="speed"):
        CoquiLibrary.from_options({"library": "x", "model": "y", "speed": 3})
