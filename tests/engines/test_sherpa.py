"""sherpa-onnx on networks made here: each sort that is proven, hot words, and what goes wrong."""

import random
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

pytest.importorskip("sherpa_onnx")
pytest.importorskip("onnx")

from antiphon_engines.errors import EngineFailedError, ModelError
from antiphon_engines.sherpa import files
from antiphon_engines.sherpa.engine import SherpaEngine
from antiphon_engines.stt.port import SttContext, SttResult
from tests.support import sherpa_models as models
from tests.support import sherpa_writers as writers
from tests.support.sherpa_parts import (
    TURN_ON_OR_OFF_THE_LIGHT,
    TURN_ON_THE_LIGHT,
    Said,
)

_CHANCE = random.Random(3)
NOISE = array("h", [_CHANCE.randrange(-4000, 4000) for _ in range(16_000)]).tobytes()
PIECE = 3200
GRAMMAR = "#JSGF V1.0; grammar g; public <g> = turn (on | off) the light;"
CONTEXT = SttContext(id="home", language="en", grammar=GRAMMAR, pronunciations={"off": "AO F"})
MAKERS: dict[str, Callable[[Path, Said], Path]] = {
    "streaming-ctc": models.streaming_ctc,
    "streaming-transducer": models.streaming_transducer,
    "nemo-ctc": models.nemo_ctc,
    "whisper": writers.whisper,
    "transducer": models.transducer,
    "nemo-transducer": models.nemo_transducer,
    "moonshine": writers.moonshine,
    "moonshine-merged": writers.moonshine_merged,
    "sense-voice": models.sense_voice,
    "wenet-ctc": models.wenet_ctc,
}


def heard(engine: SherpaEngine, context: str | None = None, wake_phrase: str = "") -> SttResult:
    stream = engine.open(language="en", context=context, wake_phrase=wake_phrase)
    for at in range(0, len(NOISE), PIECE):
        stream.feed(NOISE[at : at + PIECE])
        stream.partial()
    result = stream.finish()
    stream.close()
    return result


@pytest.fixture(scope="module", params=sorted(MAKERS))
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SherpaEngine]:
    folder = MAKERS[request.param](tmp_path_factory.mktemp("model"), TURN_ON_THE_LIGHT)
    one = SherpaEngine.from_options({"model": str(folder), "threads": 1})
    assert one.kind == request.param
    one.load_context(CONTEXT)
    yield one
    one.close()


def test_every_sort_is_run_here() -> None:
    assert set(MAKERS) == set(get_args(files.Kind))


def test_it_hears_what_the_network_says(engine: SherpaEngine) -> None:
    best = heard(engine).best
    assert best is not None
    assert (best.text, best.source, best.confidence) == ("turn on the light", "dictation", 0.5)


def test_a_sentence_of_the_home_is_known_as_one(engine: SherpaEngine) -> None:
    engine.load_context(SttContext(id="plain", language="en", grammar=GRAMMAR))
    best = heard(engine, "plain").best
    assert best is not None
    assert (best.text, best.source, best.confidence) == ("turn on the light", "grammar", 0.9)
    best = heard(engine, None, "hey turn").best
    assert best is not None
    assert best.text == "on the light"


def test_words_come_while_the_person_speaks_where_the_model_can(engine: SherpaEngine) -> None:
    engine.load_context(SttContext(id="plain", language="en", grammar=GRAMMAR))
    stream = engine.open(language="en", context="plain")
    stream.feed(3 * NOISE)
    partial = stream.partial()
    if engine.streaming:
        assert partial is not None
        assert (partial.text, partial.may_end, partial.must_end) == (
            "turn on the light",
            True,
            True,
        )
    else:
        assert partial is None
    stream.close()
    with pytest.raises(EngineFailedError, match="over"):
        stream.feed(NOISE)


def test_silence_is_nothing_said(tmp_path: Path) -> None:
    folder = models.streaming_ctc(tmp_path, TURN_ON_THE_LIGHT)
    engine = SherpaEngine.from_options({"model": str(folder), "threads": 1})
    stream = engine.open(language="en", context=None)
    stream.feed(bytes(32_000))
    assert stream.finish() == SttResult(best=None)
    engine.close()


