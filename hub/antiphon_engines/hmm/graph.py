"""A closed grammar as a graph of senones: every sentence, every way to say it, each in its context.

The usual composition (Mohri, Pereira & Riley, "Speech recognition with weighted finite-state
transducers", 2008), made by OpenFst: grammar, lexicon, phones in context, states; determinized and
minimized between the steps, so that a home's 2,600 grammar states become 250,000 and not millions.

Around the sentence there is a fence: a pause, and beyond it sound of any kind. People do not speak
in silence; what else is heard before and after, a click, a breath, the call itself, is matched by a
column of scores that lies `search.OTHER_BELOW_BEST` under the best-fitting sound of each frame:
worse than words that were said, better than words that were not (the on-line garbage model: Boite
et al., "A new approach towards keyword spotting", 1993).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import kaldifst
import msgspec
import numpy as np

from antiphon_engines.grammar import Odds, WordAutomaton
from antiphon_engines.hmm.fst import EPSILON, Arcs, arcs_of, fst_of
from antiphon_engines.hmm.model import BEGIN, END, INSIDE, SINGLE, STATES, AcousticModel, Ints

WAKE_WORD: Final = "<wake>"
"""Stands for the wake phrase where it is compiled."""
WORD_COST: Final = -math.log(0.5)
ODDS_SCALE: Final = 6.0
"""How much a word's odds count beside its sounds: frames are no independent witnesses."""
SILENCE_ODDS: Final = 0.3
"""Of a pause between two words."""
FENCE_COST: Final = 5.0
"""Of other sound before or after the sentence."""
FENCE_FRAMES: Final = 60
"""So long is other sound without a pause at most: clicks, breaths, a call, but not half a command
that noise has covered."""
FENCE_PAUSES: Final = 3
"""Silences in a row between the sentence and other sound, at least 30 ms each."""

CONTEXT: Final = 3
"""A phone, the one before and the one behind."""

Pronunciations = tuple[str, ...]
_Phone = tuple[int, int]
"""A base phone, and where in its word it stands."""


class Graph(msgspec.Struct, frozen=True, eq=False):
    """What a search walks; for any thread."""

    fst: Any
    """A `kaldifst.StdConstFst`; a sound's label is its column of scores plus one."""
    words: tuple[str, ...]
    """By output label, from 1 on."""
    silence: frozenset[int]
    """The senones of silence."""
    other: int
    """The column of scores for sound of any kind, behind the senones."""
    called: Ints
    """The senones of the wake phrase, whose scores are repeated behind that column: what is heard
    as the phrase is no part of the sentence."""


class Grammar:
    """A grammar compiled for a model, without a wake phrase yet."""

    def __init__(
        self,
        model: AcousticModel,
        automaton: WordAutomaton,
        odds: Odds,
        pronunciations: Mapping[str, Pronunciations],
    ) -> None:
        """Compile; takes 10 ms for a small grammar, two seconds for a home's.

        Args:
            model: Whose senones the graph refers to.
            automaton: The sentences.
            odds: How likely their words are.
            pronunciations: Ways to say each word, phones of the model apart by spaces.
        """
        self._model = model
        self._words = tuple(sorted(pronunciations))
        inside = _compile(model, automaton, odds, pronunciations)
        self._inside = fst_of(inside)
        ends = np.flatnonzero(np.isfinite(inside.final_costs))
        self._ends = [(int(state), float(inside.final_costs[state])) for state in ends]

    def graph(self, wake_phrase: Pronunciations = ()) -> Graph:
        """Return the graph of the sentences, after a wake phrase or not.

        Args:
            wake_phrase: Ways to say it, whole or in part.
        """
        fst = self._inside.copy()
        fence = _Fence(self._model, fst, self._ends)
        called = np.zeros(0, np.int64)
        if wake_phrase:
            alone = WordAutomaton(({WAKE_WORD: 1}, {}), (False, True))
            phrase = _compile(self._model, alone, Odds(alone, {}), {WAKE_WORD: wake_phrase})
            called = np.unique(phrase.sound[phrase.sound != EPSILON]) - 1
            fence.may_begin_with(phrase, called)
        fence.close()
        phones = self._model.phones
        return Graph(
            fst=kaldifst.StdConstFst(fst),
            words=("", *self._words),
            silence=frozenset(phones.states(phones.alone(phones.silence)[0])),
            other=phones.senones,
            called=called,
        )


