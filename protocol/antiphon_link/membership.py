"""What makes a device part of a house, on its disk: readable by its own account alone."""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from antiphon_link.errors import SettingsError
from antiphon_link.private_file import write_private
from antiphon_protocol.ids import is_slug, new_id
from antiphon_protocol.messages.pairing import DeviceKind, Membership

_SERIAL: Final = "serial"


def load(state_dir: Path, kind: DeviceKind, device: str) -> Membership | None:
    """Return what the device of this id got when it was paired; None: it was not yet.

    Raises:
        SettingsError: the file cannot be read.
    """
    path = state_dir / _file(f"{kind}-{device}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Membership)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), [f"{error}; remove it and pair again"]) from None


def save(state_dir: Path, membership: Membership) -> None:
    """Keep it.

    Raises:
        SettingsError: the file cannot be written.
    """
    path = state_dir / _file(membership.username)
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, msgspec.json.encode(membership).decode())
    except OSError as error:
        raise SettingsError(str(path), [str(error)]) from None


def serial(state_dir: Path) -> str:
    """Return which device this is, the same at every call; made at the first.

    Raises:
        SettingsError: it cannot be kept.
    """
    path = state_dir / _SERIAL
    with contextlib.suppress(OSError, UnicodeDecodeError):
        kept = path.read_text(encoding="ascii").strip()
        if is_slug(kept):
            return kept
    made = new_id("device")
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, made)
    except OSError as error:
        raise SettingsError(str(path), [str(error)]) from None
    return made


def _file(username: str) -> str:
    """Several satellites of one machine may share a state directory."""
    return f"house.{username}.json"
