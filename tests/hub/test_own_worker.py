"""The workers that the hub starts by itself, and when there is one to spare."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from antiphon_hub import settings as hub_settings
from antiphon_hub.own_worker import own_workers
from antiphon_hub.settings import SPARE_FROM_BYTES, WorkersSection
from antiphon_hub.supervise import Child
from antiphon_link.broker import BrokerAddress

BROKER = BrokerAddress(host="127.0.0.1", port=1883)


async def at_once() -> None:
    """A worker is here already."""


@pytest.mark.parametrize(
    ("local", "spare", "count"), [(0, True, 0), (1, False, 1), (1, True, 2), (2, True, 3)]
)
def test_there_is_one_more_than_is_needed(
    tmp_path: Path, local: int, spare: bool, count: int
) -> None:
    settings = WorkersSection(local=local, spare=spare)
    workers = list(own_workers(settings, BROKER, tmp_path, "hub", at_once))
    assert len(workers) == count
    ids = [tomllib.loads(file.read_text())["worker"]["id"] for file in tmp_path.glob("*.toml")]
    assert sorted(ids) == [f"hub-{number}" for number in range(1, count + 1)]


@pytest.mark.parametrize(("memory", "spares"), [(SPARE_FROM_BYTES, 1), (SPARE_FROM_BYTES - 1, 0)])
def test_without_a_setting_memory_decides(
    monkeypatch: pytest.MonkeyPatch, memory: int, spares: int
) -> None:
    monkeypatch.setattr(hub_settings, "memory_bytes", lambda: memory)
    assert WorkersSection().spares == spares
    assert WorkersSection(local=0).spares == 0


async def test_the_spare_one_starts_when_another_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Child] = []
    here = asyncio.Event()

    async def run(self: Child) -> None:
        started.append(self)

    async def one_is_here() -> None:
        await here.wait()

    monkeypatch.setattr(Child, "run", run)
    settings = WorkersSection(spare=True)
    workers = list(own_workers(settings, BROKER, tmp_path, "hub", one_is_here))
    runs = [asyncio.ensure_future(run()) for _, run in workers]
    await runs[0]
    assert started == [workers[0][0]]
    here.set()
    await asyncio.gather(*runs)
    assert started == [child for child, _ in workers]
