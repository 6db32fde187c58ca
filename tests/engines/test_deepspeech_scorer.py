"""Scorer packages and language models: written, read back, and damaged in every way."""

import math
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.decoder import OpenDecoder
from antiphon_engines.deepspeech.kenlm import KenLm
from antiphon_engines.deepspeech.kenlm_binary import murmur_hash, pack_kenlm
from antiphon_engines.deepspeech.lexicon import lexicon_of, with_outlook
from antiphon_engines.deepspeech.lm import LanguageModel, language_model, to_arpa, walks
from antiphon_engines.deepspeech.scorer import Scorer, load_scorer, own_scorer, save_scorer
from antiphon_engines.errors import ModelError
from antiphon_engines.grammar import compile_grammar
from tests.support.examples import examples
from tests.support.posteriors import spoken

ENGLISH = Alphabet.english()
SENTENCES = [
    text.split() for text in ("turn on the light", "turn off the light", "what's up", "go")
]
MODEL = language_model(SENTENCES, vocabulary=["lamp"])
words_of_letters = st.sets(st.text("abcxyz'", min_size=1, max_size=8), min_size=1, max_size=30)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "house.scorer"
    lexicon = lexicon_of(MODEL.words, ENGLISH)
    save_scorer(pack_kenlm(MODEL), lexicon, path, alpha=0.93, beta=1.18)
    return path


def reload(path: Path, data: bytes, alphabet: Alphabet = ENGLISH) -> Scorer:
    path.write_bytes(data)
    return load_scorer(path, alphabet)


def test_a_package_is_read_as_it_was_written(package: Path) -> None:
    scorer = load_scorer(package, ENGLISH)
    assert (scorer.path, scorer.alpha, scorer.beta) == (package, 0.93, 1.18)
    assert set(scorer.lexicon.words) == {word for one in SENTENCES for word in one} | {"lamp"}
    assert [scorer.lexicon.number(word) for word in scorer.lexicon.words] == list(
        range(len(scorer.lexicon.words))
    )


@given(words_of_letters)
def test_every_word_has_its_number(words: set[str]) -> None:
    lexicon = lexicon_of(words, ENGLISH)
    assert set(lexicon.words) == words
    assert [lexicon.number(word) for word in lexicon.words] == list(range(len(words)))
    assert lexicon.number("nosuchword") is None
    assert lexicon.number("caf\N{LATIN SMALL LETTER E WITH ACUTE}") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_characters_go_through_a_package_of_bytes(tmp_path: Path, characters: set[str]) -> None:
    alphabet = Alphabet.utf8()
    lexicon = lexicon_of(characters, alphabet)
    path = tmp_path / "bytes.scorer"
    save_scorer(pack_kenlm(MODEL), lexicon, path, alpha=1.0, beta=0.0)
    assert load_scorer(path, alphabet).lexicon.words == lexicon.words
    assert set(lexicon.words) == characters


def test_a_package_for_another_alphabet_is_refused(package: Path) -> None:
    with pytest.raises(ModelError, match="alphabet is another"):
        load_scorer(package, Alphabet((" ", "a", "b")))
    with pytest.raises(ModelError, match="bytes mode"):
        load_scorer(package, Alphabet.utf8())


def test_a_package_of_another_version_is_refused(package: Path) -> None:
    data = package.read_bytes().replace(b"EIRT\x06", b"EIRT\x05")
    with pytest.raises(ModelError, match=r"house\.scorer: it is of version 5"):
        reload(package, data)


@pytest.mark.parametrize("alpha", [math.nan, math.inf, 1e6])
def test_weights_that_are_none_are_refused(package: Path, alpha: float) -> None:
    data = package.read_bytes().replace(struct.pack("<d", 0.93), struct.pack("<d", alpha))
    with pytest.raises(ModelError, match="weights"):
        reload(package, data)


def test_every_truncation_is_refused(package: Path) -> None:
    data = package.read_bytes()
    for size in range(0, len(data), 7):
        with pytest.raises(ModelError):
            reload(package, data[:size])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(300))
@given(seed=st.integers(0, 10**9))
def test_damage_gives_the_declared_error_or_a_lexicon(package: Path, seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(package.read_bytes())
    begin = data.index(b"EIRT")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(begin, len(data))
        data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    other = package.with_name("damaged.scorer")
    try:
        scorer = reload(other, bytes(data))
    except ModelError:
        return
    assert len(scorer.lexicon.words) < len(data)


def test_absurd_sizes_are_refused_before_anything_is_allocated(package: Path) -> None:
    data = package.read_bytes()
    at = data.index(b"standard") + len(b"standard") + 4 + 4 + 8 + 8
    for states in (0, -1, 2**31, 2**62):
        with pytest.raises(ModelError):
            reload(package, data[:at] + struct.pack("<q", states) + data[at + 8 :])


@pytest.mark.parametrize("content", [b"", b"no scorer", b"EIRT" * 40, bytes(5000)])
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelError, match=r"x\.scorer"):
        reload(tmp_path / "x.scorer", content)
    with pytest.raises(ModelError, match="No such file"):
        load_scorer(tmp_path / "missing.scorer", ENGLISH)


