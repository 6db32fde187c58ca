"""Decoding 3 s of speech, the network left out: closed grammar and open dictation, as it comes in.

The network's output is made up (labels of a step or two, blanks between, a third of them confused
with another); so are the lexicons' words, out of syllables, and the texts. What is measured is
process time: for all steps, fed 16 at once, and for what is left after the last of them. Beside
it, on the same steps, words and language model: flashlight-text's lexicon decoder.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from flashlight.lib.text import decoder as flashlight
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.closed import ClosedDecoder, spell_out
from antiphon_engines.deepspeech.decoder import OpenDecoder
from antiphon_engines.deepspeech.kenlm_binary import pack_kenlm
from antiphon_engines.deepspeech.lm import language_model, walks
from antiphon_engines.deepspeech.scorer import Scorer, own_scorer
from antiphon_engines.grammar import WordAutomaton, compile_grammar
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpreter
from tests.support.posteriors import spoken

Rows = npt.NDArray[np.float32]
STEPS: Final = 150
CHUNK_STEPS: Final = 16
LETTERS_MAX: Final = 45
"""Of a 3 s sentence: 15 letters a second are fast speech."""
LEXICONS: Final = (140, 20_000, 200_000)
BEAMS: Final = (100, 500)
ALPHA: Final = 0.93
BETA: Final = 1.18
"""The released English scorer's weights."""
FLASHLIGHT_THRESHOLD: Final = 25.0
ENGLISH: Final = Alphabet.english()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--sentences", type=int, default=20, help="per figure (default 20)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    figures: dict[str, Any] = {"sentences": args.sentences, "audio_s": STEPS * 0.02}
    figures["closed"] = _closed(args.sentences)
    with tempfile.TemporaryDirectory() as name:
        for size in LEXICONS:
            figures[f"open_{size}"] = _open(size, args.sentences, Path(name))
    return figures


def _closed(count: int) -> dict[str, Any]:
    automaton = compile_grammar(recognition_context(Interpreter(load_home(None))).grammar)
    begin = process_time()
    decoder = ClosedDecoder(spell_out(automaton, ENGLISH))
    made_ms = (process_time() - begin) * 1e3
    texts = _short(automaton, count)
    figures = _measure(texts, lambda: decoder.open("hey mycroft"))
    grammar = {"states": decoder.grammar.graph.states, "sentences": automaton.sentence_count}
    return {"build_ms": round(made_ms, 1), "grammar": grammar, **figures}


def _short(automaton: WordAutomaton, count: int) -> list[str]:
    texts = (" ".join(words) for words in walks(automaton, 100 * count))
    return [text for text in texts if 10 < len(text) <= LETTERS_MAX][:count]


def _open(size: int, count: int, folder: Path) -> dict[str, Any]:
    rng = random.Random(size)
    words = _words(rng, size)
    sentences = [*_sentences(rng, words, 20_000)]
    path = folder / f"{size}.bin"
    path.write_bytes(pack_kenlm(language_model(sentences, vocabulary=words)))
    begin = process_time()
    scorer = own_scorer(path, words, ENGLISH, alpha=ALPHA, beta=BETA)
    made_ms = (process_time() - begin) * 1e3
    texts = [" ".join(words) for words in sentences[:count]]
    figures: dict[str, Any] = {"build_ms": round(made_ms, 1)}
    theirs = _Flashlight(scorer)
    for beam in BEAMS:
        decoder = OpenDecoder(scorer, beam=beam)
        figures[f"beam_{beam}"] = {
            "ours": _measure(texts, decoder.open),
            "hot_words": _measure(texts, lambda d=decoder: d.open({words[0]: 4.0, words[1]: 4.0})),
            "flashlight": _measure(texts, lambda beam=beam: theirs.open(beam)),
        }
    return figures


