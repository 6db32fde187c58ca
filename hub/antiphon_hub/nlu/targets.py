"""Which devices a sentence means: by name or by kind, in the asking room first (pure)."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from antiphon_hub.home.model import Device, Home, Room
from antiphon_hub.nlu.meaning import NotUnderstood
from antiphon_hub.nlu.names import Names

ROOMS_LISTED_MAX = 3
"""Rooms that a question lists; nobody keeps more in mind."""


class Request(msgspec.Struct, frozen=True):
    """What the templates found in a sentence, still in its own words."""

    slots: dict[str, Any]
    """`name` as it was said, `area` and `floor` as ids."""
    room: Room | None
    """Where it was said; None: a room that the home does not have."""
    kind: str | None = None
    """Kind of the device that the template asks for by name; None: any."""
    implied_area: bool = False
    """The area was not said: it is the asking room's."""
    dims: bool = False
    """A brightness is to be set."""


class Targets(msgspec.Struct, frozen=True):
    """The devices meant, and the slots in canonical names."""

    devices: tuple[Device, ...]
    slots: dict[str, Any]


def find_targets(request: Request, names: Names) -> Targets | NotUnderstood:
    """Return what is meant: the asking room's, then its floor's, then the only one in the house."""
    found = _by_name(request, names) if "name" in request.slots else _by_kind(request, names)
    if isinstance(found, NotUnderstood):
        return found
    if request.dims:
        found = [device for device in found if device.dimmable] or found
    return Targets(tuple(found), _canonical(request, found, names.home))


def _by_name(request: Request, names: Names) -> Sequence[Device] | NotUnderstood:
    said = request.slots["name"]
    bearers = [
        device
        for device in names.called(said, request.room.id if request.room else "")
        if request.kind is None or device.kind == request.kind
    ]
    within = _within(bearers, request, names.home)
    if not within:
        return _unknown(said, request, names.home)
    return _nearest(within, request.room, names.home, said)


def _by_kind(request: Request, names: Names) -> Sequence[Device] | NotUnderstood:
    asked = request.slots.get("domain")
    if asked is None:
        return ()
    kinds = [asked] if isinstance(asked, str) else asked
    candidates = [device for device in names.home.devices if device.kind in kinds]
    if request.implied_area:
        if not candidates:
            return _unknown(kinds[0], request, names.home)
        return _nearest(candidates, request.room, names.home, kinds[0])
    return _within(candidates, request, names.home) or _unknown(kinds[0], request, names.home)


def _within(devices: Iterable[Device], request: Request, home: Home) -> list[Device]:
    """Return those in the room or on the floor that was said, or all."""
    area = None if request.implied_area else request.slots.get("area")
    floor = request.slots.get("floor")
    return [
        device
        for device in devices
        if (not area or device.room == area) and (not floor or home.room_of(device).floor == floor)
    ]


def _nearest(
    devices: Sequence[Device], room: Room | None, home: Home, said: str
) -> Sequence[Device] | NotUnderstood:
    here = [device for device in devices if room is not None and device.room == room.id]
    if here:
        return here
    floor = room.floor if room is not None else ""
    near = [device for device in devices if floor and home.room_of(device).floor == floor]
    for circle in (near, devices):
        if len({device.room for device in circle}) == 1:
            return circle
    return _which(said, devices, home)


def _which(said: str, devices: Sequence[Device], home: Home) -> NotUnderstood:
    rooms = list(dict.fromkeys(f"in the {home.room_of(device).name}" for device in devices))
    if len(rooms) > ROOMS_LISTED_MAX:
        return NotUnderstood("ambiguous", "In which room?")
    listed = f"{', '.join(rooms[:-1])} or {rooms[-1]}"
    return NotUnderstood("ambiguous", f"Which {said} do you mean: {listed}?")


def _unknown(said: str, request: Request, home: Home) -> NotUnderstood:
    where = ""
    if area := (not request.implied_area and request.slots.get("area")):
        where = next((f" in the {room.name}" for room in home.rooms if room.id == area), "")
    elif floor := request.slots.get("floor"):
        where = next((_on_floor(one.name) for one in home.floors if one.id == floor), "")
    return NotUnderstood("unknown-name", f"Sorry, I don't know of any {said}{where}.")


def _on_floor(name: str) -> str:
    return f" {name}" if name.lower() in ("upstairs", "downstairs") else f" on the {name}"


def _canonical(request: Request, devices: Sequence[Device], home: Home) -> dict[str, Any]:
    slots = dict(request.slots)
    rooms = {device.room for device in devices}
    if "name" in slots and len(devices) == 1:
        slots["name"] = devices[0].name
    if ("name" in slots or request.implied_area) and len(rooms) == 1:
        slots["area"] = rooms.pop()
    if "area" in slots:
        area = home.room(slots["area"])
        slots["area"] = area.name if area else slots["area"]
    if "floor" in slots:
        floor = home.floor(slots["floor"])
        slots["floor"] = floor.name if floor else slots["floor"]
    return slots
