"""Wake words: how many calls of people are heard, and how often nobody called.

Calls are fed as a satellite hears them: two seconds of a quiet room, then the recording, then a
second more, in frames of 32 ms. Negatives are one long stream, with a second between recordings;
where a recording contains (a part of) the phrase itself, neither its hits nor its time count.
Both engines' scores are kept, so that every threshold, and both engines together, cost one pass.
`--half` takes one half of the recordings: people (as far as their groups are known) whose calls a
rule was chosen on, or the others. `--snr` mixes noise into the calls.
"""

import argparse
import functools
import random
import sys
import time
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from antiphon_ears.errors import EarsError
from antiphon_ears.registry import load_wake
from antiphon_ears.wake.joint import ALONE
from antiphon_ears.wake.joint import TOGETHER as DEFAULT
from antiphon_ears.wake.stream import Scorer
from antiphon_ears.wake.trigger import JointTrigger, Trigger
from antiphon_ears.windows import Windows
from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from tests.bench._intervals import rate_interval, share_interval
from tests.bench._noise import mix
from tests.bench._recordings import NoRecordingsError, read, rows

CORPORA = Path("../shared/corpora/dev")
CONTEXT_S = 2.0
AFTER_S = 1.0
ROOM_DBFS = -60.0
CURVE = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.986, 0.99, 0.995)
TOGETHER = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
"""Scores from which on a phrase counts that both engines hear."""
VERIFY = (0.01, 0.1, 0.3, 0.5)
"""Thresholds of a second engine that only confirms what the first one heard."""
HALVES = ("all", "dev", "held-out")
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
    parser.add_argument("--half", choices=HALVES, default="all", help="of calls and negatives")
    parser.add_argument("--snr", type=float, help="of noise mixed into the calls, dB")
    parser.add_argument("--noise", type=Path, default=CORPORA / "noise" / "manifest.jsonl")
    parser.add_argument("--noise-kind", default="kitchen", help="rows of the noise to take")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return recall and false wakes an hour by engine, phrase and threshold."""
    try:
        calls = _calls(args)
        clips, negatives = negatives_of(args)
        engines = {name: load_wake(name) for name in args.engine or (FIRST, SECOND)}
        heard = {}
        for name, engine in engines.items():
            phrases = tuple(one for one in engine.phrases if one in (args.phrase or engine.phrases))
            heard[name] = listen(engine.scorer, phrases, calls, negatives)  # type: ignore[attr-defined]
    except (NoRecordingsError, EarsError) as error:
        sys.exit(f"wake: {error}")
    curve = args.threshold or CURVE
    return {
        "snr_db": args.snr,
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
            found[phrase].append(peaks_of(scorer, pcm, (phrase,))[phrase])
    scorer.reset()
    began_s = time.process_time()
    stream = peaks_of(scorer, negatives, phrases)
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


def joint(
    pair: tuple[Peaks, Peaks], phrase: str, alone: tuple[float, float], together: float
) -> list[int]:
    """Return where both engines, listening as one, would have fired."""
    trigger = JointTrigger([{phrase: threshold} for threshold in alone], together)
    moments = [(end, at, score) for at, peaks in enumerate(pair) for end, score in peaks]
    judged = (trigger.judge(at, {phrase: score}, end) for end, at, score in sorted(moments))
    return [one[0].end for one in judged if one]


def _calls(args: argparse.Namespace) -> list[tuple[str, bytes]]:
    """Return each call with two seconds of a room before it, and one behind it."""
    noise = noise_of(args)
    before, after = room(CONTEXT_S), room(AFTER_S)
    found = []
    for row in rows(args.manifest, args.root):
        if row.get("positive", True) and row.get("wake_word") and in_half(row, args.half):
            pcm = before + read(row["file"]) + after
            mixed = mix(pcm, noise, args.snr, row["path"]) if noise else pcm
            found.append((row["wake_word"], mixed))
    return found


def noise_of(args: argparse.Namespace) -> bytes:
    """Return the noise that is wanted; none without a ratio.

    Raises:
        NoRecordingsError: there is none of that kind.
    """
    if args.snr is None:
        return b""
    noisy = rows(args.noise, args.root)
    noise = b"".join(read(row["file"]) for row in noisy if row["kind"] == args.noise_kind)
    if not noise:
        raise NoRecordingsError(f"{args.noise} has no noise of the kind {args.noise_kind!r}")
    return noise


def negatives_of(args: argparse.Namespace) -> tuple[list[Clip], bytes]:
    """Return the recordings in which nobody calls, and all of them as one stream."""
    clips, pcm, after = [], bytearray(), room(AFTER_S)
    for row in rows(args.negatives, args.root):
        if not in_half(row, args.half):
            continue
        begin = len(pcm) // SAMPLE_BYTES
        own = read(row["file"])
        pcm += own + after
        seconds = len(own) / SAMPLE_BYTES / SAMPLE_RATE_HZ
        clips.append(Clip(begin, len(pcm) // SAMPLE_BYTES, seconds, tuple(row["contains"])))
    return clips, bytes(pcm)


def in_half(row: Mapping[str, Any], half: str) -> bool:
    """Tell whether a recording belongs there: all of one group of speakers to the same half."""
    name = str(row.get("group") or row["path"])
    return half == "all" or HALVES[1 + zlib.crc32(name.encode()) % 2] == half


def room(seconds: float) -> bytes:
    """Return a quiet room's hiss, always the same."""
    chance = random.Random(1)
    spread = 32768 * 10 ** (ROOM_DBFS / 20)
    count = int(seconds * SAMPLE_RATE_HZ)
    return array("h", [round(chance.gauss(0, spread)) for _ in range(count)]).tobytes()


def peaks_of(scorer: Scorer, pcm: bytes, phrases: Sequence[str]) -> dict[str, Peaks]:
    """Return where each phrase's score was worth keeping."""
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
        own = (engines[FIRST].thresholds[phrase], engines[SECOND].thresholds[phrase])
        alone = (max(own[0], ALONE), max(own[1], ALONE))
        pairs = [*zip(one.calls[phrase], other.calls[phrase], strict=True)]
        stream = (one.stream[phrase], other.stream[phrase])
        rules: dict[str, Callable[[tuple[Peaks, Peaks]], list[int]]] = {
            "shipped": functools.partial(joint, phrase=phrase, alone=alone, together=DEFAULT),
            "either at its own": functools.partial(joint, phrase=phrase, alone=own, together=1.0),
        }
        for over in TOGETHER:
            rules[f"together over {over}"] = functools.partial(
                joint, phrase=phrase, alone=alone, together=over
            )
        for over in VERIFY:
            rules[f"confirmed over {over}"] = functools.partial(
                _confirmed, phrase=phrase, threshold=own[0], over=over
            )
        found[phrase] = {
            name: figures([rule(pair) for pair in pairs], rule(stream), clips, phrase)
            for name, rule in rules.items()
        }
    return found


def _confirmed(pair: tuple[Peaks, Peaks], phrase: str, threshold: float, over: float) -> list[int]:
    return confirmed(detections(pair[0], phrase, threshold), pair[1], over)


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
