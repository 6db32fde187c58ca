"""Music and television: pause, go on, the next, the one before."""

from collections.abc import Sequence
from typing import Final

from antiphon_hub.home.model import Device, Home, Room
from antiphon_hub.skills.port import DevicePort, PlayerCommand, Reply, Request
from antiphon_hub.skills.wording import listed

_DEEDS: Final[dict[str, tuple[PlayerCommand, str]]] = {
    "HassMediaPause": ("pause", "Paused."),
    "HassMediaUnpause": ("play", "Going on."),
    "HassMediaNext": ("next", "The next one."),
    "HassMediaPrevious": ("previous", "The one before."),
}
"""What a player is told, and what is said."""


class PlayingSkill:
    """Tells players what to do; what they play is their own affair."""

    intents = frozenset(_DEEDS)

    def __init__(self, home: Home, devices: DevicePort) -> None:
        self._home = home
        self._devices = devices
        self._players = [device for device in home.devices if device.kind == "media_player"]

    async def do(self, request: Request) -> Reply:
        """Tell those that were named, those of the room, or those of the only room that has any."""
        command, said = _DEEDS[request.intent]
        meant = self._meant(request)
        if isinstance(meant, Reply):
            return meant
        for player in meant:
            await self._devices.command(player, command)
        return Reply(said)

    def _meant(self, request: Request) -> Sequence[Device] | Reply:
        if named := [one for one in self._players if one.id in request.devices]:
            return named
        asking = self._home.room(request.room)
        room = self._home.room(str(request.slots.get("area", ""))) or asking
        if here := [one for one in self._players if room is not None and one.room == room.id]:
            return here
        elsewhere = list(dict.fromkeys(self._home.room_of(one) for one in self._players))
        if room == asking and len(elsewhere) == 1:
            return self._players
        return _nothing_here(room, elsewhere)


def _nothing_here(room: Room | None, elsewhere: Sequence[Room]) -> Reply:
    """Say where a player might be told; a question would only be answered with that."""
    if not elsewhere:
        return Reply("Sorry, I know of nothing that plays here.", ok=False, code="no-device")
    where = listed([f"in the {one.name}" for one in elsewhere])
    here = f" in the {room.name}" if room is not None else ""
    return Reply(f"Sorry, nothing plays{here}, only {where}.", ok=False, code="no-device")
