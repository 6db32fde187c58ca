"""What is not done on a mere word: a door that opens on a misheard one lets anybody in (pure)."""

from typing import Final

from antiphon_hub.home.model import Device
from antiphon_hub.home.spoken import spoken

_OUTER_DOORS: Final = frozenset({"garage", "gate", "gates"})


def is_risky(device: Device, *, on: bool) -> bool:
    """Tell whether to ask before the device is switched on or off; a locked lock is on."""
    opens = on != (device.kind == "lock")
    return opens and (_by_nature(device) if device.confirm is None else device.confirm)


def _by_nature(device: Device) -> bool:
    if device.kind == "cover":
        words = {word for name in device.names for word in spoken(name).split()}
        return not words.isdisjoint(_OUTER_DOORS)
    return device.kind == "lock"
