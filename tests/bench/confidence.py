"""Fit the recogniser's confidence: hears commands and foreign speech, prints the weights.

Right and wrong commands (clean and noisy), speech outside two grammars, and transcribed sentences
against a grammar of half of them, are the examples; a logistic function of the evidence is fitted
to them by Newton's method with a small ridge. Log loss is measured on groups of speakers that the
fit has not seen.
"""

import argparse
import functools
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import EngineError
from antiphon_engines.stt.port import SttContext
from antiphon_engines.stt.rejection import ONE_WORD
from antiphon_hub.errors import HubError
from tests.bench import commands
from tests.bench._hearing import Heard, Recogniser, hear_all
from tests.bench._recordings import NoRecordingsError, read, rows

NAMES: Final = ("bias", "fit", "weakest", "silence_fit", "agreement", "log_words", "other")
SURE: Final = {"one_pass": 0.0, "close": 1.0}
"""Option of the recogniser: it never takes a closer look, or (hopeless or not) always."""
RIDGE: Final = 1.0
FOLDS: Final = 5

Matrix = npt.NDArray[np.float64]


class Example(NamedTuple):
    """One hypothesis, with what is known about it."""

    features: tuple[float, ...]
    right: bool
    group: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options: those of the commands."""
    commands.add_arguments(parser)
    parser.set_defaults(limit=2)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return the weights for one pass and a closer look, and how well they tell what is right."""
    try:
        return {name: _fitted(args, sure) for name, sure in SURE.items()}
    except (NoRecordingsError, EngineError, HubError) as error:
        sys.exit(f"confidence: {error}")


def _fitted(args: argparse.Namespace, sure: float) -> dict[str, Any]:
    options = {"sure": sure, "hopeless": 0.0}
    outcomes = commands.hear_commands(args, options)
    foreign = [
        *commands.hear_foreign(args, options=options),
        *commands.hear_foreign(args, commands.home_context(), options),
    ]
    examples = [
        example(one.heard, right=one.right, group=str(one.row["group"]))
        for one in outcomes
        if one.heard is not None
    ]
    examples += [example(one, right=False, group=str(n % 40)) for n, one in enumerate(foreign)]
    examples += sentences(args, options)
    known = [one for one in examples if one is not None]
    return {
        "examples": len(known),
        "right": sum(one.right for one in known),
        "weights": dict(zip(NAMES, (round(float(one), 3) for one in fit(known)), strict=True)),
        "log_loss_unseen": round(_unseen(known), 4),
    }


def sentences(args: argparse.Namespace, options: Mapping[str, Any]) -> list[Example | None]:
    """Return examples from short sentences of many speakers: each other one is in the grammar."""
    said = [row for row in rows(args.foreign, args.root) if row["lang"] == "en" and row["text"]]
    said = said[:: args.limit]
    texts = [" ".join(re.findall(r"[a-z']+", row["text"].lower())) for row in said]
    inside = sorted(set(texts))[::2]
    grammar = f"#JSGF V1.0;\ngrammar sentences;\npublic <sentence> = {' | '.join(inside)};\n"
    context = SttContext(id="sentences", language="en", grammar=grammar)
    heard = hear_all(
        Recogniser(args.engine, dict(options), context),
        [functools.partial(read, row["file"]) for row in said],
        args.processes,
    )
    return [
        example(one, right=commands.text(one) == text, group=str(row["group"]))
        for one, text, row in zip(heard, texts, said, strict=True)
    ]


def example(heard: Heard, *, right: bool, group: str) -> Example | None:
    """Return what can be learnt from a hypothesis; None from half a sentence or none at all."""
    if not heard.evidence.get("complete"):
        return None
    return Example(features(heard.evidence), right, group)


def features(evidence: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the evidence in the order of NAMES."""
    told = {**evidence, "bias": 1.0, "log_words": math.log(evidence["words"])}
    return tuple(float(told[name]) for name in NAMES)


def fit(examples: Sequence[Example]) -> Matrix:
    """Return the weights with the greatest likelihood, a ridge on all but the bias."""
    x, y = _arrays(examples)
    scale = np.maximum(x.std(axis=0), 1e-9)
    scale[0] = 1.0
    scaled, ridge = x / scale, np.diag([0.0, *[RIDGE] * (len(NAMES) - 1)])
    weights = np.zeros(len(NAMES))
    for _ in range(50):
        chance = _chance(scaled, weights)
        slope = scaled.T @ (y - chance) - ridge @ weights
        curve = scaled.T @ (scaled * (chance * (1 - chance))[:, None]) + ridge
        weights = weights + np.linalg.solve(curve, slope)
    found: Matrix = weights / scale
    return found


def _unseen(examples: Sequence[Example]) -> float:
    groups = sorted({one.group for one in examples})
    loss = 0.0
    for fold in range(FOLDS):
        unseen = set(groups[fold::FOLDS])
        weights = fit([one for one in examples if one.group not in unseen])
        x, y = _arrays([one for one in examples if one.group in unseen])
        chance = np.clip(_chance(x, weights), 1e-6, 1 - 1e-6)
        loss -= float(np.sum(y * np.log(chance) + (1 - y) * np.log(1 - chance)))
    return loss / len(examples)


def _arrays(examples: Sequence[Example]) -> tuple[Matrix, Matrix]:
    x = np.array([one.features for one in examples])
    return x, np.array([float(one.right) for one in examples])


def _chance(x: Matrix, weights: Matrix) -> Matrix:
    one_word = x[:, NAMES.index("log_words")] == 0.0
    logits = x @ weights + ONE_WORD * one_word
    chance: Matrix = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return chance
