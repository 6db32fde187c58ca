"""Starting and stopping a program: event loop, signals, service manager.

Cancellation is the only stop signal: SIGTERM and SIGINT cancel the main task, each part ends in its
own `finally`, in the order that the task group's nesting gives.
"""

import asyncio
import contextlib
import gc
import importlib.util
import logging
import os
import signal
import socket
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a program until it ends or is told to stop; on uvloop where that is installed."""
    factory = None
    if importlib.util.find_spec("uvloop") is not None:
        import uvloop  # noqa: PLC0415 - an optional, heavy import

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_until_told(main))


async def _until_told(main: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(main, name="main")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def settle() -> None:
    """Say that what lasts is built: Python's collector looks through none of it again.

    Engines, models and modules are some hundred thousand objects that stay; to look through them
    takes up to 0.1 s, in the middle of somebody's sentence. Of what was said to last before, it
    looks for garbage once more: that goes when something else has taken its place.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class ServiceManager:
    """Tells systemd how we are (sd_notify(3)); does nothing when no service manager listens."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address if address is not None else os.environ.get("NOTIFY_SOCKET", "")

    @property
    def listens(self) -> bool:
        """Whether a service manager keeps this program running."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """The program serves."""
        self._notify(f"READY=1\nSTATUS={_line(status)}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._notify(f"STATUS={_line(text)}")

    def alive(self) -> None:
        """Feed the watchdog; call it only where real work was seen to move."""
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """The program is ending in order."""
        self._notify("STOPPING=1")

    @property
    def watchdog_s(self) -> float | None:
        """How often to call `alive`, seconds: half of what systemd allows; None if unwatched.

        As sd_watchdog_enabled(3) has it, a watched program's children are not watched themselves.
        """
        allowed_us = os.environ.get("WATCHDOG_USEC", "")
        watched = os.environ.get("WATCHDOG_PID") or str(os.getpid())
        if not allowed_us.isdigit() or watched != str(os.getpid()):
            return None
        return int(allowed_us) / 2e6

    def _notify(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.connect(address)
                sender.sendall(text.encode())
        except OSError as error:
            log.debug("service manager does not listen: %s", error)


def _line(text: str) -> str:
    """Keep a status from saying anything else: each line of a notification is an assignment."""
    return " ".join(text.split())
