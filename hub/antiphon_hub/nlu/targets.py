"""Which devices a sentence means: by name or by kind, in the asking room first (pure)."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from antiphon_hub.home.model import Device, Home, Room
from antiphon_hub.nlu.meaning import NotUnderstood
from antiphon_hub.nlu.names import Names, variants

ROOMS_LISTED_MAX = 3
"""Rooms or devices that a question lists; nobody keeps more in mind."""


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


class Choice(msgspec.Struct, frozen=True):
    """One of several things that may be meant."""

    names: tuple[str, ...]
    """What a person calls it in an answer."""
    targets: Targets


class Unclear(msgspec.Struct, frozen=True):
    """Several things may be meant, and nothing tells which."""

    say: str
    """The question to ask back."""
    choices: tuple[Choice, ...]


Devices = Sequence[Device]


class _Several(msgspec.Struct, frozen=True):
    say: str
    parts: tuple[tuple[tuple[str, ...], Devices], ...]
    """Names of each part, and its devices."""


def find_targets(request: Request, names: Names) -> Targets | Unclear | NotUnderstood:
    """Return what is meant: the asking room's, then its floor's, then the only one in the house."""
    found = _by_name(request, names) if "name" in request.slots else _by_kind(request, names)
    if isinstance(found, NotUnderstood):
        return found
    if isinstance(found, _Several):
        choices = [Choice(said, _targets(request, part, names)) for said, part in found.parts]
        return Unclear(found.say, tuple(choices))
    return _targets(request, found, names)


def _targets(request: Request, found: Devices, names: Names) -> Targets:
    if request.dims:
        found = [device for device in found if device.dimmable] or found
    return Targets(tuple(found), _canonical(request, found, names.home))


def _by_name(request: Request, names: Names) -> Devices | _Several | NotUnderstood:
    said = request.slots["name"]
    bearers = [
        device
        for device in names.called(said, request.room.id if request.room else "")
        if request.kind is None or device.kind == request.kind
    ]
    within = _within(bearers, request, names.home)
    if not within:
        return _unknown(said, request, names.home)
    nearest = _nearest(within, request.room, names.home, said)
    if isinstance(nearest, _Several) or len(nearest) == 1 or _is_group(said, nearest):
        return nearest
    return _which_device(said, nearest)


def _is_group(said: str, devices: Devices) -> bool:
    """Tell whether the owner gave all of them this name; a mere `lamp` is one of them."""
    return all(said in variants(device.names) for device in devices) or said.endswith("s")


def _by_kind(request: Request, names: Names) -> Devices | _Several | NotUnderstood:
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


def _nearest(devices: Devices, room: Room | None, home: Home, said: str) -> Devices | _Several:
    here = [device for device in devices if room is not None and device.room == room.id]
    if here:
        return here
    floor = room.floor if room is not None else ""
    near = [device for device in devices if floor and home.room_of(device).floor == floor]
    for circle in (near, devices):
        if len({device.room for device in circle}) == 1:
            return circle
    return _which_room(said, near or devices, home)


def _which_room(said: str, devices: Devices, home: Home) -> _Several:
    rooms = list(dict.fromkeys(home.room_of(device) for device in devices))
    parts = tuple(
        (
            tuple(variants(room.names)),
            [device for device in devices if device.room == room.id],
        )
        for room in rooms
    )
    if len(rooms) > ROOMS_LISTED_MAX:
        return _Several("In which room?", parts)
    return _Several(_question(said, [f"in the {room.name}" for room in rooms]), parts)


def _which_device(said: str, devices: Devices) -> _Several:
    parts = tuple((tuple(variants(device.names)), [device]) for device in devices)
    if len(devices) > ROOMS_LISTED_MAX:
        return _Several(f"Which {said}?", parts)
    return _Several(_question(said, [f"the {device.name}" for device in devices]), parts)


def _question(said: str, listed: Sequence[str]) -> str:
    return f"Which {said}, {', '.join(listed[:-1])} or {listed[-1]}?"


def _unknown(said: str, request: Request, home: Home) -> NotUnderstood:
    where = ""
    if area := (not request.implied_area and request.slots.get("area")):
        where = next((f" in the {room.name}" for room in home.rooms if room.id == area), "")
    elif floor := request.slots.get("floor"):
        where = next((_on_floor(one.name) for one in home.floors if one.id == floor), "")
    return NotUnderstood("unknown-name", f"Sorry, I don't know of any {said}{where}.")


def _on_floor(name: str) -> str:
    return f" {name}" if name.lower() in ("upstairs", "downstairs") else f" on the {name}"


def _canonical(request: Request, devices: Devices, home: Home) -> dict[str, Any]:
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
