"""Devices that exist only in memory: for tests, and for asking what would be said."""

from antiphon_hub.home.model import Device
from antiphon_hub.skills.port import PlayerCommand
from antiphon_protocol.messages.event import DeviceState


class FakeDevices:
    """A DevicePort that remembers what was applied."""

    def __init__(self, states: dict[str, DeviceState] | None = None) -> None:
        self.states = dict(states or {})
        self.applied: list[tuple[str, DeviceState]] = []
        self.told: list[tuple[str, PlayerCommand]] = []

    async def apply(self, device: Device, state: DeviceState) -> None:
        """Remember the state."""
        self.states[device.id] = state
        self.applied.append((device.id, state))

    async def command(self, player: Device, command: PlayerCommand) -> None:
        """Remember what the player was told."""
        self.told.append((player.id, command))

    def state(self, device_id: str) -> DeviceState | None:
        """Return the remembered state."""
        return self.states.get(device_id)
