"""Open dictation: word error rate by group of speakers, beside stock pocketsphinx.

Errors are the least substitutions, deletions and insertions that turn what was heard into what was
said, over the words that were said; every hypothesis counts, whatever its confidence.
"""

import argparse
import functools
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pocketsphinx

from antiphon_engines.errors import EngineError
from tests.bench._hearing import Heard, Recogniser, hear_all
from tests.bench._intervals import share_interval
from tests.bench._recordings import NoRecordingsError, read, rows

CORPORA = Path("../shared/corpora/dev")
CHILD_YEARS: Final = 14

Row = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    folder = CORPORA / "free_speech"
    parser.add_argument("--manifest", type=Path, default=folder / "manifest.jsonl")
    parser.add_argument("--root", type=Path, default=CORPORA, help="what the paths are below")
    parser.add_argument("--engine", default="pocketsphinx")
    parser.add_argument("--limit", type=int, default=1, help="every so many recordings only")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-stock", action="store_true", help="leave the stock engine out")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return the word error rates."""
    try:
        said = [row for row in rows(args.manifest, args.root) if row["lang"] == "en"]
        said = [row for row in said if row["text"].strip()][:: args.limit]
        heard = hear_all(Recogniser(args.engine, {}, None), _recordings(said), args.processes)
        found = {"wer": rates(said, [_text(one) for one in heard])}
        if not args.no_stock:
            others = hear_all(stock, _recordings(said), args.processes)
            found["stock"] = {"wer": rates(said, others)}
    except (NoRecordingsError, EngineError) as error:
        sys.exit(f"dictation: {error}")
    return found


def rates(said: Sequence[Row], heard: Sequence[str]) -> dict[str, Any]:
    """Return recordings, words and word error rate of each group, and of all."""
    errors, words, clips = defaultdict[str, int](int), defaultdict[str, int](int), {}
    for row, text in zip(said, heard, strict=True):
        reference = row["text"].lower().split()
        for name in (group(row), "all"):
            errors[name] += edits(reference, text.split())
            words[name] += len(reference)
            clips[name] = clips.get(name, 0) + 1
    return {
        name: {
            "clips": clips[name],
            "words": words[name],
            "rate": round(errors[name] / words[name], 4),
            "rate_95": share_interval(min(errors[name], words[name]), words[name]),
        }
        for name in sorted(clips)
    }


def group(row: Row) -> str:
    """Return which figures a recording counts in: its corpus, children apart."""
    name = Path(row["path"]).parent.name
    age = row.get("age")
    if not age:
        return name
    return f"{name} {'children' if age < CHILD_YEARS else 'adults'}"


def edits(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Return the Levenshtein distance of two sequences of words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(reference, 1):
        before, row = row, [number]
        for at, other in enumerate(heard):
            row.append(min(before[at + 1] + 1, row[at] + 1, before[at] + (word != other)))
    return row[-1]


def stock() -> Callable[[bytes], str]:
    """Return pocketsphinx as it comes, given each recording as a whole."""
    decoder = pocketsphinx.Decoder(pocketsphinx.Config(loglevel="FATAL"))

    def hear(pcm: bytes) -> str:
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return best.hypstr if best else ""

    return hear


def _recordings(said: Sequence[Row]) -> list[Callable[[], bytes]]:
    return [functools.partial(read, row["file"]) for row in said]


def _text(heard: Heard) -> str:
    return heard.result.alternatives[0].text if heard.result.alternatives else ""