def _words(rng: random.Random, size: int) -> list[str]:
    onsets = ["", "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "w", "st", "tr"]
    ends = ["", "", "n", "r", "l", "s", "t", "ng", "ck", "nd"]
    found: dict[str, None] = {}
    while len(found) < size:
        syllables = range(rng.choice((1, 2, 2, 3, 3, 4)))
        word = "".join(
            rng.choice(onsets) + rng.choice("aeiou") + rng.choice(ends) for _ in syllables
        )
        found[word] = None
    return [*found]


def _sentences(rng: random.Random, words: Sequence[str], count: int) -> Iterator[tuple[str, ...]]:
    """Yield sentences of 3 s, common words more often: the rank's inverse, as in real texts."""
    while count:
        ranks = (int(len(words) ** rng.random()) - 1 for _ in range(8))
        text = " ".join(words[rank] for rank in ranks)[:LETTERS_MAX].rpartition(" ")[0]
        if text:
            count -= 1
            yield tuple(text.split())


def _measure(texts: Sequence[str], begin: Callable[[], Any]) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    times_ms: list[float] = []
    tails_ms: list[float] = []
    right = 0
    for text in texts:
        rows = spoken(text, ENGLISH, rng=rng, steps=STEPS)
        stream = begin()
        begun = process_time()
        for at in range(0, STEPS, CHUNK_STEPS):
            stream.feed(rows[at : at + CHUNK_STEPS])
            stream.partial()
        fed = process_time()
        found = stream.finish()
        done = process_time()
        times_ms.append((done - begun) * 1e3)
        tails_ms.append((done - fed) * 1e3)
        right += bool(found.hypotheses) and found.hypotheses[0].text == text
    return {
        "ms": round(float(np.median(times_ms)), 1),
        "ms_p95": round(float(np.percentile(times_ms, 95)), 1),
        "tail_ms": round(float(np.median(tails_ms)), 1),
        "right": right,
    }


class _Flashlight:
    """The other decoder; a word's spelling ends with the space, which is its silence, too."""

    def __init__(self, scorer: Scorer) -> None:
        self._words = scorer.lexicon.words
        self._model = KenLM(str(scorer.path), Dictionary(list(self._words)))
        self._trie = flashlight.Trie(ENGLISH.classes, 0)
        start = self._model.start(False)
        for number, word in enumerate(self._words):
            score = self._model.score(start, number)[1]
            self._trie.insert([*ENGLISH.encode(word), 0], number, score)
        self._trie.smear(flashlight.SmearingMode.MAX)

    def open(self, beam: int) -> "_FlashlightStream":
        options = flashlight.LexiconDecoderOptions(
            beam,
            ENGLISH.classes,
            FLASHLIGHT_THRESHOLD,
            ALPHA * float(np.log(10)),
            BETA,
            -float("inf"),
            0.0,
            True,
            flashlight.CriterionType.CTC,
        )
        decoder = flashlight.LexiconDecoder(
            options, self._trie, self._model, 0, ENGLISH.blank, -1, [], False
        )
        return _FlashlightStream(decoder, self._words)


class _FlashlightStream:
    def __init__(self, decoder: Any, words: Sequence[str]) -> None:
        self._decoder = decoder
        self._words = words
        decoder.decode_begin()

    def feed(self, rows: Rows) -> None:
        logs = np.ascontiguousarray(np.log(rows))
        self._decoder.decode_step(logs.ctypes.data, *logs.shape)

    def partial(self) -> None:
        self._decoder.get_best_hypothesis(0)

    def finish(self) -> Any:
        end = np.full((1, ENGLISH.classes), -30.0, np.float32)
        end[0, 0] = 0.0
        self.feed(np.exp(end))
        self._decoder.decode_end()
        best = self._decoder.get_all_final_hypothesis()[:1]
        texts = (" ".join(self._words[word] for word in one.words if word >= 0) for one in best)
        return argparse.Namespace(hypotheses=[argparse.Namespace(text=text) for text in texts])
