"""Which engines are installed, work, and are needed; which wake phrases they know."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Final

import msgspec

from antiphon_hub.settings import Settings
from antiphon_tools.doctor.finding import Finding, absence
from antiphon_tools.doctor.probe import KINDS, Kind, Report
from antiphon_tools.doctor.run import run

LOAD_TIMEOUT_S: Final = 30.0
"""A model on an SD card takes seconds; a library that hangs must not hang us."""
_AT_A_TIME: Final = 2
_CALLED: Final[Mapping[Kind, str]] = {
    "stt": "speech to text",
    "tts": "text to speech",
    "wake": "wake word",
    "vad": "voice activity",
}


class Probed(msgspec.Struct, frozen=True):
    """One engine, loaded."""

    kind: Kind
    name: str
    report: Report


async def examine_engines(settings: Settings) -> list[Finding]:
    """Load every registered engine, each in a process of its own, and judge by the settings."""
    at_a_time = asyncio.Semaphore(_AT_A_TIME)
    needed = needed_engines(settings)
    options = settings.workers.options
    wanted = [(kind, name) for kind in KINDS for name in sorted(registered(kind) | needed[kind])]
    probed = await asyncio.gather(
        *(_probe(at_a_time, kind, name, options.get(name, {})) for kind, name in wanted)
    )
    return judge(probed, needed, settings.listening.phrases)


def registered(kind: Kind) -> frozenset[str]:
    """Return the names of that kind's engines, but for the fake that tests use."""
    return frozenset(entry.name for entry in entry_points(group=f"antiphon.{kind}")) - {"fake"}


def needed_engines(settings: Settings) -> Mapping[Kind, frozenset[str]]:
    """Return which engines the hub's own workers load (pure)."""
    workers = settings.workers
    if workers.local == 0:
        return dict.fromkeys(KINDS, frozenset())
    return {
        "stt": frozenset(workers.stt),
        "tts": frozenset(workers.tts),
        "wake": frozenset(workers.wake),
        "vad": frozenset({workers.vad}),
    }


def judge(
    probed: Sequence[Probed], needed: Mapping[Kind, frozenset[str]], phrases: Sequence[str]
) -> list[Finding]:
    """Return what the loaded engines mean under these settings (pure)."""
    findings = [_judge_engine(one, needed=one.name in needed[one.kind]) for one in probed]
    if not needed["wake"]:
        return findings
    usable = [one for one in probed if one.kind == "wake" and one.name in needed["wake"]]
    return findings + [_judge_phrase(phrase, usable) for phrase in phrases]


def _judge_engine(one: Probed, *, needed: bool) -> Finding:
    area, report = _CALLED[one.kind], one.report
    if not report.error:
        return Finding(area, one.name, "ok", report.detail)
    if not report.installed:
        remedy = f"install it as said here, or leave it out of [workers] {one.kind}"
        return absence(area, one.name, report.error, remedy if needed else "", needed=needed)
    remedy = f"mend [workers.options.{one.name}], install it again, or use another engine"
    return absence(area, one.name, report.error, remedy, needed=needed)


def _judge_phrase(phrase: str, usable: Sequence[Probed]) -> Finding:
    knowing = [one.name for one in usable if phrase in one.report.phrases]
    if knowing:
        return Finding("wake phrase", phrase, "ok", f"known to {', '.join(knowing)}")
    known = sorted({known for one in usable for known in one.report.phrases})
    return Finding(
        "wake phrase",
        phrase,
        "missing",
        "no wake engine that works has a model for it",
        f"choose [listening] phrases among: {', '.join(known) or 'none'}",
    )


async def _probe(
    at_a_time: asyncio.Semaphore, kind: Kind, name: str, options: Mapping[str, Any]
) -> Probed:
    module = "antiphon_tools.doctor.probe"
    argv = [sys.executable, "-m", module, kind, name, json.dumps(options, default=str)]
    async with at_a_time:
        ended = await run(argv, LOAD_TIMEOUT_S)
    lines = ended.output.strip().splitlines()
    try:
        report = msgspec.json.decode(lines[-1] if lines else "", type=Report)
    except msgspec.DecodeError:
        report = Report(error=ended.reason)
    return Probed(kind, name, report)