class _Fence:
    """Adds to a graph what may be heard around its sentences."""

    def __init__(self, model: AcousticModel, fst: Any, ends: Sequence[tuple[int, float]]) -> None:
        """Begin.

        Args:
            model: Whose senones the graph refers to.
            fst: The graph, changed in its place.
            ends: States in which a sentence may end, each with its cost.
        """
        phones = model.phones
        sequence, matrix = phones.alone(phones.silence)
        self._silence = [senone + 1 for senone in phones.states(sequence)]
        self._odds = model.transitions[matrix]
        self._other = phones.senones + 1
        self._fst = fst
        self._sentence = fst.start
        self._ends = ends

    def may_begin_with(self, phrase: Arcs, called: Ints) -> None:
        """Let the sentence follow a phrase, of which those are the senones."""
        first = self._fst.num_states
        own = self._other + 1 + np.searchsorted(called, phrase.sound - 1)
        sounds = np.where(phrase.sound == EPSILON, EPSILON, own)
        for _ in range(len(phrase.final_costs)):
            self._fst.add_state()
        for source, sound, cost, target in zip(
            phrase.source.tolist(),
            sounds.tolist(),
            phrase.cost.tolist(),
            phrase.target.tolist(),
            strict=True,
        ):
            self._arc(first + source, sound, cost, first + target)
        for state in np.flatnonzero(np.isfinite(phrase.final_costs)).tolist():
            self._arc(first + state, EPSILON, 0.0, self._sentence)
        begin = self._fst.add_state()
        self._arc(begin, EPSILON, 0.0, self._sentence)
        self._arc(begin, EPSILON, 0.0, first + phrase.start)
        self._sentence = begin

    def close(self) -> None:
        """Let other sound be heard before and after, each apart by a pause."""
        begin = self._fst.add_state()
        before = self._any_sound(begin)
        self._arc(begin, EPSILON, 0.0, self._sentence)
        self._pause(before, begin)
        self._fst.start = begin
        end, pause = self._fst.add_state(), self._fst.add_state()
        for state, cost in self._ends:
            self._arc(state, EPSILON, cost, end)
        self._pause(end, pause)
        # Once only: what follows a pause may be the rest of the sentence, and shall not be dropped.
        after = self._any_sound(pause)
        for state in (end, pause, after):
            self._fst.set_final(state, 0.0)

    def _any_sound(self, source: int) -> int:
        """Return where other sound ends that begins there."""
        end: int = self._fst.add_state()
        at, cost = source, FENCE_COST
        for _ in range(FENCE_FRAMES):
            state = self._fst.add_state()
            self._arc(at, self._other, cost, state)
            self._arc(state, EPSILON, 0.0, end)
            at, cost = state, 0.0
        return end

    def _pause(self, source: int, target: int) -> None:
        at = source
        for _ in range(FENCE_PAUSES):
            entered = 0.0
            for place, senone in enumerate(self._silence):
                state = self._fst.add_state()
                self._arc(at, senone, entered, state)
                self._arc(state, senone, -math.log(self._odds[place, place]), state)
                entered = -math.log(self._odds[place, place + 1])
                at = state
        self._arc(at, EPSILON, 0.0, target)

    def _arc(self, source: int, sound: int, cost: float, target: int) -> None:
        self._fst.add_arc(source, kaldifst.StdArc(sound, EPSILON, cost, target))


