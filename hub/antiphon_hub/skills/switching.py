"""Turning things on and off, opening and closing them."""

from typing import Final

from antiphon_hub.home.model import Home
from antiphon_hub.skills.port import DevicePort, Reply, Request
from antiphon_hub.skills.wording import condition, group_phrase, sentence, verb
from antiphon_protocol.messages.event import DeviceState

SWITCHES: Final = {"HassTurnOn": True, "HassTurnOff": False}
"""Whether an intent brings devices on: open, locked."""


class SwitchingSkill:
    """Switches any number of devices; a cover is open when it is on."""

    intents = frozenset(SWITCHES)

    def __init__(self, home: Home, devices: DevicePort) -> None:
        self._home = home
        self._devices = devices

    async def do(self, request: Request) -> Reply:
        """Bring the devices into the state; a dimmed light keeps its brightness."""
        devices = [one for one in self._home.devices if one.id in request.devices]
        if not devices:
            return Reply("Sorry, I don't know which device you mean.", ok=False, code="no-device")
        on = SWITCHES[request.intent]
        for device in devices:
            before = self._devices.state(device.id)
            brightness = before.brightness if before is not None else None
            await self._devices.apply(device, DeviceState(on=on, brightness=brightness))
        phrase = group_phrase(devices, self._home, request.room)
        return Reply(sentence(f"{phrase} {verb(devices)} {condition(devices[0], on=on)}"))
