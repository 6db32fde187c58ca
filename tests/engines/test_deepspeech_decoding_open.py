"""Open dictation: the lexicon's words, as the language model weighs them."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_engines.deepspeech import ctc, decoder
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.decoder import OpenDecoder
from antiphon_engines.deepspeech.hypotheses import Decoding
from antiphon_engines.deepspeech.kenlm_binary import pack_kenlm
from antiphon_engines.deepspeech.lm import LanguageModel, language_model
from antiphon_engines.deepspeech.scorer import own_scorer
from antiphon_engines.errors import EngineFailedError
from tests.support.examples import examples
from tests.support.posteriors import chunks, softmax, spoken

pytest.importorskip("flashlight.lib.text.decoder.kenlm", reason="flashlight-text: extra deepspeech")

ENGLISH = Alphabet.english()
TINY = Alphabet((" ", "a", "b"))
HOUSE = [
    ["turn", "on", "the", "kitchen", "light"],
    ["turn", "off", "the", "light", "in", "the", "hall"],
    ["there", "is", "their", "house"],
    ["what", "time", "is", "it", "there"],
]
ALPHA, BETA = 0.8, 1.2


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., OpenDecoder]:
    folder = tmp_path_factory.mktemp("models")

    def make(model: LanguageModel, alphabet: Alphabet = ENGLISH, **options: float) -> OpenDecoder:
        path = folder / f"{len([*folder.iterdir()])}.bin"
        path.write_bytes(pack_kenlm(model))
        scorer = own_scorer(path, model.words, alphabet, alpha=ALPHA, beta=BETA)
        return OpenDecoder(scorer, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def house(build: Callable[..., OpenDecoder]) -> OpenDecoder:
    return build(language_model(HOUSE))


def hear(
    opened: OpenDecoder, rows: np.ndarray, hot_words: dict[str, float] | None = None
) -> Decoding:
    stream = opened.open(hot_words)
    stream.feed(rows)
    return stream.finish()


def log_model(model: LanguageModel, words: list[str]) -> float:
    """Return ln P of the words as the beginning of a sentence, by back-off, order 2."""
    total = 0.0
    for before, word in pairwise(["<s>", *words]):
        known = model.orders[1].get((before, word))
        if known is None:
            total += model.orders[0][(before,)].log10_backoff
            known = model.orders[0][(word,)]
        total += known.log10_probability
    return total * math.log(10)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40))
@given(seed=st.integers(0, 1000))
def test_it_is_the_same_as_scoring_each_text(
    seed: int, build: Callable[..., OpenDecoder], exact: OpenDecoder
) -> None:
    rows = softmax(np.random.default_rng(seed).normal(size=(6, 4)) * 2)
    found = hear(exact, rows)
    checked = ctc.checked(rows, 4)
    for one in found.hypotheses:
        words = one.text.split()
        ends = ("", " ") if words else ("",)
        ways = [ctc.log_likelihood(checked, TINY.encode(one.text + end)) for end in ends]
        said = ALPHA * log_model(EXACT_MODEL, words) + BETA * len(words)
        assert one.score == pytest.approx(np.logaddexp.reduce(ways) + said, abs=1e-4)
    texts = [one.text for one in found.hypotheses]
    assert len(set(texts)) == len(texts)


EXACT_MODEL = language_model([["a", "b"], ["ab", "a"], ["b"]], order=2)


@pytest.fixture(scope="module")
def exact(build: Callable[..., OpenDecoder]) -> OpenDecoder:
    return build(EXACT_MODEL, TINY, beam=10_000, threshold=1e9)


def test_a_spoken_sentence_is_heard(house: OpenDecoder) -> None:
    found = hear(
        house, spoken("turn on the light", ENGLISH, rng=np.random.default_rng(1), confusion=0.0)
    )
    assert found.hypotheses[0].text == "turn on the light"
    assert [word.text for word in found.words] == ["turn", "on", "the", "light"]
    assert found.deficit < 0.5
    assert sum(one.posterior for one in found.hypotheses) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["there is their house", "what time is it there"])
def test_the_language_model_tells_words_apart_that_sound_alike(
    house: OpenDecoder, text: str
) -> None:
    rows = spoken(text, ENGLISH, rng=np.random.default_rng(2), confusion=0.0)
    twin = spoken(text.replace("there", "their"), ENGLISH, rng=np.random.default_rng(2))
    assert hear(house, (rows + twin) / 2).hypotheses[0].text == text


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(30))
@given(cuts=st.lists(st.integers(0, 150), max_size=8), seed=st.integers(0, 50))
def test_chunks_of_any_size_give_the_same(house: OpenDecoder, cuts: list[int], seed: int) -> None:
    rows = spoken("turn on the light", ENGLISH, rng=np.random.default_rng(seed), sharp=4.0)
    whole, parts = house.open(), house.open()
    whole.feed(rows)
    for chunk in chunks(rows, cuts):
        parts.feed(chunk)
        parts.partial()
    assert parts.finish() == whole.finish()


def test_partials_are_whole_words(house: OpenDecoder) -> None:
    stream = house.open()
    partials = [""]
    rows = spoken("turn off the light", ENGLISH, rng=np.random.default_rng(3), confusion=0.0)
    for row in rows:
        stream.feed(row[None])
        partials.append(stream.partial())
    texts = list(dict.fromkeys(partials))
    assert texts == ["", "turn", "turn off", "turn off the", "turn off the light"]


def test_a_hot_word_is_preferred_and_an_unknown_one_does_no_harm(house: OpenDecoder) -> None:
    one = spoken("turn on there", ENGLISH, rng=np.random.default_rng(4), confusion=0.0)
    other = spoken("turn on their", ENGLISH, rng=np.random.default_rng(4), confusion=0.0)
    rows = (one + other) / 2
    plain = hear(house, rows).hypotheses[0].text
    wanted = {"turn on there": "their", "turn on their": "there"}[plain]
    heard = hear(house, rows, {wanted: 8.0, "zyzzyva": 20.0, "\u97f3": 1e9}).hypotheses[0]
    assert heard.text == f"turn on {wanted}"
    assert hear(house, rows, {wanted: -1e9}).hypotheses[0].text == plain


def test_a_model_of_bytes_hears_characters(build: Callable[..., OpenDecoder]) -> None:
    alphabet = Alphabet.utf8()
    model = language_model([list("\u6253\u5f00\u5ba2\u5385\u7684\u706f"), list("a\u706f")])
    opened = build(model, alphabet)
    text = "\u6253\u5f00\u5ba2\u5385\u706f"
    rows = spoken(text, alphabet, rng=np.random.default_rng(5), sharp=8.0)
    stream = opened.open()
    stream.feed(rows)
    assert stream.partial() == text
    assert stream.finish().hypotheses[0].text == text


def test_silence_says_nothing(house: OpenDecoder) -> None:
    quiet = np.full((400, 29), 1e-7, np.float32)
    quiet[:, 28] = 1 - 28e-7
    assert hear(house, quiet) == Decoding()
    assert house.open().finish() == Decoding()
    assert house.open().partial() == ""


@pytest.mark.parametrize("cuts", [[], [700, 1234, 2000]])
def test_long_audio_is_cut_at_its_pauses(house: OpenDecoder, cuts: list[int]) -> None:
    rng = np.random.default_rng(6)
    sentences = [" ".join(HOUSE[at % len(HOUSE)]) for at in range(30)]
    pause = np.tile(spoken("", ENGLISH, rng=rng, steps=1, sharp=12.0), (30, 1))
    said = [spoken(text, ENGLISH, rng=rng, confusion=0.0) for text in sentences]
    rows = np.concatenate([part for one in said for part in (one, pause)])
    stream = house.open()
    for chunk in chunks(rows, cuts):
        stream.feed(chunk)
    assert stream.partial() == " ".join(sentences)
    found = stream.finish()
    assert found.hypotheses[0].text == " ".join(sentences)
    assert stream._steps < decoder.SEGMENT_STEPS_MAX
    begins = [word.begin_s for word in found.words]
    assert begins == sorted(begins)
    assert len(begins) == len(" ".join(sentences).split())
    assert begins[-1] == pytest.approx(len(rows) * 0.02, abs=2.0)


def test_without_a_pause_it_is_cut_anyway(house: OpenDecoder) -> None:
    rng = np.random.default_rng(7)
    stream = house.open()
    for _ in range(10):
        stream.feed(spoken("turn on the kitchen light", ENGLISH, rng=rng, steps=400))
        assert stream._steps <= decoder.SEGMENT_STEPS_MAX
    assert len(stream.finish().hypotheses[0].text.split()) >= 40


def test_numbers_that_are_none_end_it(house: OpenDecoder) -> None:
    with pytest.raises(EngineFailedError, match="NaN"):
        house.open().feed(np.full((3, 29), np.nan, np.float32))