class _Lexicon:
    """The ways to say words, as labels of phones; words that sound alike kept apart."""

    def __init__(self, model: AcousticModel, pronunciations: Mapping[str, Pronunciations]) -> None:
        self._labels: dict[_Phone, int] = {}
        phones = model.phones
        self.silence = self._label((phones.silence, SINGLE))
        spoken = [
            (word, tuple(map(self._label, _placed([phones.ids[one] for one in way.split()]))))
            for word, ways in sorted(pronunciations.items())
            for way in dict.fromkeys(ways)
        ]
        count = Counter(sounds for _, sounds in spoken)
        begins = {sounds[:end] for _, sounds in spoken for end in range(1, len(sounds))}
        told: Counter[tuple[int, ...]] = Counter()
        self.entries: list[tuple[str, tuple[int, ...], int]] = []
        """Word, its sounds, and which mark tells it from others of the same sounds; 0 if none."""
        for word, sounds in spoken:
            alike = count[sounds] > 1 or sounds in begins
            told[sounds] += alike
            self.entries.append((word, sounds, told[sounds] if alike else 0))
        first = len(self._labels) + 1
        self.marks = range(first, first + max(told.values(), default=0) + 1)
        """Labels that are no phones; the last one tells that there was a pause."""
        self.phones = {label: phone for phone, label in self._labels.items()}

    def _label(self, phone: _Phone) -> int:
        return self._labels.setdefault(phone, len(self._labels) + 1)


def _placed(phones: Sequence[int]) -> list[_Phone]:
    if len(phones) == 1:
        return [(phones[0], SINGLE)]
    first, *inside, last = phones
    return [(first, BEGIN), *((one, INSIDE) for one in inside), (last, END)]


def _compile(
    model: AcousticModel,
    automaton: WordAutomaton,
    odds: Odds,
    pronunciations: Mapping[str, Pronunciations],
) -> Arcs:
    lexicon = _Lexicon(model, pronunciations)
    labels = {word: number for number, word in enumerate(sorted(pronunciations), 1)}
    spoken = kaldifst.compose(_lexicon_fst(lexicon, labels), _grammar_fst(automaton, odds, labels))
    kaldifst.determinize_star(spoken)
    kaldifst.minimize_encoded(spoken)
    in_context, windows = kaldifst.compose_context(list(lexicon.marks), CONTEXT, 1, spoken)
    return _states_of(model, *_tied(model, lexicon, in_context, windows))


def _grammar_fst(automaton: WordAutomaton, odds: Odds, labels: Mapping[str, int]) -> Any:
    states = [automaton.start, *(n for n in range(len(automaton)) if n != automaton.start)]
    lines = [
        f"{state} {target} {labels[word]} {labels[word]} {_cost(odds.of_word(state, word))}"
        for state in states
        for word, target in automaton.next_words(state).items()
    ]
    lines += [
        f"{state} {_cost(odds.of_end(state))}" for state in states if automaton.may_end(state)
    ]
    fst = kaldifst.compile("\n".join(lines), acceptor=False)
    kaldifst.arcsort(fst, "ilabel")
    return fst


def _cost(odds: float) -> float:
    """Return what a word's odds weigh beside sounds; rounded, so that like states become one."""
    return round(ODDS_SCALE * odds * 4) / 4


def _lexicon_fst(lexicon: _Lexicon, labels: Mapping[str, int]) -> Any:
    """Return words from phones, with pauses between; state 0 begins, 1 is between words."""
    pause, no_pause = -math.log(SILENCE_ODDS), -math.log(1 - SILENCE_ODDS)
    lines = [
        f"0 1 0 0 {no_pause}",
        f"0 2 0 0 {pause}",
        f"2 3 {lexicon.silence} 0",
        f"3 1 {lexicon.marks[-1]} 0",
        "1",
    ]
    state = 4
    for word, sounds, mark in lexicon.entries:
        at, label, cost = 1, labels[word], WORD_COST
        for sound in (*sounds, lexicon.marks[mark - 1]) if mark else sounds:
            lines.append(f"{at} {state} {sound} {label} {cost}")
            at, label, cost = state, 0, 0.0
            state += 1
        lines += [f"{at} 1 0 0 {no_pause}", f"{at} 2 0 0 {pause}"]
    fst = kaldifst.compile("\n".join(lines), acceptor=False)
    kaldifst.arcsort(fst, "olabel")
    return fst


