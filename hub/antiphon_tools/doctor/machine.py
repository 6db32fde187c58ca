"""What the machine itself must have: Python, packages, programs, a place for state, sound."""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from antiphon_codecs.codecs import missing
from antiphon_codecs.libopus import LIBRARY
from antiphon_tools.doctor.finding import Finding, absence
from antiphon_tools.doctor.run import Ended, run

PYTHON_OLDEST: Final = (3, 11)
STATE_FREE_BYTES: Final = 100 * 1024 * 1024
"""A week's journal, logs of a bad day, and room to think."""
_SOUND_TIMEOUT_S: Final = 10.0
_PROGRAMS: Final = {
    "espeak-ng": ("the demo's and the tests' speech", "espeak-ng"),
    "flite": ("the demo's and the tests' speech", "flite"),
    "setpriv": ("children that end with a killed hub", "util-linux"),
}


def examine_python() -> Finding:
    """Look at the interpreter."""
    detail = f"{sys.version.split()[0]} at {sys.executable}"
    if sys.version_info < PYTHON_OLDEST:
        oldest = ".".join(map(str, PYTHON_OLDEST))
        return Finding("python", "python", "missing", detail, f"install Python {oldest} or later")
    return Finding("python", "python", "ok", detail)


def examine_packages() -> list[Finding]:
    """Look at our packages and at what makes them faster."""
    return [
        _package("antiphon-protocol", needed=True),
        _package("antiphon-hub", needed=True),
        _package("antiphon-satellite", needed=False),
        _fast_loop(),
    ]


def _package(name: str, *, needed: bool) -> Finding:
    try:
        return Finding("packages", name, "ok", version(name))
    except PackageNotFoundError:
        return absence("packages", name, "not installed", f"pip install {name}", needed=needed)


def _fast_loop() -> Finding:
    if importlib.util.find_spec("uvloop") is not None:
        return Finding("packages", "uvloop", "ok", version("uvloop"))
    remedy = "pip install 'antiphon-protocol[fast]'"
    return absence("packages", "uvloop", "not installed: it works, slower", remedy, needed=False)


def examine_programs() -> list[Finding]:
    """Look for Debian's programs that parts of us call; Mosquitto is the broker's matter."""
    return [_program(name, use, package) for name, (use, package) in _PROGRAMS.items()]


def examine_opus() -> Finding:
    """See whether audio can travel as Opus; without it, it travels as it is."""
    lacking = missing()
    if lacking is None:
        return Finding("packages", "opus", "ok", LIBRARY)
    detail = f"audio travels as PCM ({lacking.why})"
    return absence("packages", "opus", detail, lacking.remedy, needed=False)


def _program(name: str, use: str, package: str) -> Finding:
    path = shutil.which(name)
    if path is not None:
        return Finding("programs", name, "ok", path)
    return absence("programs", name, f"no {use}", f"apt install {package}", needed=False)


def examine_state_dir(path: Path) -> Finding:
    """See whether state can be written; the nearest existing parent is tried, nothing is made."""
    existing = next(one for one in (path, *path.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free_bytes = shutil.disk_usage(existing).free
    except OSError as error:
        detail = f"cannot be written: {error.strerror}"
        remedy = f"let {_user()} write there, or choose another: [hub] state_dir"
        return Finding("state", str(path), "missing", detail, remedy)
    detail = f"writable, {free_bytes / 1e9:.1f} GB free"
    if free_bytes < STATE_FREE_BYTES:
        remedy = f"free {STATE_FREE_BYTES // 1_000_000} MB, or choose another: [hub] state_dir"
        return Finding("state", str(path), "missing", detail, remedy)
    return Finding("state", str(path), "ok", detail)


def _user() -> str:
    return os.environ.get("USER") or f"user {os.geteuid()}"


async def examine_sound() -> list[Finding]:
    """Ask PortAudio for sound cards, in a process of its own: a bad driver may end it."""
    script = (
        "import json, sounddevice; print(); print(json.dumps([[d['name'], "
        "d['max_input_channels'], d['max_output_channels']] for d in sounddevice.query_devices()]))"
    )
    return judge_sound(await run([sys.executable, "-c", script], _SOUND_TIMEOUT_S))


def judge_sound(ended: Ended) -> list[Finding]:
    """Return what PortAudio's answer means (pure)."""
    devices = _devices(ended.output)
    if devices is None:
        reason = (ended.errors.strip().splitlines() or [ended.reason])[-1]
        remedy = "pip install 'antiphon-satellite[sound]', and apt install libportaudio2"
        return [absence("sound", "cards", f"cannot be asked: {reason}", remedy, needed=False)]
    return [
        _sound("microphone", [name for name, inputs, _ in devices if inputs]),
        _sound("speaker", [name for name, _, outputs in devices if outputs]),
    ]


def _devices(output: str) -> list[Any] | None:
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _sound(what: str, names: Sequence[str]) -> Finding:
    if names:
        return Finding("sound", what, "ok", ", ".join(names))
    remedy = "only a satellite on this machine needs one"
    return absence("sound", what, "none", remedy, needed=False)
