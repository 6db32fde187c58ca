"""What the second look gains where the house was taught its people's calls.

A satellite runs microWakeWord alone, at a low threshold. What it hears, a worker looks at again:
with openWakeWord, or, as where no other engine knows the phrase, with microWakeWord at its own
threshold; and with a likeness of some clean calls beside it. Those are drawn many times, from the
group of speakers that then calls, or from other groups. Calls are as `wake` feeds them.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_ears.errors import EarsError
from antiphon_ears.registry import load_wake
from antiphon_ears.wake.household import Likeness
from antiphon_ears.wake.openwakeword import STEP_SAMPLES
from antiphon_ears.wake.stream import Scorer
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_tools.teaching.background import load as load_background
from antiphon_tools.teaching.embedding import embeddings, windows
from antiphon_tools.teaching.fitting import around, fit
from tests.bench import wake
from tests.bench._noise import mix
from tests.bench._recordings import NoRecordingsError, read, rows

BEFORE: Final = 2 * SAMPLE_RATE_HZ
"""The second look hears the pre-roll..."""
BEHIND: Final = SAMPLE_RATE_HZ // 2
"""...and half a second behind where the satellite's engine fired."""
AGREES: Final = 0.1
OTHERS: Final = 5
"""Groups of speakers that the others' calls are from."""
FIRST, SECOND = wake.FIRST, wake.SECOND

Array = npt.NDArray[np.float64]


class Scored(NamedTuple):
    """A recording, as both engines and the likeness see it; positions in samples."""

    first: wake.Peaks
    second: wake.Peaks
    embeddings: Array


class Call(NamedTuple):
    """A call, as it is and with noise."""

    group: str
    clean: Scored
    noisy: Scored


class House(NamedTuple):
    """What listens."""

    phrase: str
    at: float
    """The satellite's threshold."""
    own: float
    """The engine's own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    wake.add_arguments(parser)
    parser.set_defaults(snr=0.0)
    parser.add_argument("--taught", type=int, nargs="+", default=[3, 5, 10], help="calls")
    parser.add_argument("--draws", type=int, default=20, help="times that they are drawn")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return calls that are kept and false wakes, by the satellite's threshold."""
    phrase, thresholds = (args.phrase or ["alexa"])[0], args.threshold or [0.1, 0.3]
    try:
        engines = {name: load_wake(name) for name in (FIRST, SECOND)}
        scorers = {name: engines[name].scorer((phrase,)) for name in engines}  # type: ignore[attr-defined]
        calls = _calls(args, phrase, scorers)
        false = _false(args, phrase, scorers, min(thresholds))
    except (NoRecordingsError, EarsError) as error:
        sys.exit(f"callers: {error}")
    own = engines[FIRST].thresholds[phrase]  # type: ignore[attr-defined]
    return {
        str(threshold): table(
            calls, false, House(phrase, threshold, own), taught=args.taught, draws=args.draws
        )
        for threshold in thresholds
    }


def table(
    calls: Sequence[Call],
    false: Sequence[Scored],
    house: House,
    *,
    taught: Sequence[int],
    draws: int,
) -> dict[str, Any]:
    """Return shares of calls and counts of false wakes that pass.

    Args:
        calls: What people called.
        false: What excited the first engine, and was no call.
        house: What listens.
        taught: How many calls the house is taught.
        draws: How many times they are drawn.
    """
    found: dict[str, Any] = {}
    for name, rule in _rules(house, None).items():
        kinds = {kind: [getattr(one, kind) for one in calls] for kind in ("clean", "noisy")}
        kept = {kind: _share(heard, house, rule) for kind, heard in kinds.items()}
        found[name] = {**kept, "false": round(_share(false, house, rule) * len(false))}
    for count in taught:
        for same in (True, False):
            drawn = _drawn(calls, count, draws, same=same)
            name = f"{count} of {'the same group' if same else 'other groups'}"
            found[name] = _taught(drawn, false, house)
    return found


def _taught(
    drawn: Iterable[tuple[list[Call], list[Call]]], false: Sequence[Scored], house: House
) -> dict[str, Any]:
    """Return the same, before and after the house was taught."""
    background = load_background()
    passed: dict[str, list[float]] = {}
    for learnt, tested in drawn:
        like = fit([_cut(one.clean, house.phrase) for one in learnt], background)
        for when, taught in (("before", None), ("after", like)):
            for name, rule in _rules(house, taught).items():
                for kind in ("clean", "noisy"):
                    heard = [getattr(one, kind) for one in tested]
                    share = _share(heard, house, rule)
                    passed.setdefault(f"{name}: {kind} {when}", []).append(share)
                falsely = _share(false, house, rule) * len(false)
                passed.setdefault(f"{name}: false {when}", []).append(falsely)
    return {name: round(float(np.mean(values)), 3) for name, values in passed.items()}


