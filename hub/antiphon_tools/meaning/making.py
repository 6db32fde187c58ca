"""From labelled sentences and word vectors to a model file; the same seed, the same model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from antiphon_hub.nlu.natural.model import Model, write_model
from antiphon_hub.nlu.natural.words import tokens
from antiphon_tools.meaning.sources import BEYOND, Labelled, drawn, labelled, rows, thinned
from antiphon_tools.meaning.training import fit, pack
from antiphon_tools.meaning.vectors import Vectors, read_vectors


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is made."""

    vectors: Path
    """GloVe's text format."""
    sentences: tuple[Path, ...]
    """JSON lines with `sentence` and `intent`; the file's name is its key in the mapping."""
    mapping: Path
    """JSON: file's name, intent of the source, intents of ours that are right."""
    seed: int = 1
    epochs: int = 5
    common_words: int = 8_000
    dimensions: int = 40
    drawn_most: int = 600
    """Sentences drawn from templates for each intent; as many again from paraphrases."""
    weight: float = 4.0
    """What a sentence that somebody said counts, beside one that was drawn."""


class Maker:
    """Makes models by one recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._drawn = thinned(drawn(recipe.seed), recipe.drawn_most, recipe.seed)
        mapping = json.loads(recipe.mapping.read_text(encoding="utf-8"))
        beyond = json.loads(BEYOND.read_text(encoding="utf-8"))
        self._said = [
            one
            for path in recipe.sentences
            for one in labelled(path, mapping, beyond, recipe.weight)
        ]

    def model(self, without: frozenset[str] = frozenset()) -> Model:
        """Return a model that has not seen those sentences."""
        return Model(*self._packed(without))

    def write(self, path: Path) -> dict[str, int]:
        """Write the model of all sentences, and return how many there were of each kind."""
        write_model(path, *self._packed(frozenset()))
        return {"said": len(self._said), "drawn": len(self._drawn)}

    def _packed(self, without: frozenset[str]) -> Any:
        recipe = self._recipe
        sentences = [*self._drawn, *(one for one in self._said if one.text not in without)]
        fitted = fit(sentences, self._vectors(sentences), seed=recipe.seed, epochs=recipe.epochs)
        made_of = {
            "seed": recipe.seed,
            "epochs": recipe.epochs,
            "sentences": {path.name: len(list(rows(path))) for path in recipe.sentences},
            "drawn": len(self._drawn),
        }
        return pack(fitted, made_of)

    def _vectors(self, sentences: Sequence[Labelled]) -> Vectors:
        wanted = {word for one in sentences for word in tokens(one.text)}
        recipe = self._recipe
        return read_vectors(recipe.vectors, wanted, recipe.common_words, recipe.dimensions)
