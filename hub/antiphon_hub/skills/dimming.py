"""Setting how bright lights are."""

from collections.abc import Sequence

from antiphon_hub.home.model import Device, Home
from antiphon_hub.skills.port import DevicePort, Reply, Request
from antiphon_hub.skills.wording import group_phrase, percent, sentence, verb
from antiphon_protocol.messages.event import DeviceState

FULL_PERCENT = 100


class DimmingSkill:
    """Sets a brightness, or changes it by a step; both in percent."""

    intents = frozenset({"HassLightSet"})

    def __init__(self, home: Home, devices: DevicePort) -> None:
        self._home = home
        self._devices = devices

    async def do(self, request: Request) -> Reply:
        """Dim the lights that can be dimmed."""
        meant = [one for one in self._home.devices if one.id in request.devices]
        if not meant:
            return Reply("Sorry, I don't know which light you mean.", ok=False, code="no-device")
        devices = [one for one in meant if one.dimmable]
        phrase = group_phrase(devices or meant, self._home, request.room)
        if not devices:
            return Reply(sentence(f"{phrase} can't be dimmed"), ok=False, code="not-dimmable")
        levels = [self._level(device, request) for device in devices]
        if None in levels:
            return Reply("Sorry, I can only set the brightness.", ok=False, code="no-skill")
        wanted = [level for level in levels if level is not None]
        await self._apply(devices, wanted)
        return Reply(sentence(f"{phrase} {verb(devices)} {_outcome(wanted, request)}"))

    def _level(self, device: Device, request: Request) -> int | None:
        brightness, step = request.slots.get("brightness"), request.slots.get("brightness_step")
        if isinstance(brightness, int):
            return min(max(brightness, 0), FULL_PERCENT)
        if not isinstance(step, int):
            return None
        # One percent is the end of dimming by steps: who wants it dark says so.
        return min(max(self._now(device) + step, 1), FULL_PERCENT)

    def _now(self, device: Device) -> int:
        state = self._devices.state(device.id)
        if state is None:
            return FULL_PERCENT
        if not state.on:
            return 0
        return FULL_PERCENT if state.brightness is None else state.brightness

    async def _apply(self, devices: Sequence[Device], levels: Sequence[int]) -> None:
        for device, level in zip(devices, levels, strict=True):
            await self._devices.apply(device, DeviceState(on=level > 0, brightness=level))


def _outcome(levels: Sequence[int], request: Request) -> str:
    if len(set(levels)) == 1:
        return f"at {percent(levels[0])}" if levels[0] else "off"
    return "brighter" if request.slots.get("brightness_step", 0) > 0 else "dimmer"
