"""Our scorer packages in Mozilla's and Coqui's own libraries: the same texts, as likely."""

import random
from pathlib import Path

import numpy as np
import pytest

from antiphon_engines.deepspeech.decoder import OpenDecoder
from antiphon_engines.deepspeech.kenlm_binary import pack_kenlm
from antiphon_engines.deepspeech.lexicon import lexicon_of
from antiphon_engines.deepspeech.lm import language_model
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.scorer import load_scorer, save_scorer
from antiphon_engines.deepspeech.weights import Weights
from tests.support.native_comparison import KINDS, SILENCE_SAMPLES
from tests.support.native_speech import find, needed
from tests.support.network import network, noise

pytest.importorskip("flashlight.lib.text.decoder.kenlm", reason="flashlight-text: extra deepspeech")

PCM = noise(3000)
PCM[-SILENCE_SAMPLES:] = 0
BEAM = 8192
"""The libraries' widest; enough for all texts of so few steps that matter."""
COMPARED = 20


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scorer") / "letters.scorer"
    alphabet = network(5).alphabet
    letters = [label for label in alphabet.labels if label != " "]
    rng = random.Random(1)
    words = [*letters, *("".join(rng.sample(letters, 2)) for _ in range(100))]
    sentences = [[rng.choice(words) for _ in range(4)] for _ in range(300)]
    model = language_model(sentences, vocabulary=words)
    save_scorer(pack_kenlm(model), lexicon_of(words, alphabet), path, alpha=0.75, beta=1.85)
    return path


def theirs(name: str, weights: Weights, scorer: Path) -> dict[str, float]:
    """Return a library's texts and scores, with and without a last space being one."""
    kind = KINDS[name]
    model = scorer.with_name(f"model{kind.suffix}")
    kind.write(weights, model)
    options = {"library": str(find(name)), "model": str(model), "beam_width": BEAM}
    engine = kind.engine.from_options({**options, "scorer": str(scorer)})
    try:
        stream = engine.open(language="en", context=None)
        stream.feed(PCM.tobytes())
        found: dict[str, float] = {}
        for one in stream.candidates(1000):
            text = one.text.strip()
            found[text] = float(np.logaddexp(found.get(text, -np.inf), one.score))
    finally:
        engine.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(KINDS))
def test_texts_are_as_likely_there_as_here(name: str, scorer: Path) -> None:
    needed(name)
    weights = network(5)
    stream = OpenDecoder(load_scorer(scorer, weights.alphabet), beam=BEAM, threshold=1e3).open()
    stream.feed(ReferenceModel(weights).whole(PCM))
    ours = {one.text: one.score for one in stream.finish(COMPARED).hypotheses}
    found = theirs(name, weights, scorer)
    best = sorted(found, key=lambda text: -found[text])
    assert len(ours) == COMPARED
    assert best[0] == next(iter(ours))
    assert {text: found[text] for text in ours} == pytest.approx(ours, abs=0.05)