@pytest.mark.parametrize("kind", files.BIASED)
def test_hot_words_and_the_homes_odd_words_are_likelier(tmp_path: Path, kind: str) -> None:
    folder = MAKERS[kind](tmp_path, TURN_ON_OR_OFF_THE_LIGHT)
    plain = SherpaEngine.from_options({"model": str(folder), "threads": 1})
    plain.load_context(CONTEXT)
    open_text, at_home = heard(plain).best, heard(plain, "home").best
    plain.close()
    assert open_text is not None
    assert open_text.text == "turn on the light"
    assert at_home is not None
    assert at_home.text == "turn off the light", "the home spells out how `off` sounds"
    biased = SherpaEngine.from_options(
        {"model": str(folder), "threads": 1, "hot_words": ["Off", "nowhere/near", "éß"]}
    )
    best = heard(biased).best
    biased.close()
    assert best is not None
    assert best.text == "turn off the light"


def test_hot_words_for_a_model_that_takes_none_are_an_error(tmp_path: Path) -> None:
    ctc = models.streaming_ctc(tmp_path / "ctc", TURN_ON_THE_LIGHT)
    with pytest.raises(ModelError, match=r"hot words need a transducer .* this is streaming-ctc"):
        SherpaEngine.from_options({"model": str(ctc), "hot_words": ["off"]})
    transducer = models.streaming_transducer(tmp_path / "rnnt", TURN_ON_THE_LIGHT)
    (transducer / "bpe.vocab").unlink()
    with pytest.raises(ModelError, match="streaming-transducer without it"):
        SherpaEngine.from_options({"model": str(transducer), "hot_words": ["off"]})


def test_a_crash_costs_the_utterance_only(engine: SherpaEngine) -> None:
    stream = engine.open(language="en", context=None)
    assert engine._process is not None
    engine._process.end()
    with pytest.raises(EngineFailedError):
        stream.feed(NOISE)
    stream.close()
    assert heard(engine).best is not None


def test_too_long_an_utterance_is_an_error(tmp_path: Path) -> None:
    folder = models.nemo_ctc(tmp_path, TURN_ON_THE_LIGHT)
    engine = SherpaEngine.from_options({"model": str(folder), "threads": 1, "longest_s": 1})
    stream = engine.open(language="en", context=None)
    stream.feed(NOISE)
    with pytest.raises(EngineFailedError, match="more than 1 s"):
        stream.feed(b"\0\0")
    engine.close()


# -- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "without", "complaint"),
    [
        ("nemo-ctc", "tokens.txt", "tokens.txt is missing"),
        ("nemo-ctc", "model.onnx", "neither an encoder nor a model"),
        ("streaming-transducer", "joiner-epoch-1.onnx", r"joiner\*.onnx is missing"),
        ("whisper", "tiny.en-decoder.int8.onnx", r"decoder\*.onnx is missing"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, kind: str, without: str, complaint: str) -> None:
    folder = MAKERS[kind](tmp_path, TURN_ON_THE_LIGHT)
    (folder / without).unlink()
    with pytest.raises(ModelError, match=complaint):
        SherpaEngine.from_options({"model": str(folder)})


def test_a_damaged_file_is_an_error_and_the_worker_lives(tmp_path: Path) -> None:
    folder = models.nemo_ctc(tmp_path, TURN_ON_THE_LIGHT)
    whole = (folder / "model.onnx").read_bytes()
    for damaged in (b"", b"rubbish" * 9, whole[:-300]):
        (folder / "model.onnx").write_bytes(damaged)
        with pytest.raises(ModelError, match=str(folder)):
            SherpaEngine.from_options({"model": str(folder)})


def test_the_small_size_is_taken_where_there_are_two(tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("a 0\n")
    for name in ("model.onnx", "model.int8.onnx"):
        models.save_empty(tmp_path / name, {"model_type": "wenet_ctc"})
    assert files.find(tmp_path, int8=True).files["model"].endswith("model.int8.onnx")
    assert files.find(tmp_path, int8=False).files["model"].endswith("model.onnx")


def test_an_unknown_sort_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("a 0\n")
    models.save_empty(tmp_path / "model.onnx", {"model_type": "telepathy"})
    with pytest.raises(ModelError, match="'telepathy'; it knows streaming Zipformers"):
        files.find(tmp_path, int8=True)
    with pytest.raises(ModelError, match="no such folder"):
        files.find(tmp_path / "nowhere", int8=True)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "needs model"),
        ({"model": "m", "colour": 1}, "colour"),
        ({"model": "m", "threads": 0}, "threads"),
    ],
)
def test_wrong_settings_are_said(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        SherpaEngine.from_options(options)
