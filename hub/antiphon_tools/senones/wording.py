"""Which words a recording labelled with what it means, and not with its words, is made of."""

import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from hassil.intents import Intents
from hassil.recognize import recognize

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.errors import ContextError, TrainingError
from antiphon_engines.grammar import WordAutomaton, compile_grammar, odds_of
from antiphon_engines.hmm.graph import Grammar, Graph
from antiphon_engines.hmm.model import AcousticModel
from antiphon_engines.hmm.rating import Rater
from antiphon_engines.hmm.scorer import Scorer
from antiphon_engines.hmm.search import Search
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.features import utterance
from antiphon_engines.stt.lexicon import Lexicon
from antiphon_hub.errors import HubError
from antiphon_hub.nlu.grammar import grammar_from_templates
from antiphon_tools.senones.aligning import FIT_MIN

REMEMBERED_MAX: Final = 256
"""Graphs that are kept; the one made first goes first."""


class _Said(NamedTuple):
    """What may be said with one meaning's slots."""

    automaton: WordAutomaton
    graph: Graph


class Wording:
    """Chooses, of all sentences of a template file that mean the same, the one that was said."""

    def __init__(self, templates: Path) -> None:
        """Read the sentence templates, in hassil's format.

        Raises:
            TrainingError: they cannot be read, or have mistakes.
        """
        try:
            self._tree: dict[str, Any] = yaml.safe_load(templates.read_text(encoding="utf-8"))
            self._intents = Intents.from_dict(self._tree)
            grammar_from_templates(templates)
        except (OSError, ValueError, yaml.YAMLError, HubError) as error:
            raise TrainingError(f"{templates}: {error}") from None
        self._model = AcousticModel(model_path("en-us/en-us"))
        self._rater = Rater(Scorer(self._model))
        self._lexicon = Lexicon(model_path("en-us/cmudict-en-us.dict"))
        self._graphs: dict[frozenset[tuple[str, str]], _Said | None] = {}

    def text(self, samples: Samples, intent: str, slots: Mapping[str, str]) -> str | None:
        """Return the words; None if no sentence with that meaning and no other fits.

        Args:
            samples: A recording in quiet surroundings.
            intent: What is meant.
            slots: The text of each list that is named, and of no other.
        """
        sound = utterance(samples.tobytes())
        if sound is None:
            return None
        said = self._said(slots)
        if said is None:
            return None
        search = Search(said.graph)
        search.push(self._rater.whole(sound.cepstra, sound.bands))
        found = search.finish()
        text = " ".join(found.words)
        if not said.automaton.accepts(found.words) or found.fit < FIT_MIN:
            return None
        return text if self._means(text, intent, slots) else None

    def _said(self, slots: Mapping[str, str]) -> _Said | None:
        """Return what may be said with these slots, made once: many recordings mean the same."""
        key = frozenset(slots.items())
        if key not in self._graphs:
            if len(self._graphs) >= REMEMBERED_MAX:
                del self._graphs[next(iter(self._graphs))]
            self._graphs[key] = self._made(slots)
        return self._graphs[key]

    def _made(self, slots: Mapping[str, str]) -> _Said | None:
        """Return the graph; None if no sentence has these slots, or a word has no sound."""
        try:
            made = self._grammar(slots)
            automaton = compile_grammar(made)
            ways = self._lexicon.pronounce(automaton.vocabulary, {})
            odds = odds_of(made, automaton)
            graph = Grammar(self._model, automaton, odds, ways).graph()
        except (HubError, ContextError):
            return None
        return _Said(automaton, graph)

    def _grammar(self, slots: Mapping[str, str]) -> str:
        """Return the grammar in which each named list holds nothing else."""
        tree = copy.deepcopy(self._tree)
        for name, value in slots.items():
            tree["lists"][name] = {"values": [value]}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml.safe_dump(tree, file)
            file.flush()
            return grammar_from_templates(Path(file.name)).grammar

    def _means(self, text: str, intent: str, slots: Mapping[str, str]) -> bool:
        meant = recognize(text, self._intents)
        return (
            meant is not None
            and meant.intent.name == intent
            and {name: one.value for name, one in meant.entities.items()} == dict(slots)
        )
