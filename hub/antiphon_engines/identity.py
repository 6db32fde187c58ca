"""The worker's id: given, or made up once and kept."""

import fcntl
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from antiphon_link.errors import SettingsError
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import is_slug, slug_of

_FILE: Final = "worker-id"
_HOST_CHARS_MAX: Final = 40


@contextmanager
def identity(given: str, state_dir: Path) -> Iterator[str]:
    """Give the worker's id; a made-up one is locked inside the block, so that no two share it.

    Raises:
        SettingsError: the state directory cannot be used, or another worker uses it now.
    """
    if given:
        yield given
        return
    with _locked(state_dir.expanduser()) as file:
        yield _kept(file)


@contextmanager
def _locked(state_dir: Path) -> Iterator[TextIO]:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with (state_dir / _FILE).open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
    except BlockingIOError:
        raise SettingsError(
            str(state_dir), ["another worker runs on it; give this one its own id by --id"]
        ) from None
    except OSError as error:
        raise SettingsError(
            "[worker]", [f"state_dir: {error}; name another one, or give an id"]
        ) from None


def _kept(file: TextIO) -> str:
    file.seek(0)
    kept = file.read(100).strip()
    if is_slug(kept):
        return kept
    fresh = f"{_host()}-{secrets.token_hex(2)}"
    file.seek(0)
    file.truncate()
    file.write(f"{fresh}\n")
    file.flush()
    return fresh


def _host() -> str:
    try:
        return slug_of(socket.gethostname()[:_HOST_CHARS_MAX])
    except TopicError:
        return "worker"
