"""Which room answers: ours against first arrival and the raw loudest, in simulated homes.

Homes of 3 to 12 rooms in turn, fifty calls in each, from the first one on. The satellites have
stood there for five hours before it, and told their noise floors as they always do; what else is
learned of them is learned on the way. A call counts when any satellite reports it.
`first_arrival` is Home Assistant's rule, `raw_loudest` Willow's; all judge the same reports.
"""

import argparse
import random
from collections import Counter
from typing import Any, Final

from antiphon_hub.turns.arbitration.arbiter import WINDOW_S, Arbiter
from antiphon_hub.turns.arbitration.gains import FLOOR_EVERY_S, Gains
from antiphon_hub.turns.arbitration.report import Report
from tests.bench._homes import LARGEST, SMALLEST, Home, Sound, SpokenCall
from tests.bench._intervals import share_interval

CALLS_PER_HOME: Final = 50
FLOORS_BEFORE: Final = 32
FIRST_CALLS: Final = 10
RULES: Final = ("right_room", "first_arrival", "raw_loudest")
HOUR_US: Final = 3_600_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--calls", type=int, default=2000, help="calls to simulate (default 2000)")
    parser.add_argument("--seed", type=int, default=1, help="of the homes and calls (default 1)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    counts: Counter[str] = Counter()
    sizes = range(SMALLEST, LARGEST + 1)
    for number in range(-(-args.calls // CALLS_PER_HOME)):
        size = sizes[number % len(sizes)]
        left = min(CALLS_PER_HOME, args.calls - number * CALLS_PER_HOME)
        _live(Home(size, random.Random(f"{args.seed}:{number}")), size, left, counts)
    low, high = share_interval(counts["right_room"], counts["n"])
    return {
        "n": counts["n"],
        "seed": args.seed,
        **{rule: _share(counts, rule) for rule in RULES},
        "right_room.low": round(low, 4),
        "right_room.high": round(high, 4),
        "heard_in_room": _share(counts, "heard_in_room"),
        "contested": {rule: _share(counts, "contested", rule) for rule in ("n", *RULES)},
        "first_calls": {rule: _share(counts, "early", rule) for rule in ("n", *RULES)},
        "rooms": {
            str(size): {rule: _share(counts, f"rooms-{size}", rule) for rule in ("n", *RULES)}
            for size in sizes
        },
        "handed_over": _share(counts, "handed_over"),
    }


def _live(home: Home, size: int, calls: int, counts: Counter[str]) -> None:
    """Let one home live through its calls."""
    gains = Gains()
    for number in range(FLOORS_BEFORE):
        for room, floor_dbfs in enumerate(home.rest()):
            gains.rest(str(room), floor_dbfs, number * FLOOR_EVERY_S)
    arbiter = Arbiter(gains)
    for number in range(calls):
        call = home.call()
        while not call.sounds:
            call = home.call()
        chosen = _choices(arbiter, call, number)
        groups = ["", f"rooms-{size}:"]
        groups += ["contested:"] if len(call.sounds) > 1 else []
        groups += ["early:"] if number < FIRST_CALLS else []
        for group in groups:
            counts[f"{group}n"] += 1
            for rule, sound in chosen.items():
                counts[f"{group}{rule}"] += sound.room == call.room
        counts["heard_in_room"] += any(one.room == call.room for one in call.sounds)
        counts["handed_over"] += chosen["right_room"] is not call.sounds[0]


def _choices(arbiter: Arbiter, call: SpokenCall, number: int) -> dict[str, Sound]:
    """Return which of the reports each rule lets answer."""
    first = call.sounds[0]
    in_time = [one for one in call.sounds if one.arrived_s <= first.arrived_s + WINDOW_S]
    return {
        "right_room": _ours(arbiter, call.sounds, in_time, number),
        "first_arrival": first,
        "raw_loudest": max(in_time, key=lambda one: one.level_dbfs),
    }


def _ours(arbiter: Arbiter, sounds: tuple[Sound, ...], in_time: list[Sound], number: int) -> Sound:
    contest = arbiter.report(_report(sounds[0], number)).contest
    for sound in in_time[1:]:
        arbiter.report(_report(sound, number))
    arbiter.settle(contest)
    return next(one for one in sounds if str(one.room) == contest.leader.satellite)


def _report(sound: Sound, number: int) -> Report:
    return Report(
        satellite=str(sound.room),
        stream=f"{number}-{sound.room}",
        at_us=int((number + 1) * HOUR_US + sound.captured_s * 1e6),
        level_dbfs=sound.level_dbfs,
        noise_dbfs=sound.noise_dbfs,
        confidence=sound.confidence,
    )


def _share(counts: Counter[str], *names: str) -> float | int:
    *group, name = names
    prefix = f"{group[0]}:" if group else ""
    if name == "n":
        return counts[f"{prefix}n"]
    return round(counts[f"{prefix}{name}"] / max(1, counts[f"{prefix}n"]), 4)
