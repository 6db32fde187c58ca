"""Node and the browser satellite's npm packages, for tests; without them these are skipped.

Debian 12's Node is too old, thus CI need not have one: what people run is the committed build.
"""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2] / "satellites" / "browser"
NEEDED: Final = (20, 19)
INSTALL_S: Final = 240.0
_NO_NETWORK: Final = re.compile(r"E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT)|network")


def npm(*arguments: str, within_s: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run npm in the browser satellite's folder, its packages installed."""
    _install()
    return _run(*arguments, within_s=within_s)


def file_of(package: str, name: str) -> Path:
    """Return a file of one of those packages."""
    _install()
    return PROJECT / "node_modules" / package / name


@cache
def _install() -> None:
    _require_node()
    lock = PROJECT / "package-lock.json"
    installed = PROJECT / "node_modules" / ".package-lock.json"
    if installed.exists() and _versions(installed) == _versions(lock):
        return
    done = _run("ci", "--no-audit", "--no-fund", within_s=INSTALL_S)
    if done.returncode and _NO_NETWORK.search(done.stderr):
        pytest.skip("npm's registry cannot be reached")
    assert done.returncode == 0, done.stderr


def _require_node() -> None:
    wanted = ".".join(map(str, NEEDED))
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip(f"Node {wanted} with npm is not installed")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S607 - whichever Node is installed
    if tuple(map(int, re.findall(r"\d+", told)[:2])) < NEEDED:
        pytest.skip(f"Node {told.strip()} is too old: {wanted}")


def _versions(path: Path) -> dict[str, str]:
    """Return the packages that this machine wants, with their versions."""
    packages = json.loads(path.read_text("utf-8"))["packages"]
    return {
        name: one.get("version", "")
        for name, one in packages.items()
        if name and not one.get("optional")
    }


def _run(*arguments: str, within_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", *arguments],  # noqa: S607 - whichever npm is installed
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
