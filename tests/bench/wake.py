"""Wake words: how many calls of people are heard, and how often nobody called.

Calls are fed as a satellite hears them: two seconds of a quiet room, then the recording, then a
second more, in frames of 32 ms. Negatives are one long stream, with a second between recordings;
where a recording contains (a part of) the phrase itself, neither its hits nor its time count.
Both engines' scores are kept, so that every threshold, and both engines together, cost one pass.
"""

import argparse
import random
import sys
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from antiphon_ears.errors import EarsError
from antiphon_ears.registry import load_wake
from antiphon_ears.wake.stream import Scorer
from antiphon_ears.wake.trigger import REFRACTORY_SAMPLES, Trigger
from antiphon_ears.windows import Windows
from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from tests.bench._intervals import rate_interval, share_interval
from tests.bench._recordings import NoRecordingsError, read, rows

CORPORA = Path("../shared/corpora/dev")
CONTEXT_S = 2.0
AFTER_S = 1.0
ROOM_DBFS = -60.0
CURVE = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.986, 0.99, 0.995)
VERIFY = (0.001, 0.01, 0.05, 0.1, 0.3, 0.5)
"""Thresholds of a second engine that only confirms what the first one heard."""
CONFIRMS_S = 1.0
"""How far apart two engines may fire for one call."""
FIRST, SECOND = "microwakeword", "openwakeword"

Peaks = list[tuple[int, float]]
"""(samples fed, score) of a stream, where the score was worth keeping."""
KEPT_OVER = 0.0005


class Clip(NamedTuple):
    """Where one recording lies in the stream of negatives, in samples."""

    begin: int
    end: int
    """With the second of quiet behind it, in which its hits may come."""
    seconds: float
    """Without that second."""
    contains: tuple[str, ...]


class Heard(NamedTuple):
    """What an engine's models said: of each call, and along the stream of negatives."""

    calls: dict[str, list[Peaks]]
    stream: dict[str, Peaks]
    cpu_share: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    folder = CORPORA / "wake_words"
    parser.add_argument("--manifest", type=Path, default=folder / "manifest.jsonl")
    parser.add_argument("--negatives", type=Path, default=folder / "negatives.jsonl")
    parser.add_argument("--root", type=Path, default=CORPORA, help="what their paths are below")
    parser.add_argument("--engine", action="append", help="default: both")
    parser.add_argument("--phrase", action="append", help="default: all that an engine knows")
    parser.add_argument("--threshold", type=float, action="append", help="default: a curve")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return recall and false wakes an hour by engine, phrase and threshold."""
    try:
        calls = list(_calls(args.manifest, args.root))
        clips, negatives = _negatives(args.negatives, args.root)
        engines = {name: load_wake(name) for name in args.engine or (FIRST, SECOND)}
        heard = {}
        for name, engine in engines.items():
            phrases = tuple(one for one in engine.phrases if one in (args.phrase or engine.phrases))
            heard[name] = listen(engine.scorer, phrases, calls, negatives)  # type: ignore[attr-defined]
    except (NoRecordingsError, EarsError) as error:
        sys.exit(f"wake: {error}")
    curve = args.threshold or CURVE
    return {
        "negatives": {
            "clips": len(clips),
            "hours": round(sum(clip.seconds for clip in clips) / 3600, 3),
        },
        "engines": {
            name: {
                "cpu_share": round(one.cpu_share, 5),
                "phrases": {
                    phrase: _phrase(one, phrase, clips, curve, engines[name].thresholds[phrase])  # type: ignore[attr-defined]
                    for phrase in one.stream
                },
            }
            for name, one in heard.items()
        },
        "together": _together(heard, clips, engines),
    }


def listen(
    make: Any, phrases: Sequence[str], calls: Iterable[tuple[str, bytes]], negatives: bytes
) -> Heard:
    """Return what the models say of all recordings."""
    scorer: Scorer = make(phrases)
    found: dict[str, list[Peaks]] = {phrase: [] for phrase in phrases}
    for phrase, pcm in calls:
        if phrase in found:
            scorer.reset()
            audio = _room(CONTEXT_S) + pcm + _room(AFTER_S)
            found[phrase].append(_peaks(scorer, audio, (phrase,))[phrase])
    scorer.reset()
    began_s = time.process_time()
    stream = _peaks(scorer, negatives, phrases)
    cpu_s = time.process_time() - began_s
    return Heard(found, stream, cpu_s / (len(negatives) / SAMPLE_BYTES / SAMPLE_RATE_HZ))


def detections(peaks: Peaks, phrase: str, threshold: float) -> list[int]:
    """Return where the engine would have fired."""
    trigger = Trigger({phrase: threshold})
    judged = (trigger.judge({phrase: score}, end) for end, score in peaks)
    return [one.end for one in judged if one]


def confirmed(firsts: Sequence[int], second: Peaks, threshold: float) -> list[int]:
    """Return those detections at which the second engine's score is over its threshold too."""
    over = [end for end, score in second if score > threshold]
    within = CONFIRMS_S * SAMPLE_RATE_HZ
    return [one for one in firsts if any(abs(one - other) <= within for other in over)]


