"""Spoken commands against a closed grammar: right, wrong and rejected, beside stock pocketsphinx.

A command is right when the intent and every labelled slot are right, after rejection; an action is
wrong when it was not rejected and any of them differs. Noise is mixed in by the rule of Picovoice's
speech-to-intent benchmark. The stock engine hears the same grammar with all settings as they come,
each recording as a whole, and has no rejection. Foreign speech is what lies outside the grammar.
"""

import argparse
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pocketsphinx
import yaml
from hassil.intents import Intents
from hassil.recognize import recognize

from antiphon_engines.errors import EngineError
from antiphon_engines.stt.port import SttContext
from antiphon_hub.errors import HubError
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import (
    RecognitionContext,
    grammar_from_templates,
    recognition_context,
)
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from tests.bench._hearing import Heard, Recogniser, hear_all
from tests.bench._intervals import share_interval
from tests.bench._noise import mix
from tests.bench._recordings import NoRecordingsError, read, rows

CORPORA = Path("../shared/corpora/dev")
CLEAN = "clean"
ACCEPTED_FROM = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97)
"""Confidences whose shares are told beside those of the engine's own threshold."""

Row = Mapping[str, Any]


class Outcome(NamedTuple):
    """What came of one command."""

    condition: str
    row: Row
    text: str
    """The best hypothesis, rejected or not."""
    taken: bool
    """It was not rejected."""
    right: bool
    heard: Heard | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    folder = CORPORA / "speech_to_intent"
    parser.add_argument("--manifest", type=Path, default=folder / "manifest.jsonl")
    parser.add_argument("--root", type=Path, default=CORPORA, help="what the paths are below")
    parser.add_argument("--grammar", type=Path, default=CORPORA.parent / "coffee.yaml")
    parser.add_argument("--noise", type=Path, default=CORPORA / "noise" / "manifest.jsonl")
    parser.add_argument("--noise-kind", default="kitchen", help="rows of the noise to take")
    parser.add_argument("--snr", type=float, action="append", help="dB, default 24 and 6")
    parser.add_argument("--foreign", type=Path, default=CORPORA / "free_speech" / "manifest.jsonl")
    parser.add_argument("--engine", default="pocketsphinx")
    parser.add_argument(
        "--option", type=_option, action="append", default=[], help="of the engine: NAME=JSON"
    )
    parser.add_argument("--limit", type=int, default=0, help="every so many commands only")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-stock", action="store_true", help="leave the stock engine out")


def _option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, json.loads(value)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of all conditions."""
    try:
        return figures(args)
    except (NoRecordingsError, EngineError, HubError) as error:
        sys.exit(f"commands: {error}")


def figures(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was right, wrong and rejected."""
    outcomes = hear_commands(args)
    foreign, at_home = hear_foreign(args), hear_foreign(args, home_context())
    found = shares(outcomes, args)
    found["foreign"] = taken(foreign)
    found["foreign_at_home"] = taken(at_home)
    found["calibration"] = calibration(outcomes)
    found["cost"] = _cost([one.heard for one in outcomes if one.heard], args)
    if not args.no_stock:
        stock = hear_stock(args)
        found["stock"] = {
            one: _shares([o for o in stock if o.condition == one]) for one in conditions_of(args)
        }
    return found


def shares(outcomes: Sequence[Outcome], args: argparse.Namespace) -> dict[str, Any]:
    """Return what was right, wrong and rejected in each condition, and wrong in all of them."""
    found: dict[str, Any] = {
        one: _shares([o for o in outcomes if o.condition == one]) for one in conditions_of(args)
    }
    wrong = sum(one.taken and not one.right for one in outcomes)
    found["wrong_actions"] = round(wrong / max(1, len(outcomes)), 4)
    found["wrong_actions_n"] = len(outcomes)
    found["wrong_actions_95"] = share_interval(wrong, len(outcomes))
    return found


