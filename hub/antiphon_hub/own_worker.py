"""The workers that the hub starts by itself: the same program as on any other machine."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import tomli_w

from antiphon_hub.settings import WorkersSection
from antiphon_hub.supervise import Child
from antiphon_link.broker import BrokerAddress

Run = Callable[[], Awaitable[None]]


def own_workers(
    settings: WorkersSection, broker: BrokerAddress, folder: Path, hub: str, one_is_here: Run
) -> Iterator[tuple[Child, Run]]:
    """Yield the workers, and what keeps each running; a spare starts once another is here.

    Args:
        settings: How many, and which engines.
        broker: Where they meet the hub.
        folder: Where their files and state are.
        hub: The hub's id, which begins theirs.
        one_is_here: Returns once a worker is, or after a while.
    """
    for number in range(1, settings.local + settings.spares + 1):
        file = folder / f"worker-{number}.toml"
        worker = own_worker(settings, broker, file, f"{hub}-{number}")
        spare = number > settings.local
        yield worker, partial(_run_after, one_is_here, worker) if spare else worker.run


async def _run_after(one_is_here: Run, worker: Child) -> None:
    await one_is_here()
    await worker.run()


def own_worker(settings: WorkersSection, broker: BrokerAddress, file: Path, name: str) -> Child:
    """Write a worker's settings file and return the worker, not yet started.

    Its state lives in a folder of its name beside the file, which holds the broker's password.
    """
    config = {
        "broker": {
            "address": f"{_bracketed(broker.host)}:{broker.port}",
            "username": broker.username,
            "password": broker.password,
            "tls": broker.tls,
            "ca_file": broker.ca_file,
        },
        "worker": {"id": name, "state_dir": str(file.with_name(name))},
        "engines": {
            "stt": list(settings.stt),
            "tts": list(settings.tts),
            "wake": list(settings.wake),
            "vad": settings.vad,
        },
        "options": settings.options,
    }
    file.touch(mode=0o600)
    file.write_text(tomli_w.dumps(config), encoding="utf-8")
    argv = [sys.executable, "-m", "antiphon_link", "worker", "--config", str(file)]
    return Child(argv, name=f"worker {name}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