def either(firsts: Sequence[int], seconds: Sequence[int]) -> list[int]:
    """Return all detections of two engines, those of one call once."""
    merged: list[int] = []
    for end in sorted((*firsts, *seconds)):
        if not merged or end - merged[-1] >= REFRACTORY_SAMPLES:
            merged.append(end)
    return merged


def _calls(manifest: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    for row in rows(manifest, root):
        if row.get("positive", True) and row.get("wake_word"):
            yield row["wake_word"], read(row["file"])


def _negatives(manifest: Path, root: Path) -> tuple[list[Clip], bytes]:
    clips, pcm = [], bytearray()
    for row in rows(manifest, root):
        begin = len(pcm) // SAMPLE_BYTES
        own = read(row["file"])
        pcm += own + _room(AFTER_S)
        seconds = len(own) / SAMPLE_BYTES / SAMPLE_RATE_HZ
        clips.append(Clip(begin, len(pcm) // SAMPLE_BYTES, seconds, tuple(row["contains"])))
    return clips, bytes(pcm)


def _room(seconds: float) -> bytes:
    """Return a quiet room's hiss, always the same."""
    chance = random.Random(1)
    spread = 32768 * 10 ** (ROOM_DBFS / 20)
    count = int(seconds * SAMPLE_RATE_HZ)
    return array("h", [round(chance.gauss(0, spread)) for _ in range(count)]).tobytes()


def _peaks(scorer: Scorer, pcm: bytes, phrases: Sequence[str]) -> dict[str, Peaks]:
    windows = Windows(scorer.window_samples)
    found: dict[str, Peaks] = {phrase: [] for phrase in phrases}
    end = 0
    for at in range(0, len(pcm), FRAME_BYTES):
        for window in windows.take(pcm[at : at + FRAME_BYTES]):
            end += scorer.window_samples
            scores = scorer.score(window)
            for phrase in phrases:
                if (score := scores.get(phrase, 0.0)) > KEPT_OVER:
                    found[phrase].append((end, score))
    return found


def _phrase(
    heard: Heard, phrase: str, clips: Sequence[Clip], curve: Sequence[float], default: float
) -> dict[str, Any]:
    return {
        "default_threshold": default,
        "at": {
            str(threshold): figures(
                [detections(call, phrase, threshold) for call in heard.calls[phrase]],
                detections(heard.stream[phrase], phrase, threshold),
                clips,
                phrase,
            )
            for threshold in sorted({*curve, default})
        },
    }


def _together(
    heard: Mapping[str, Heard], clips: Sequence[Clip], engines: Mapping[str, Any]
) -> dict[str, Any]:
    if FIRST not in heard or SECOND not in heard:
        return {}
    one, other = heard[FIRST], heard[SECOND]
    found = {}
    for phrase in one.stream:
        if phrase not in other.stream:
            continue
        at = (engines[FIRST].thresholds[phrase], engines[SECOND].thresholds[phrase])
        pairs = [*zip(one.calls[phrase], other.calls[phrase], strict=True)]
        stream = (one.stream[phrase], other.stream[phrase])
        found[phrase] = {
            "either": _pair(pairs, stream, phrase, clips, at=at, confirm=None),
            **{
                f"confirmed over {over}": _pair(pairs, stream, phrase, clips, at=at, confirm=over)
                for over in VERIFY
            },
        }
    return found


def _pair(
    pairs: Sequence[tuple[Peaks, Peaks]],
    stream: tuple[Peaks, Peaks],
    phrase: str,
    clips: Sequence[Clip],
    *,
    at: tuple[float, float],
    confirm: float | None,
) -> dict[str, Any]:
    def both(first: Peaks, second: Peaks) -> list[int]:
        firsts = detections(first, phrase, at[0])
        if confirm is not None:
            return confirmed(firsts, second, confirm)
        return either(firsts, detections(second, phrase, at[1]))

    return figures([both(*pair) for pair in pairs], both(*stream), clips, phrase)


def figures(
    calls: Sequence[Sequence[int]], hits: Sequence[int], clips: Sequence[Clip], phrase: str
) -> dict[str, Any]:
    """Return recall and false wakes an hour, with their 95 % intervals."""
    others = [clip for clip in clips if not any(part in phrase for part in clip.contains)]
    hours = sum(clip.seconds for clip in others) / 3600
    false = sum(any(clip.begin < hit <= clip.end for clip in others) for hit in hits)
    heard = sum(bool(ends) for ends in calls)
    return {
        "heard": f"{heard}/{len(calls)}",
        "recall": round(heard / len(calls), 4) if calls else None,
        "recall_95": [round(one, 3) for one in share_interval(heard, len(calls))],
        "false": false,
        "hours": hours,
        "false_per_hour": round(false / hours, 3) if hours else None,
        "false_per_hour_95": [round(one, 2) for one in rate_interval(false, hours)],
    }
