"""The engine: the port's promises, any division of the audio, damaged files, two decodings."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines import registry
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.confidence import Calibration, confidences, fit
from antiphon_engines.deepspeech.engine import CONTEXTS_MAX, DeepSpeechEngine
from antiphon_engines.deepspeech.free import FreeStream
from antiphon_engines.deepspeech.hypotheses import Decoding, Hypothesis
from antiphon_engines.deepspeech.network import NetworkOptions, open_network
from antiphon_engines.deepspeech.verdict import verdict, without_phrase
from antiphon_engines.deepspeech.weights import Geometry, random_weights
from antiphon_engines.errors import ContextError, EngineError, EngineFailedError, ModelError
from antiphon_engines.stt.chain import ChainEngine
from antiphon_engines.stt.port import SttContext, SttEngine, SttResult
from tests.support.examples import examples

CONTEXT = SttContext(
    id="home",
    language="en",
    grammar="#JSGF V1.0; grammar g; public <all> = turn (on | off) the (light | fan);",
)
NOISE = (np.random.default_rng(0).standard_normal(40_000) * 3000).astype("<i2").tobytes()
WEIGHTS = random_weights(Geometry(hidden=48, lstm=48), 5, gain=2.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "random.npz"
    WEIGHTS.save(path)
    return path


def deepspeech(model: Path) -> SttEngine:
    return DeepSpeechEngine.from_options({"model": str(model), "confidence_min": 0})


def without_onnx(model: Path) -> SttEngine:
    return DeepSpeechEngine.from_options({"model": str(model), "library": "numpy"})


def chain(model: Path) -> SttEngine:
    links = [{"engine": "deepspeech", "options": {"model": str(model)}}, {"engine": "fake"}]
    return ChainEngine.from_options({"links": links})


@pytest.fixture(
    scope="module", params=[deepspeech, without_onnx, chain], ids=lambda make: make.__name__
)
def engine(request: pytest.FixtureRequest, model: Path) -> Iterator[SttEngine]:
    make: Callable[[Path], SttEngine] = request.param
    one = make(model)
    one.load_context(CONTEXT)
    yield one
    one.close()


# -- the port --------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [CONTEXT.id, None])
def test_it_hears_a_whole_utterance(engine: SttEngine, context: str | None) -> None:
    stream = engine.open(language="en", context=context)
    for at in range(0, len(NOISE), 1024):
        stream.feed(NOISE[at : at + 1024])
    partial = stream.partial()
    result = stream.finish()
    stream.close()
    assert partial is not None
    assert all(0 <= one.confidence <= 1 for one in result.alternatives)
    assert result.best is None or result.best == result.alternatives[0]
    assert {one.source for one in result.alternatives} <= {"grammar", "dictation"}


@pytest.mark.parametrize("pcm", [b"", b"\1", b"\1\0", bytes(3)])
def test_next_to_nothing_is_nothing(engine: SttEngine, pcm: bytes) -> None:
    stream = engine.open(language="en", context=CONTEXT.id)
    stream.feed(pcm)
    assert isinstance(stream.finish(), SttResult)


def test_hours_of_audio_are_one_declared_error(engine: SttEngine) -> None:
    stream = engine.open(language="en", context=None)
    with pytest.raises(EngineFailedError, match=r"more than 120 s; split it"):
        stream.feed(bytes(2 * 16_000 * 3600 * 3))
    stream.close()


def test_a_context_that_was_not_loaded_is_said(engine: SttEngine) -> None:
    with pytest.raises(ContextError, match="elsewhere"):
        engine.open(language="en", context="elsewhere")


def test_a_grammar_that_does_not_compile_is_said(engine: SttEngine) -> None:
    if isinstance(engine, ChainEngine):
        pytest.skip("its other link takes any text with a public rule")
    with pytest.raises(ContextError, match="line 1"):
        engine.load_context(SttContext(id="x", language="en", grammar="turn on the light"))


def test_a_dropped_stream_leaves_room(engine: SttEngine) -> None:
    for _ in range(300):
        stream = engine.open(language="en", context=None)
        stream.feed(NOISE[:2000])
        stream.close()


def test_streams_do_not_disturb_each_other(engine: SttEngine) -> None:
    first, second = (engine.open(language="en", context=CONTEXT.id) for _ in range(2))
    for at in range(0, len(NOISE), 8000):
        first.feed(NOISE[at : at + 8000])
        second.feed(bytes(8000))
    alone = engine.open(language="en", context=CONTEXT.id)
    alone.feed(NOISE)
    second.close()
    assert first.finish() == alone.finish()


# -- ours ------------------------------------------------------------------------------------------


@settings(max_examples=examples(20))
@given(cuts=st.lists(st.integers(0, len(NOISE)), max_size=12))
def test_any_division_of_the_audio_gives_the_same(cuts: list[int], model: Path) -> None:
    engine = ENGINES.setdefault(model, DeepSpeechEngine.from_options({"model": str(model)}))
    whole = engine.open(language="en", context=None)
    whole.feed(NOISE)
    divided = engine.open(language="en", context=None)
    edges = [0, *sorted(cuts), len(NOISE)]
    for begin, end in pairwise(edges):
        divided.feed(NOISE[begin:end])
        divided.partial()
    assert divided.finish() == whole.finish()


ENGINES: dict[Path, DeepSpeechEngine] = {}


def test_old_contexts_go(model: Path) -> None:
    engine = DeepSpeechEngine.from_options({"model": str(model)})
    for at in range(CONTEXTS_MAX + 1):
        engine.load_context(SttContext(id=f"c{at}", language="en", grammar=CONTEXT.grammar))
    with pytest.raises(ContextError):
        engine.open(language="en", context="c0")
    engine.open(language="en", context="c1").close()
    engine.close()


def test_what_was_built_is_kept_beside_the_model_and_built_anew_when_damaged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.npz"
    WEIGHTS.save(path)
    open_network(NetworkOptions(model=str(path)))
    (kept,) = tmp_path.glob("*.onnx")
    kept.write_bytes(b"damaged")
    assert open_network(NetworkOptions(model=str(path))).geometry == WEIGHTS.geometry
    assert kept.stat().st_size > 1000
    random_weights(Geometry(hidden=16, lstm=16), 1).save(path)
    assert open_network(NetworkOptions(model=str(path))).geometry.hidden == 16


def test_nowhere_to_keep_it_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / f"{'m' * 240}.npz"  # the longer name of what is built, no file can have
    WEIGHTS.save(path)
    assert open_network(NetworkOptions(model=str(path))).load().geometry == WEIGHTS.geometry
    assert not list(tmp_path.glob("*.onnx"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs model"),
        ({"model": "/nowhere/model.npz"}, "/nowhere/model.npz"),
        ({"model": "m", "speed": 3}, "speed"),
        ({"model": "m", "device": "cuda", "library": "onnx"}, "does not run on cuda"),
        ({"model": "m", "precision": "float16"}, "float16"),
        ({"model": "m", "scorer": "/nowhere"}, "m"),
    ],
)
def test_wrong_options_are_one_declared_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        registry.load_stt("deepspeech", options)


def test_a_wrong_alphabet_is_said(model: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "alphabet.txt"
    Alphabet(("a", "b")).write(checkpoint)
    with pytest.raises(EngineError):
        DeepSpeechEngine.from_options({"model": str(checkpoint)})


@settings(max_examples=examples(30))
@given(cut=st.integers(1, 40_000), flips=st.lists(st.integers(0, 60_000), max_size=3))
def test_a_damaged_model_is_one_declared_error(
    cut: int, flips: list[int], model: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(model.read_bytes())
    for at in flips:
        data[at % len(data)] ^= 0xFF
    path = tmp_path_factory.mktemp("damaged") / "m.npz"
    path.write_bytes(data[:-cut])
    with pytest.raises(ModelError):
        DeepSpeechEngine.from_options({"model": str(path)})


def test_more_streams_than_it_takes_are_rejected(model: Path) -> None:
    engine = DeepSpeechEngine.from_options({"model": str(model), "limits": {"streams_max": 2}})
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.callback(engine.open(language="en", context=None).close)
        with pytest.raises(EngineFailedError, match="2 streams"):
            engine.open(language="en", context=None)
    engine.close()
    with pytest.raises(EngineFailedError, match="closed"):
        engine.open(language="en", context=None)


def test_closing_the_engine_ends_its_streams_with_the_declared_error(model: Path) -> None:
    engine = DeepSpeechEngine.from_options({"model": str(model)})
    stream = engine.open(language="en", context=None)
    stream.feed(NOISE)
    engine.close()
    with pytest.raises(EngineFailedError, match="closed"):
        stream.finish()


def test_engines_may_be_used_from_many_threads(model: Path) -> None:
    engine = DeepSpeechEngine.from_options({"model": str(model)})
    engine.load_context(CONTEXT)
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda _: whole(engine), range(24)))
    assert all(one == heard[0] for one in heard)
    engine.close()


def whole(engine: DeepSpeechEngine) -> SttResult:
    stream = engine.open(language="en", context=CONTEXT.id)
    for at in range(0, len(NOISE), 4000):
        stream.feed(NOISE[at : at + 4000])
    return stream.finish()


# -- verdict and confidence ------------------------------------------------------------------------


def decoding(text: str, deficit: float, posterior: float = 1.0) -> Decoding:
    return Decoding(
        hypotheses=(Hypothesis(text=text, score=0.0, posterior=posterior),),
        log_likelihood=-deficit * len(text),
        path_log_likelihood=0.0,
        labels=len(text),
    )


def judged(closed: Decoding | None, dictated: Decoding | None) -> SttResult:
    return verdict(
        closed,
        dictated,
        wake_phrase="hey mycroft",
        calibration=Calibration(bias=3, slope=4),
        confidence_min=0.5,
    )


@pytest.mark.parametrize(
    ("closed", "dictated", "text", "rejected"),
    [
        (decoding("stop", 0.0), None, "stop", False),
        (decoding("stop", 0.0), decoding("stops", 0.0), "stop", False),
        (decoding("stop", 3.0), decoding("shop", 0.0), "shop", False),
        (decoding("stop", 3.0), None, "", True),
        (decoding("stop", 0.0, 0.3), None, "", True),
        (None, decoding("hey mycroft stop", 0.0), "stop", False),
        (None, decoding("hey mycroft", 0.0), "", False),
        (Decoding(), None, "", False),
        (Decoding(), Decoding(), "", False),
    ],
)
def test_the_grammar_wins_where_it_fits(
    closed: Decoding | None, dictated: Decoding | None, text: str, rejected: bool
) -> None:
    result = judged(closed, dictated)
    assert (result.best.text if result.best else "") == text
    assert result.rejected == rejected


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("hey mycroft stop", "stop"),
        ("mycroft stop", "stop"),
        ("stop mycroft", "stop mycroft"),
        ("hey stop", "hey stop"),
        ("hey mycroft", ""),
        ("", ""),
    ],
)
def test_a_wake_phrase_is_cut_off_whole_or_its_end(text: str, left: str) -> None:
    assert without_phrase(text, "Hey Mycroft") == left


def test_a_fitted_curve_tells_right_from_wrong_and_means_what_it_says() -> None:
    random = np.random.default_rng(1)
    deficits = random.exponential(0.5, 2000)
    right = random.random(2000) < 1 / (1 + np.exp(-(2 - 3 * deficits)))
    curve = fit(deficits.tolist(), right.tolist())
    assert curve.bias == pytest.approx(2, abs=0.3)
    assert curve.slope == pytest.approx(3, abs=0.5)
    (sure,) = confidences(decoding("stop", 0.0), curve)
    assert sure == pytest.approx(1 / (1 + np.exp(-curve.bias)))


@given(right=st.lists(st.booleans(), min_size=1, max_size=20))
def test_any_examples_give_a_curve(right: list[bool]) -> None:
    curve = fit([float(at) for at in range(len(right))], right)
    assert np.isfinite([curve.bias, curve.slope]).all()


def test_text_without_a_scorer_is_the_likeliest_path() -> None:
    alphabet = Alphabet.english()
    stream = FreeStream(alphabet)
    for label in [*alphabet.encode("hi"), alphabet.blank, *alphabet.encode("i")]:
        row = np.full((1, alphabet.classes), 0.001, np.float32)
        row[0, label] = 1 - 0.001 * (alphabet.classes - 1)
        stream.feed(row)
    assert stream.partial() == "hii"
    (best,) = stream.finish().hypotheses
    assert best.text == "hii"
    assert 0.8 < best.posterior < 1
    assert FreeStream(alphabet).finish() == Decoding()