def _rules(house: House, like: Likeness | None) -> dict[str, Callable[["_Look"], bool]]:
    """Return who looks a second time: the other engine, or the same at its own threshold."""

    def known(look: _Look) -> bool:
        return like is not None and _like(look, like)

    return {
        "other engine": lambda look: look.second > AGREES or known(look),
        "same engine": lambda look: look.first > house.own or known(look),
    }


def _share(heard: Sequence[Scored], house: House, rule: Callable[["_Look"], bool]) -> float:
    """Return the share that the satellite hears, and the second look lets through."""
    passed = [
        any(rule(_look(one, hit)) for hit in wake.detections(one.first, house.phrase, house.at))
        for one in heard
    ]
    return round(sum(passed) / len(passed), 4) if passed else 0.0


def _drawn(
    calls: Sequence[Call], count: int, draws: int, *, same: bool
) -> Iterable[tuple[list[Call], list[Call]]]:
    """Yield calls to learn from, and others to be heard, none of the former."""
    dice = np.random.default_rng(1)
    groups = sorted({one.group for one in calls})
    for _ in range(draws):
        order = [groups[at] for at in dice.permutation(len(groups))]
        if same:
            large = [g for g in order if sum(one.group == g for one in calls) >= count + 2]
            chosen = large[:1]
        else:
            chosen = order[:OTHERS]
        able = [at for at, one in enumerate(calls) if one.group in chosen]
        picked = [int(at) for at in dice.permutation(able)[:count]]
        used = {calls[at].group for at in picked}
        tested = [
            one for at, one in enumerate(calls) if at not in picked and (one.group in used) is same
        ]
        if picked and tested:
            yield [calls[at] for at in picked], tested


class _Look(NamedTuple):
    """What the second look has of a call, up to half a second behind it."""

    first: float
    second: float
    windows: Array


def _look(one: Scored, hit: int) -> _Look:
    begin, end = hit - BEFORE, hit + BEHIND
    first = max((score for at, score in one.first if begin <= at <= end), default=0.0)
    second = max((score for at, score in one.second if begin <= at <= end), default=0.0)
    seen = windows(one.embeddings)[max(0, begin // STEP_SAMPLES) : end // STEP_SAMPLES]
    return _Look(first, second, seen)


def _like(look: _Look, like: Likeness) -> bool:
    distances = look.windows.reshape(len(look.windows), -1) @ np.asarray(like.weights) + like.bias
    return bool(np.max(distances, initial=-np.inf) > np.log(AGREES / (1.0 - AGREES)))


def _cut(one: Scored, phrase: str) -> Array:
    """Return what is kept of a call; one that the engine does not hear is where it is likeliest."""
    hits = wake.detections(one.first, phrase, AGREES)
    likeliest, _ = max(one.first, key=lambda peak: peak[1])
    return around(one.embeddings, (hits or [likeliest])[0] // STEP_SAMPLES)


def _scored(pcm: bytes, phrase: str, scorers: Mapping[str, Scorer]) -> Scored:
    for scorer in scorers.values():
        scorer.reset()
    first, second = (wake.peaks_of(scorers[one], pcm, (phrase,))[phrase] for one in (FIRST, SECOND))
    return Scored(first, second, embeddings(pcm))


def _calls(args: argparse.Namespace, phrase: str, scorers: Mapping[str, Scorer]) -> list[Call]:
    noise = wake.noise_of(args)
    before, after = wake.room(wake.CONTEXT_S), wake.room(wake.AFTER_S)
    found = []
    for row in rows(args.manifest, args.root):
        if row.get("wake_word") == phrase and wake.in_half(row, args.half):
            pcm = before + read(row["file"]) + after
            noisy = mix(pcm, noise, args.snr, row["path"])
            clean = _scored(pcm, phrase, scorers)
            group = str(row.get("group") or row["path"])
            found.append(Call(group, clean, _scored(noisy, phrase, scorers)))
    return found


def _false(
    args: argparse.Namespace, phrase: str, scorers: Mapping[str, Scorer], threshold: float
) -> list[Scored]:
    """Return what excites the first engine where nobody called, each with what lies around it."""
    clips, pcm = wake.negatives_of(args)
    others = [one for one in clips if not any(part in phrase for part in one.contains)]
    scorers[FIRST].reset()
    heard = wake.peaks_of(scorers[FIRST], pcm, (phrase,))[phrase]
    found = []
    for hit in wake.detections(heard, phrase, threshold):
        clip = next((one for one in others if one.begin < hit <= one.end), None)
        if clip is not None:
            # Not from before: what lies there may be a call.
            begin, end = max(clip.begin, hit - BEFORE - SAMPLE_RATE_HZ), hit + BEHIND
            found.append(_scored(pcm[begin * SAMPLE_BYTES : end * SAMPLE_BYTES], phrase, scorers))
    return found
