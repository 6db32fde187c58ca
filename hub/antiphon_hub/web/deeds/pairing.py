"""Letting devices in, and out again."""

import asyncio
from typing import Annotated

import msgspec

from antiphon_hub.errors import ConsoleError, IdentityError
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed


class DeviceShown(Record, frozen=True, kw_only=True):
    """Something that has an account at the broker."""

    id: str
    """Its account's name."""
    role: str
    room: str
    host: str
    since_s: float
    """When it was let in, seconds since 1970."""


class PairingNow(Record, frozen=True, kw_only=True):
    """Whether a device may come in now, and who came in."""

    open: bool
    code: str
    """The code that counts now; empty while closed."""
    until_s: float
    """Seconds since 1970."""
    outcome: str
    """How it went last time."""
    devices: tuple[DeviceShown, ...]


class OpenPairing(Asked, frozen=True, kw_only=True):
    """For how long, and for whom."""

    code: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """What the device shows or says; empty: a new one, for the device to be given."""
    minutes: Annotated[float, msgspec.Meta(ge=0.5, le=60)] = 5.0


class OneDevice(Asked, frozen=True, kw_only=True):
    """A device by its account's name."""

    device: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


@deed("GET", "/pairing", Scope.MANAGE)
async def state(desk: Desk, asked: Nothing) -> PairingNow:
    """Tell whether a device may come in now, and who came in."""
    del asked
    pairing = desk.house.pairing
    now, devices = await asyncio.to_thread(lambda: (pairing.state(), pairing.devices()))
    return PairingNow(
        open=now.is_open,
        code=now.code,
        until_s=now.until_s,
        outcome=now.outcome,
        devices=tuple(
            DeviceShown(
                id=one.id,
                role=str(one.account.role),
                room=one.room,
                host=one.host,
                since_s=one.made_s,
            )
            for one in devices
        ),
    )


@deed("POST", "/pairing", Scope.MANAGE)
async def begin(desk: Desk, asked: OpenPairing) -> Done:
    """Let one device in that has the code, for some minutes."""
    by = desk.who.person.name
    try:
        code = await asyncio.to_thread(
            desk.house.pairing.open, asked.minutes, asked.code.strip(), by=by
        )
    except IdentityError as error:
        raise ConsoleError(422, f"code: {error}") from None
    return Done(message=f"A device with the code {code} may come in now.")


@deed("DELETE", "/pairing", Scope.MANAGE)
async def end(desk: Desk, asked: Nothing) -> Done:
    """Let nobody in any more."""
    del asked
    await asyncio.to_thread(desk.house.pairing.close, by=desk.who.person.name)
    return Done(message="Nobody comes in any more.")


@deed("DELETE", "/devices/{device}", Scope.MANAGE)
async def revoke(desk: Desk, asked: OneDevice) -> Done:
    """End a device's account; it is cut off at once."""
    by = desk.who.person.name
    if not await asyncio.to_thread(desk.house.pairing.revoke, asked.device, by=by):
        raise ConsoleError(404, f"there is no device {asked.device}")
    return Done(message=f"{asked.device} is cut off.")