def _tied(
    model: AcousticModel, lexicon: _Lexicon, in_context: Any, windows: Sequence[Sequence[int]]
) -> tuple[Arcs, list[tuple[int, int]]]:
    """Give phones the same label whose states are the same, whatever their context; shrink."""
    phones = model.phones
    outside = (phones.silence, SINGLE)
    kinds: dict[tuple[int, int], int] = {}
    labels = np.zeros(len(windows), np.int64)
    marks = []
    for number, window in enumerate(windows):
        if len(window) < CONTEXT:  # a mark, or nothing
            marks += [number] if window else []
            continue
        (left, _), (base, place), (right, _) = (lexicon.phones.get(one, outside) for one in window)
        kind = (
            phones.alone(base)
            if phones.is_filler(base)
            else phones.nearest(base, left, right, place)
        )
        labels[number] = kinds.setdefault(kind, len(kinds) + 1)
    # Marks keep words apart while the graph is made deterministic once more, then they go.
    labels[marks] = len(kinds) + 1 + np.arange(len(marks))
    fst = _relabelled(arcs_of(in_context), labels)
    kaldifst.determinize_star(fst)
    kept = np.arange(len(kinds) + 1 + len(marks))
    kept[len(kinds) + 1 :] = EPSILON
    fst = _relabelled(arcs_of(fst), kept)
    kaldifst.rmepsilon(fst)
    kaldifst.minimize_encoded(fst)
    return arcs_of(fst), list(kinds)


def _relabelled(arcs: Arcs, labels: Any) -> Any:
    return fst_of(msgspec.structs.replace(arcs, sound=labels[arcs.sound]))


def _states_of(model: AcousticModel, arcs: Arcs, kinds: Sequence[tuple[int, int]]) -> Arcs:
    """Put each phone's three states in its place; arcs of one phone to one target share them."""
    sounds = np.array([model.phones.states(sequence) for sequence, _ in kinds]) + 1
    odds = model.transitions[[matrix for _, matrix in kinds]]
    with np.errstate(divide="ignore"):
        costs = -np.log(odds)
    spoken = arcs.sound != EPSILON
    states = len(arcs.final_costs)
    pairs, which = np.unique(arcs.sound[spoken] * states + arcs.target[spoken], return_inverse=True)
    kind, target = pairs // states - 1, pairs % states
    own = [states + STATES * np.arange(len(pairs)) + place for place in range(STATES)]
    nothing = np.zeros(len(pairs), np.int64)
    columns = [
        # source, sound, word, cost, target
        (
            arcs.source[spoken],
            sounds[arcs.sound[spoken] - 1, 0],
            arcs.word[spoken],
            arcs.cost[spoken],
            own[0][which],
        ),
        tuple(
            getattr(arcs, name)[~spoken] for name in ("source", "sound", "word", "cost", "target")
        ),
    ]
    for place in range(STATES):
        last = place == STATES - 1
        after = target if last else own[place + 1]
        sound = nothing if last else sounds[kind, place + 1]
        stay, leave = costs[kind, place, place], costs[kind, place, place + 1]
        columns.append((own[place], sounds[kind, place], nothing, stay, own[place]))
        columns.append((own[place], sound, nothing, leave, after))
    source, sound, word, cost, to = (np.concatenate(one) for one in zip(*columns, strict=True))
    never = np.full(STATES * len(pairs), np.inf, np.float32)
    return Arcs(
        start=arcs.start,
        final_costs=np.concatenate((arcs.final_costs, never)),
        source=source,
        sound=sound,
        word=word,
        cost=cost.astype(np.float32),
        target=to,
    )
