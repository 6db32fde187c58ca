"""`No, the bedroom`: what was meant instead of the last command (pure)."""

from collections.abc import Sequence
from typing import Any, Final

from antiphon_hub.home.model import Device, Home, Room
from antiphon_hub.home.spoken import spoken
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood

CORRECTION: Final = "AntiphonCorrect"
"""The intent of a correction."""
_TARGETS: Final = frozenset({"name", "area", "floor"})


def corrected(
    last: Interpretation, correction: Interpretation, home: Home
) -> Interpretation | NotUnderstood:
    """Return the last command with what the correction names: another device, room or level."""
    if "brightness" in correction.slots:
        return _other_level(last, correction)
    before = [device for one in last.devices if (device := home.device(one)) is not None]
    devices = _devices(last, before, correction, home)
    if not devices:
        return NotUnderstood("unknown-name", _unknown(before, correction))
    kept = {name: value for name, value in last.slots.items() if name not in _TARGETS}
    slots = {**kept, **_target(correction, devices, home)}
    ids = tuple(device.id for device in devices)
    return Interpretation(last.intent, slots, ids, correction.text, last.response)


def _other_level(
    last: Interpretation, correction: Interpretation
) -> Interpretation | NotUnderstood:
    if not last.devices:
        return NotUnderstood("not-understood", "Sorry, I don't know what you mean.")
    kept = {name: value for name, value in last.slots.items() if name != "brightness_step"}
    slots = {**kept, "brightness": correction.slots["brightness"]}
    return Interpretation("HassLightSet", slots, last.devices, correction.text)


def _devices(
    last: Interpretation, before: Sequence[Device], correction: Interpretation, home: Home
) -> list[Device]:
    kinds = {device.kind for device in before}
    if correction.devices:
        named = [home.device(one) for one in correction.devices]
        return [one for one in named if one is not None and (not kinds or one.kind in kinds)]
    rooms = _rooms(correction, home)
    inside = [one for one in home.devices if one.room in rooms and one.kind in kinds]
    if last.intent == "HassLightSet":
        inside = [one for one in inside if one.dimmable] or inside
    return _alike(inside, before) if "name" in last.slots else inside


def _rooms(correction: Interpretation, home: Home) -> set[str]:
    room: Room | None = home.room(str(correction.slots.get("area", "")))
    if room is not None:
        return {room.id}
    floor = home.floor(str(correction.slots.get("floor", "")))
    return {one.id for one in home.rooms if floor is not None and one.floor == floor.id}


def _alike(devices: Sequence[Device], before: Sequence[Device]) -> list[Device]:
    """Return those that are called the same, or end on the same noun; else all of the kind."""
    for words in (_name, _noun):
        called = {words(one) for one in before}
        if same := [one for one in devices if words(one) in called]:
            return same
    return list(devices)


def _name(device: Device) -> str:
    return spoken(device.name)


def _noun(device: Device) -> str:
    return spoken(device.name).split()[-1]


def _target(correction: Interpretation, devices: Sequence[Device], home: Home) -> dict[str, Any]:
    named = {name: correction.slots[name] for name in _TARGETS if name in correction.slots}
    if len(devices) == 1:
        named |= {"name": devices[0].name, "area": home.room_of(devices[0]).name}
    return named


def _unknown(before: Sequence[Device], correction: Interpretation) -> str:
    kind = before[0].kind if before else "device"
    where = correction.slots.get("area") or correction.slots.get("floor")
    return f"Sorry, I don't know of any {kind}{f' in the {where}' if where else ' of that name'}."
