"""The demo's hub: a real `antiphon hub` with its own broker and worker, in a temporary folder."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import tomli_w

from antiphon_hub.errors import ChildError
from antiphon_hub.supervise import Child
from antiphon_link.broker import BrokerAddress, parse_address
from antiphon_link.errors import SettingsError
from antiphon_tools.demo.errors import HubFailedError

READY_TIMEOUT_S: Final = 60.0
"""A first start on a slow board compiles its byte code and reads its models from an SD card."""
_LOOK_AGAIN_S: Final = 0.02
_LAST_WORDS: Final = 12


class HubReady(msgspec.Struct, frozen=True):
    """What the hub writes into `<state-dir>/hub.json` when it serves."""

    broker: str
    """`host:port`."""
    pid: int


class RunningHub(msgspec.Struct, frozen=True):
    """A hub that serves."""

    broker: BrokerAddress
    pid: int
    state_dir: Path
    child: Child


@asynccontextmanager
async def running_hub(
    state_dir: Path, *, home: Path | None = None, sentences: Sequence[Path] = ()
) -> AsyncIterator[RunningHub]:
    """Run a hub inside the block; it and its children are gone afterwards.

    Args:
        state_dir: An existing folder for its settings and state.
        home: The home model; None for the example home.
        sentences: The owner's own sentences.

    Raises:
        HubFailedError: it did not start; the message has its last words.
    """
    config = state_dir / "hub.toml"
    config.write_text(_settings(home, sentences), encoding="utf-8")
    child = Child(_argv(config, state_dir), name="hub")
    try:
        await child.start()
        ready = await _ready(child, state_dir / "hub.json")
        host, port = parse_address(ready.broker, 0)
        yield RunningHub(BrokerAddress(host=host, port=port), ready.pid, state_dir, child)
    except (ChildError, SettingsError) as error:
        raise HubFailedError(f"the hub did not start: {error}") from None
    finally:
        await child.stop()


@asynccontextmanager
async def temporary_folder() -> AsyncIterator[Path]:
    """Have a folder inside the block; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="antiphon-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _argv(config: Path, state_dir: Path) -> list[str]:
    hub = [sys.executable, "-m", "antiphon_link", "hub"]
    return [*hub, "--config", str(config), "--state-dir", str(state_dir), "--port", "0"]


def _settings(home: Path | None, sentences: Sequence[Path]) -> str:
    """Return the hub's settings as TOML."""
    files = [str(path.absolute()) for path in sentences]
    return tomli_w.dumps(
        {
            "hub": {"id": "demo", "site": "Demo"},
            "home": {"file": str(home.absolute()) if home else "", "sentences": files},
            "discovery": {"announce": False},
            "workers": {"spare": False},
        }
    )


async def _ready(child: Child, path: Path) -> HubReady:
    ended = asyncio.create_task(child.wait(), name="hub: end")
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not ended.done():
                if (ready := _read_ready(path)) is not None:
                    return ready
                await asyncio.wait([ended], timeout=_LOOK_AGAIN_S)
        reason = f"it ended with status {ended.result()}"
    except TimeoutError:
        reason = f"it did not serve within {READY_TIMEOUT_S:g} s"
    finally:
        ended.cancel()
    raise HubFailedError(f"the hub did not start: {reason}; {last_words(child)}")


def last_words(child: Child) -> str:
    """Return what a child said last, for a message."""
    words = "\n  ".join(list(child.last_lines)[-_LAST_WORDS:])
    return f"its last words:\n  {words}" if words else "it said nothing"


def _read_ready(path: Path) -> HubReady | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=HubReady)
    except (OSError, msgspec.DecodeError):
        return None  # not there yet, or half written: look again
