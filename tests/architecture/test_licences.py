"""Every dependency is pinned, listed with its licence, and copyleft only where it may be."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("antiphon-protocol", "antiphon-satellite", "antiphon-hub")
APART = {"espeakng-loader", "piper-tts"}
"""Copyleft, run in a process of their own."""


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {normal(name): version for name, version in (line.split("==") for line in lines)}


def listed() -> dict[str, str]:
    text = (ROOT / "docs" / "licences.md").read_text()
    rows = re.findall(r"^\| ([A-Za-z][\w.-]*) \| ([^|]+) \|", text, re.MULTILINE)
    return {normal(name): licence.strip() for name, licence in rows if name != "package"}


def needed() -> list[str]:
    """The installed closure of our packages, extras included as far as they are installed."""
    seen: set[str] = set()
    todo = list(OURS)
    while todo:
        name = normal(todo.pop())
        if name == "torch":  # the owner chooses the build that fits the machine
            continue
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        if name in seen:
            continue
        seen.add(name)
        ours = name in OURS
        wanted = (line for line in requirements if ours or "extra ==" not in line)
        todo += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted]
    return sorted(seen - set(OURS))


@pytest.mark.parametrize("name", needed())
def test_every_dependency_is_pinned_and_listed(name: str) -> None:
    assert name in pins(), "pin it in constraints.txt"
    assert name in listed(), "list it in docs/licences.md"


def test_the_page_lists_what_is_pinned_and_nothing_else() -> None:
    assert set(listed()) - APART == set(pins()) - APART


@pytest.mark.parametrize("name", sorted(set(listed()) - APART))
def test_copyleft_is_kept_apart(name: str) -> None:
    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    fields = metadata.get_all("Classifier") or []
    fields += metadata.get_all("License-Expression") or []
    fields += metadata.get_all("License") or []
    stated = "; ".join(fields)
    gpl = re.search(r"(?<![Ll])A?GPL|(?<!Lesser )General Public License", stated)
    assert gpl is None, f"{name}: {stated}"
