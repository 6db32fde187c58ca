"""Faults in mid-turn: what is lost, what is done twice, how soon everything is there again.

Real Mosquitto, hub, worker and satellite, each a process; recogniser and voice are scripted. In
each turn one fault strikes in one state of the conversation, at a random moment. `lost`: commands
that were neither done nor followed by any sign (a reply, a cue; a killed satellite is one itself).
`twice`: commands that were done more than once. `recovery_s`: from the end of the cause until every
part is there and knows of the others. `unanswered_after`: commands, spoken then, without an answer.
"""

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from tests.support.harm import FAULTS, Fault, cut, full_disk
from tests.support.parts import Parts, small_disk
from tests.support.waiting import eventually

STATES = ("idle", "calling", "listening", "thinking", "playing")
MINUTE = "cut_60"
RECOVERY_S = 5.0
WITHIN_STATE_S = 0.6
REACHED_S = 6.0


class Struck(msgspec.Struct, kw_only=True):
    """What one fault did."""

    fault: str
    state: str
    acts: int = 0
    switched: int = 0
    signs: tuple[str, ...] = ()
    recovery_s: float = 0.0
    answered_after: bool = True
    missing: tuple[str, ...] = ()
    """What did not come back at all."""

    @property
    def lost(self) -> bool:
        return not self.acts and not self.signs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--turns", type=int, default=60, help="faults to strike (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="which faults, when (default 1)")
    parser.add_argument("--only", choices=[*FAULTS, MINUTE, "full_disk"], help="one kind of fault")
    parser.add_argument("--logs", type=Path, help="keep the programs' logs in this new folder")
    parser.add_argument("--minute", action="store_true", help="cuts of 60 s, too")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    faults = dict(FAULTS)
    if args.minute or args.only == MINUTE:
        faults[MINUTE] = cut(60.0)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if os.geteuid() == 0:
            try:
                stack.enter_context(small_disk(Path(folder) / "state"))
                faults["full_disk"] = full_disk
            except subprocess.CalledProcessError:
                pass  # no tmpfs here: the figures name the faults that were had
        if args.only:
            if args.only not in faults:
                sys.exit(f"faults: {args.only} needs root, and a tmpfs to mount")
            faults = {args.only: faults[args.only]}
        struck = asyncio.run(_run(Path(folder), faults, args.turns, args.seed))
        if args.logs:
            args.logs.mkdir(parents=True)
            for log in Path(folder).glob("*.log"):
                shutil.copy(log, args.logs)
    return figures(struck)


def figures(struck: list[Struck]) -> dict[str, Any]:
    """Return the figures of what was seen."""
    recoveries = sorted(one.recovery_s for one in struck)
    return {
        "turns": len(struck),
        "lost": sum(one.lost for one in struck),
        "twice": sum(max(one.acts, one.switched) > 1 for one in struck),
        "recovery_s": {
            "p50": round(recoveries[len(recoveries) // 2], 2),
            "max": round(recoveries[-1], 2),
        },
        "recovery_s_by_fault": {
            fault: round(max(one.recovery_s for one in struck if one.fault == fault), 2)
            for fault in sorted({one.fault for one in struck})
        },
        "unanswered_after": sum(not one.answered_after for one in struck),
        "done": sum(one.acts > 0 for one in struck),
        "faults": dict(sorted(Counter(one.fault for one in struck).items())),
        "ill": [msgspec.to_builtins(one) for one in struck if ill(one)],
    }


def ill(one: Struck) -> bool:
    """Tell whether something went wrong that must not."""
    twice = max(one.acts, one.switched) > 1
    return one.lost or twice or one.recovery_s > RECOVERY_S or not one.answered_after


async def _run(folder: Path, faults: dict[str, Fault], turns: int, seed: int) -> list[Struck]:
    dice = random.Random(seed)
    pairs = [(fault, state) for state in STATES for fault in faults]
    dice.shuffle(pairs)
    struck: list[Struck] = []
    async with Parts(folder).living() as parts:
        for number in range(turns):
            fault, state = pairs[number % len(pairs)]
            struck.append(await strike(parts, fault, faults[fault], state, dice))
            if ill(struck[-1]):
                sys.stderr.write(f"turn {number}: {struck[-1]}\n")
    return struck


async def strike(parts: Parts, name: str, fault: Fault, state: str, dice: random.Random) -> Struck:
    """Speak a command, let the fault strike in that state, and see what comes of both."""
    before, switched = set(parts.acted()), parts.changes
    process = parts.room.start_count
    if state != "idle":
        parts.room.speak()
        await _reached(parts, state)
    await asyncio.sleep(dice.uniform(0.0, WITHIN_STATE_S))
    await fault(parts, dice)
    ended_s = time.monotonic()
    if state == "idle":
        parts.room.speak()
    one = Struck(fault=name, state=state)
    watching = asyncio.create_task(parts.recovered_s(ended_s))
    killed = parts.room.start_count != process
    if killed and state != "idle":
        one.signs = ("the satellite went out",)
    else:
        result = await parts.result() or {}
        one.signs = (*(["reply"] if result.get("reply") else []), *result.get("cues", ()))
    one.recovery_s, one.missing = round(await watching, 3), parts.missing()
    await asyncio.sleep(0.3)  # a second act would come right behind
    one.acts = len(set(parts.acted()) - before)
    one.switched = parts.changes - switched
    one.answered_after = await _answered(parts)
    return one


async def _reached(parts: Parts, state: str) -> None:
    try:
        await eventually(lambda: parts.room.state == state, REACHED_S)
    except AssertionError:
        return  # an earlier fault's late effect: it strikes in another state, then


async def _answered(parts: Parts) -> bool:
    try:
        await eventually(lambda: parts.room.state == "idle", REACHED_S)
    except AssertionError:
        return False
    parts.room.speak()
    result = await parts.result() or {}
    return bool(result.get("reply"))
