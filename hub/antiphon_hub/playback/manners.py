"""How a room wants to be spoken to: volume, quiet hours, do-not-disturb (pure)."""

import math
from datetime import datetime, time
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from antiphon_protocol.ids import Slug

SILENT_DB: Final = -60.0
"""The quietest that the protocol knows; below 0.1 % of full scale nobody hears anything."""

Percent = Annotated[int, Meta(ge=0, le=100)]
Hour = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$(?!\n)")]
"""A time of day: `22:30`."""
AtNight = Literal["quieter", "chime", "refuse"]
Verdict = Literal["play", "chime", "quiet-hours", "do-not-disturb"]


class Manners(msgspec.Struct, frozen=True, kw_only=True):
    """What is set for a room; the fields are those of the settings' `[playback]`."""

    percent: Percent = 100
    """Volume at first, until somebody changes it."""
    quiet_from: Hour = "22:00"
    quiet_to: Hour = "22:00"
    quiet_percent: Percent = 30
    quiet_announcements: AtNight = "quieter"
    reply_on: Slug | None = None


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """What people have changed in a room; kept over restarts."""

    percent: Percent | None = None
    """None: as set."""
    disturb_after_us: int = 0
    """Do-not-disturb until then, hub's clock; 0: it is off, -1: until somebody ends it."""


def is_quiet(manners: Manners, now: datetime) -> bool:
    """Tell whether the local time lies in the room's quiet hours, which may pass midnight."""
    begin, end = time.fromisoformat(manners.quiet_from), time.fromisoformat(manners.quiet_to)
    at = now.time()
    if begin <= end:
        return begin <= at < end
    return at >= begin or at < end


def is_undisturbed(state: RoomState, now_us: int) -> bool:
    """Tell whether nobody shall disturb there now."""
    return state.disturb_after_us < 0 or now_us < state.disturb_after_us


def percent_now(manners: Manners, state: RoomState, now: datetime) -> int:
    """Return the room's volume at this time, percent."""
    percent = manners.percent if state.percent is None else state.percent
    return min(percent, manners.quiet_percent) if is_quiet(manners, now) else percent


def gain_db(percent: int) -> float:
    """Return the gain for a volume: half of it sounds half as loud, 12 dB less."""
    return max(SILENT_DB, round(40.0 * math.log10(percent / 100.0), 1)) if percent else SILENT_DB


def verdict(
    manners: Manners, state: RoomState, *, urgent: bool, now: datetime, now_us: int
) -> Verdict:
    """Return what becomes of an announcement in a room."""
    if urgent:
        return "play"
    if is_undisturbed(state, now_us):
        return "do-not-disturb"
    if not is_quiet(manners, now) or manners.quiet_announcements == "quieter":
        return "play"
    return "chime" if manners.quiet_announcements == "chime" else "quiet-hours"
