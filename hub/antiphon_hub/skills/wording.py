"""How replies name devices and numbers: always in words, as they will be spoken (pure)."""

from collections.abc import Sequence

from antiphon_hub.home.model import Device, Home
from antiphon_hub.home.spoken import number_words, plural_of, spoken


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return the parts as one list: `a, b and c`."""
    if len(parts) < 2:  # noqa: PLR2004 - one part is no list
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def sentence(text: str) -> str:
    """Return the text as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def percent(value: int) -> str:
    """Return a percentage in words."""
    return f"{number_words(value)} percent"


def device_phrase(device: Device, home: Home, asking_room: str) -> str:
    """Return `the ceiling light in the bedroom`; the room only where it says something."""
    room = home.room_of(device)
    asking = home.room(asking_room)
    here = asking is not None and asking.id == room.id
    named = f" {spoken(room.name)} " in f" {spoken(device.name)} "
    return f"the {device.name}" if here or named else f"the {device.name} in the {room.name}"


def group_phrase(devices: Sequence[Device], home: Home, asking_room: str) -> str:
    """Return what to call several devices: by their room, their floor, as all, or each by name."""
    if len(devices) == 1:
        return device_phrase(devices[0], home, asking_room)
    kinds = {device.kind for device in devices}
    if len(kinds) > 1:
        return listed([device_phrase(device, home, asking_room) for device in devices])
    plural = plural_of(devices[0].kind)
    alike = [device for device in home.devices if device.kind in kinds]
    rooms = {device.room for device in devices}
    if len(rooms) == 1:
        inside = [device for device in alike if device.room in rooms]
        name = home.room_of(devices[0]).name
        if len(inside) == len(devices):
            return f"the {plural} in the {name}"
    if len(alike) == len(devices):
        return f"all {plural}"
    return _by_floor_or_name(devices, home, asking_room, plural)


def _by_floor_or_name(devices: Sequence[Device], home: Home, asking_room: str, plural: str) -> str:
    floors = {home.room_of(device).floor for device in devices}
    floor = next((one for one in home.floors if {one.id} == floors), None)
    if floor is not None and len({device.room for device in devices}) > 1:
        # `on the upstairs` is no English, and `the upstairs lights` serves every floor's name.
        return f"the {floor.name} {plural}"
    return listed([device_phrase(device, home, asking_room) for device in devices])


def verb(devices: Sequence[Device]) -> str:
    """Return `is` or `are`; a name such as `blinds` takes the plural."""
    if len(devices) == 1 and not devices[0].name.endswith("s"):
        return "is"
    return "are"


def condition(device: Device, *, on: bool) -> str:
    """Return what the device is: `on` or `off`, `open` or `closed`, `locked` or `unlocked`."""
    words = {"cover": ("open", "closed"), "lock": ("locked", "unlocked")}
    yes, no = words.get(device.kind, ("on", "off"))
    return yes if on else no


def deed(device: Device, *, on: bool) -> str:
    """Return what to do with the device: `turn on`, `open`, `unlock`."""
    words = {"cover": ("open", "close"), "lock": ("lock", "unlock")}
    yes, no = words.get(device.kind, ("turn on", "turn off"))
    return yes if on else no