def test_a_vocabulary_that_goes_in_circles_is_refused(package: Path) -> None:
    data = bytearray(package.read_bytes())
    arcs = lexicon_of(MODEL.words, ENGLISH).graph
    # The last state's first arc leads back to the start, where its word would have ended.
    at = len(data) - 16 * len(arcs.label) + 16 * int(arcs.first[-2]) + 12
    data[at : at + 4] = struct.pack("<i", 0)
    with pytest.raises(ModelError, match="circles"):
        reload(package, bytes(data))


def test_words_that_the_alphabet_cannot_write_are_left_out(tmp_path: Path) -> None:
    words = ["light", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "", "two words", "a" * 200]
    scorer = own_scorer(tmp_path / "x.arpa", words, ENGLISH, alpha=1.0, beta=0.0)
    assert scorer.lexicon.words == ("light",)
    with pytest.raises(ModelError, match="0 words"):
        own_scorer(tmp_path / "x.arpa", words[1:], ENGLISH, alpha=1.0, beta=0.0)


def probability(model: LanguageModel, context: tuple[str, ...], word: str) -> float:
    """Return log10 P(word | context) by back-off."""
    context = context[-(len(model.orders) - 1) :]
    known = model.orders[len(context)].get((*context, word))
    if known is not None:
        return known.log10_probability
    fallen = model.orders[len(context) - 1].get(context)
    cost = fallen.log10_backoff if fallen is not None else 0.0
    return cost + probability(model, context[1:], word)


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=5), min_size=1), st.integers(2, 4))
def test_after_every_context_probabilities_make_one(sentences: list[list[str]], order: int) -> None:
    model = language_model(sentences, order=order, vocabulary="abcde")
    words = [word for (word,) in model.orders[0] if word != "<s>"]
    contexts = {("<s>",), ("a",), ("e", "e"), *(one for n in model.orders[:-1] for one in n)}
    for context in contexts - {("</s>",)}:
        total = sum(10 ** probability(model, context, word) for word in words)
        assert total == pytest.approx(1.0, abs=1e-6)


def test_what_was_said_more_often_is_likelier() -> None:
    assert probability(MODEL, ("<s>",), "turn") > probability(MODEL, ("<s>",), "go")
    assert probability(MODEL, ("the",), "light") > probability(MODEL, ("the",), "lamp") > -3


@pytest.mark.parametrize(
    ("sentences", "order", "vocabulary", "message"),
    [
        ([["a"]], 1, (), "order 1"),
        ([["a"]], 7, (), "order 7"),
        ([], 3, (), "needs sentences"),
        ([["two words"]], 3, (), "two words"),
        ([["a"]], 3, ("\n",), "cannot be a word"),
        ([["<unk>"]], 3, (), "cannot be a word"),
    ],
)
def test_what_cannot_be_a_model_is_refused(
    sentences: list[list[str]], order: int, vocabulary: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        language_model(sentences, order=order, vocabulary=vocabulary)


def test_the_hash_is_murmur64a() -> None:
    # KenLM itself finds words in our tables (below); these pin each length of the last block.
    assert murmur_hash(b"") == 0
    assert len({murmur_hash(b"12345678"[:size]) for size in range(9)}) == 9


@pytest.mark.parametrize("order", [2, 3, 4])
def test_kenlm_reads_binary_and_text_alike(tmp_path: Path, order: int) -> None:
    pytest.importorskip("flashlight.lib.text.decoder.kenlm", reason="extra deepspeech")
    model = language_model(SENTENCES * 3, order=order, vocabulary=["lamp"])
    lexicon = lexicon_of(model.words, ENGLISH)
    (tmp_path / "m.arpa").write_text(to_arpa(model))
    (tmp_path / "m.bin").write_bytes(pack_kenlm(model))
    models = [KenLm(tmp_path / name, lexicon.words) for name in ("m.arpa", "m.bin")]
    rng = random.Random(1)
    for _ in range(100):
        sentence = [rng.choice(lexicon.words) for _ in range(5)]
        scorers = [one.scorer(alpha=1.0, beta=0.0) for one in models]
        contexts = [np.zeros(1, np.int32) for _ in models]
        said: tuple[str, ...] = ("<s>",)
        for word in sentence:
            number = np.array([lexicon.number(word)], np.int32)
            wanted = probability(model, said, word) * math.log(10)
            for at, scorer in enumerate(scorers):
                factor, contexts[at] = scorer.score(contexts[at], number)
                assert math.log(factor[0]) == pytest.approx(wanted, abs=1e-4)
            said = (*said, word)


def damaged_counts(data: bytes) -> bytes:
    return data[:108] + struct.pack("<Q", 2**63) + data[116:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither"),
        (b"\x00" * 200, "neither"),
        (b"\\data\\\nngram 1=99999999999\nngram 2=5\n", "damaged"),
        (b"\\data\\\nngram 1=5\n", "damaged"),
        (to_arpa(MODEL).encode()[:900], "language model"),
        (pack_kenlm(MODEL)[:100], "cut short"),
        (pack_kenlm(MODEL)[:300], "language model"),
        (damaged_counts(pack_kenlm(MODEL)), "damaged"),
        (pack_kenlm(MODEL).replace(b"version 5", b"version 4"), "another KenLM version"),
        (pack_kenlm(MODEL)[:96] + b"\x09" + pack_kenlm(MODEL)[97:], "kind"),
    ],
)
def test_a_language_model_that_is_none_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    pytest.importorskip("flashlight.lib.text.decoder.kenlm", reason="extra deepspeech")
    path = tmp_path / "m.bin"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        KenLm(path, MODEL.words)