def hear_commands(
    args: argparse.Namespace, options: Mapping[str, Any] = MappingProxyType({})
) -> list[Outcome]:
    """Return what the engine, with these options, made of each command in each condition."""
    commands = list(rows(args.manifest, args.root))[:: max(1, args.limit)]
    return hear_rows(args, commands, context(args), Meaning(args.grammar), options)


def hear_rows(
    args: argparse.Namespace,
    commands: Sequence[Row],
    grammar: SttContext,
    meant: Callable[[str, Row], bool],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> list[Outcome]:
    """Return what the engine made of those recordings in each condition, against any grammar.

    Args:
        args: This bench's options.
        commands: Rows of a manifest.
        grammar: What can be heard.
        meant: Tells from a text and a row whether the text is right.
        options: The engine's.
    """
    labels, recordings = recordings_of(args, commands)
    recogniser = Recogniser(args.engine, {**dict(args.option), **options}, grammar)
    heard = hear_all(recogniser, recordings, args.processes)
    return [
        Outcome(condition, row, text(one), one.result.best is not None, meant(text(one), row), one)
        for (condition, row), one in zip(labels, heard, strict=True)
    ]


def hear_foreign(
    args: argparse.Namespace,
    grammar: SttContext | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Sequence[Heard]:
    """Return what the engine made of speech outside the grammar, by default the commands' own."""
    said = list(rows(args.foreign, args.root))[:: max(1, args.limit)]
    recordings = [functools.partial(read, row["file"]) for row in said]
    own = {**dict(args.option), **options}
    recogniser = Recogniser(args.engine, own, grammar or context(args))
    return hear_all(recogniser, recordings, args.processes)


def home_context(home: Path | None = None) -> SttContext:
    """Return a home's grammar, by default the example's: far larger than that of one file."""
    return _stt(recognition_context(Interpreter(load_home(home))))


def hear_stock(args: argparse.Namespace) -> list[Outcome]:
    """Return what stock pocketsphinx made of the same recordings."""
    commands = list(rows(args.manifest, args.root))[:: max(1, args.limit)]
    labels, recordings = recordings_of(args, commands)
    heard = hear_all(functools.partial(stock, context(args).grammar), recordings, args.processes)
    meant = Meaning(args.grammar)
    return [
        Outcome(condition, row, one, bool(one), meant(one, row))
        for (condition, row), one in zip(labels, heard, strict=True)
    ]


def stock(grammar: str) -> Callable[[bytes], str]:
    """Return pocketsphinx as it comes, with that grammar."""
    decoder = pocketsphinx.Decoder(pocketsphinx.Config(lm=None, loglevel="FATAL"))
    decoder.add_jsgf_string("grammar", grammar)
    decoder.activate_search("grammar")

    def hear(pcm: bytes) -> str:
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return best.hypstr if best else ""

    return hear


def context(args: argparse.Namespace) -> SttContext:
    """Return the grammar of the template file."""
    return _stt(grammar_from_templates(args.grammar))


def _stt(made: RecognitionContext) -> SttContext:
    return SttContext(
        id=made.id,
        language=made.language,
        grammar=made.grammar,
        pronunciations=made.pronunciations,
    )


def recordings_of(
    args: argparse.Namespace, commands: Sequence[Row]
) -> tuple[list[tuple[str, Row]], list[Callable[[], bytes]]]:
    """Return the commands in each condition: their labels, and what gives their samples."""
    noise = b"".join(
        read(row["file"]) for row in rows(args.noise, args.root) if row["kind"] == args.noise_kind
    )
    if not noise:
        raise NoRecordingsError(f"{args.noise} has no noise of the kind {args.noise_kind!r}")
    labels, recordings = [], []
    for condition in conditions_of(args):
        for row in commands:
            labels.append((condition, row))
            recordings.append(functools.partial(_noisy, row, noise, condition))
    return labels, recordings


def _noisy(row: Row, noise: bytes, condition: str) -> bytes:
    speech = read(row["file"])
    if condition == CLEAN:
        return speech
    return mix(speech, noise, float(condition), f"{condition} {row['path']}")


def conditions_of(args: argparse.Namespace) -> list[str]:
    """Return the conditions' names: clean, and the ratios of speech to noise."""
    return [CLEAN, *(f"{ratio:g}" for ratio in args.snr or (24.0, 6.0))]


class Meaning:
    """Understands a text by the template file, and compares it with a row's labels."""

    def __init__(self, templates: Path) -> None:
        self._intents = Intents.from_dict(yaml.safe_load(templates.read_text(encoding="utf-8")))

    def __call__(self, text: str, row: Row) -> bool:
        """Return whether intent and every labelled slot are right."""
        meant = recognize(text, self._intents) if text else None
        return (
            meant is not None
            and meant.intent.name == row["intent"]
            and all(
                name in meant.entities and meant.entities[name].value == value
                for name, value in row["slots"].items()
            )
        )


def text(heard: Heard) -> str:
    """Return the best hypothesis, rejected or not."""
    return heard.result.alternatives[0].text if heard.result.alternatives else ""


def calibration(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how often hypotheses were right, by the confidence that they came with."""
    found = {}
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.9), (0.9, 1.01)):
        group = [
            (one.heard.result.alternatives[0].confidence, one.right)
            for one in outcomes
            if one.heard
            and one.heard.result.alternatives
            and low <= one.heard.result.alternatives[0].confidence < high
        ]
        if group:
            found[f"{low:g}-{min(high, 1):g}"] = {
                "n": len(group),
                "confidence": round(sum(score for score, _ in group) / len(group), 3),
                "right": round(sum(right for _, right in group) / len(group), 3),
            }
    return found


def _shares(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    count = max(1, len(outcomes))
    right = sum(one.taken and one.right for one in outcomes)
    wrong = sum(one.taken and not one.right for one in outcomes)
    return {
        "n": len(outcomes),
        "right": round(right / count, 4),
        "right_95": share_interval(right, len(outcomes)),
        "wrong": round(wrong / count, 4),
        "wrong_95": share_interval(wrong, len(outcomes)),
        "rejected": round(1 - (right + wrong) / count, 4),
        "right_unless_rejected": round(sum(one.right for one in outcomes) / count, 4),
        "accepted_from": {f"{least:g}": _accepted(outcomes, least) for least in ACCEPTED_FROM},
    }


def _accepted(outcomes: Sequence[Outcome], least: float) -> dict[str, float]:
    """Return what would be right and wrong with another threshold of confidence."""
    sure = [
        one.right
        for one in outcomes
        if one.heard
        and one.heard.result.alternatives
        and one.heard.result.alternatives[0].confidence >= least
    ]
    count = max(1, len(outcomes))
    return {
        "right": round(sum(sure) / count, 4),
        "wrong": round((len(sure) - sum(sure)) / count, 4),
    }


def taken(foreign: Sequence[Heard]) -> dict[str, Any]:
    """Return how much of what was no command was taken for one."""
    accepted = sum(one.result.best is not None for one in foreign)
    return {
        "clips": len(foreign),
        "accepted": accepted,
        "accepted_95": share_interval(accepted, len(foreign)),
    }


def _cost(heard: Sequence[Heard], args: argparse.Namespace) -> dict[str, float]:
    commands = list(rows(args.manifest, args.root))[:: max(1, args.limit)]
    _, recordings = recordings_of(args, commands)
    audio_s = sum(len(one()) for one in recordings) / SAMPLE_BYTES / SAMPLE_RATE_HZ
    tails = sorted(one.tail_s for one in heard)
    return {
        "cpu_s_per_audio_s": round(sum(one.cpu_s for one in heard) / audio_s, 4),
        "tail_ms_p50": round(1e3 * tails[len(tails) // 2], 1),
        "tail_ms_p95": round(1e3 * tails[int(len(tails) * 0.95)], 1),
    }
