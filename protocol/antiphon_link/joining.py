"""Whether a device must be paired before it can join, and doing it."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from antiphon_link import membership
from antiphon_link.broker import BrokerSettings
from antiphon_link.errors import LinkDownError, LinkRefusedError, NotFoundError, PairingError
from antiphon_link.resolve import search, stranger
from antiphon_protocol.errors import DecodeError
from antiphon_protocol.messages.pairing import DeviceKind
from antiphon_protocol.pairing_code import parse_code, shown

log = logging.getLogger(__name__)

SHOW: Final = "show"
"""In place of a code: make one and show it, for a person to type in at the hub."""


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """A device that may have to be let in."""

    kind: DeviceKind
    device: str
    """The id that it will have in the house."""
    room: str = ""
    host: str = ""
    software: str = ""


async def ensure_member(
    settings: BrokerSettings,
    state_dir: Path,
    who: Newcomer,
    pair: str,
    show: Callable[[str], None],
) -> None:
    """Pair the device if that was asked for, or if the hub that is found takes no others.

    Args:
        settings: Where the broker is; with an account there is nothing to do.
        state_dir: Where the membership is kept.
        who: The device.
        pair: The hub's code, `show`, or nothing: pair only if it must be.
        show: Called with each code that the device makes for itself, for a person to carry.

    Raises:
        PairingError: the code is none, or the house does not let the device in.
        SettingsError: the membership cannot be read or kept.
    """
    if not pair and not await _must_pair(settings, state_dir, who):
        return
    try:
        code = "" if pair in ("", SHOW) else parse_code(pair)
    except DecodeError as error:
        raise PairingError("wrong-code", f"--pair: {error}") from None
    # Only now: arithmetic and certificates are nothing that a satellite needs every day.
    from antiphon_link.pairing import Applicant, join  # noqa: PLC0415 - heavy, and rarely used

    applicant = Applicant(**msgspec.structs.asdict(who), serial=membership.serial(state_dir))
    if code:
        log.info("waiting until the hub lets %s %s in", who.kind, who.device)
    member = await join(stranger(settings), applicant, code=code, show=show)
    membership.save(state_dir, member)
    log.info("part of %s now, as %s", member.site, member.username)


async def _must_pair(settings: BrokerSettings, state_dir: Path, who: Newcomer) -> bool:
    if settings.username or settings.address:
        return False
    if membership.load(state_dir, who.kind, who.device) is not None:
        return False
    try:
        _, record = await search("")
    except (NotFoundError, LinkDownError, LinkRefusedError) as error:
        log.debug("is there a hub that wants devices paired? %s", error)
        return False  # whoever connects later tells what is wrong
    return record.paired


def show_on_terminal(code: str) -> None:
    """Tell a person the device's own code, and what to do with it."""
    # Not through the log: a code is a secret, if a short-lived one, and logs are kept.
    sys.stderr.write(
        f"\nThis device is not part of the house yet. Its code: {shown(code)}\n"
        "Type it in on the hub's console, under Satellites, or on the hub's machine:\n"
        f"    antiphon devices pair {code}\n\n"
    )
    sys.stderr.flush()