def damaged(model: LanguageModel, numbers: int) -> bytes:
    """Return a binary whose first words have numbers far beyond the last."""
    data = bytearray(pack_kenlm(model))
    header = -(-(108 + 8 * len(model.orders)) // 8) * 8
    begin = header + 8
    for at in range(begin + 8, begin + 12 * numbers, 12):
        data[at : at + 4] = b"\xff\xff\xff\x7f"
    return bytes(data)


def test_a_model_that_crashes_kenlm_is_refused_and_crashes_nothing_here(tmp_path: Path) -> None:
    pytest.importorskip("flashlight.lib.text.decoder.kenlm", reason="extra deepspeech")
    path = tmp_path / "house.scorer"
    words = lexicon_of(MODEL.words, ENGLISH)
    save_scorer(damaged(MODEL, len(MODEL.words)), words, path, alpha=1.0, beta=0.0)
    with pytest.raises(ModelError, match="KenLM crashes"):
        OpenDecoder.load(path, ENGLISH)
    path.write_bytes(path.read_bytes().replace(b"version 5", b"version 4"))
    with pytest.raises(ModelError, match="another KenLM version"):
        OpenDecoder.load(path, ENGLISH)


def test_a_sound_package_is_tried_out_and_used(package: Path) -> None:
    pytest.importorskip("flashlight.lib.text.decoder.kenlm", reason="extra deepspeech")
    stream = OpenDecoder.load(package, ENGLISH).open()
    stream.feed(spoken("turn on the light", ENGLISH, rng=np.random.default_rng(1), confusion=0.0))
    assert stream.finish().hypotheses[0].text == "turn on the light"


def test_walks_are_sentences_of_the_grammar_short_ones_as_often_as_long() -> None:
    automaton = compile_grammar("#JSGF V1.0; grammar g; public <g> = stop | turn (on | off) [now];")
    found = [*walks(automaton, 300)]
    assert all(automaton.accepts(words) for words in found)
    assert 100 < found.count(("stop",)) < 200
    assert set(found) == set(automaton.sentences())
    assert found == [*walks(automaton, 300)]


def test_a_household_model_is_made_in_a_second(tmp_path: Path) -> None:
    rooms = " | ".join(f"room {chr(97 + a)}{chr(97 + b)}" for a in range(10) for b in range(10))
    text = f"#JSGF V1.0; grammar g; public <g> = turn (on | off) [the] ({rooms}) (light | lamp);"
    model = language_model(walks(compile_grammar(text), 10_000))
    assert len(model.words) == 107
    assert len(pack_kenlm(model)) < 10**6


@given(words_of_letters, st.integers(0, 1000))
def test_a_begun_word_is_worth_what_its_best_word_is(words: set[str], seed: int) -> None:
    plain = lexicon_of(words, ENGLISH)
    worth = np.random.default_rng(seed).uniform(0.1, 5.0, len(words))
    lexicon = with_outlook(plain, worth)
    by_word = dict(zip(lexicon.words, worth, strict=True))
    for word in words:
        state = lexicon.graph.start
        for end, label in enumerate(ENGLISH.encode(word), 1):
            arc = lexicon.arc(state, label)
            assert arc is not None
            state = int(lexicon.graph.target[arc])
            best = max(value for other, value in by_word.items() if other.startswith(word[:end]))
            assert lexicon.graph.outlook[state] == lexicon.graph.hope[arc] == best
    assert lexicon.graph.outlook[lexicon.graph.start] == 1.0


def test_a_lexicon_needs_words() -> None:
    for words in ([], ["\u97f3"]):
        with pytest.raises(ModelError, match="0 words"):
            lexicon_of(words, ENGLISH)
