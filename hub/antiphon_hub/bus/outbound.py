"""What the hub says on the bus."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from antiphon_hub.home.model import Device
from antiphon_hub.skills.port import PlayerCommand
from antiphon_link.link import Envelope, Link
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.codec import Encoding, encode
from antiphon_protocol.errors import EncodeError
from antiphon_protocol.messages.config import DesiredSettings
from antiphon_protocol.messages.event import DeviceChanged, DeviceState, Event
from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_protocol.messages.work import WorkerCommand
from antiphon_protocol.topics import (
    EVENT,
    HOME_STATE,
    PLAYBACK_AUDIO,
    SATELLITE_AUDIO,
    SATELLITE_DESIRED,
    SATELLITE_DO,
    WORKER_DO,
)

log = logging.getLogger(__name__)

EVENTS_WAIT_S = 0.02
EVENTS_MAX = 64
"""Events that wait at a time; the next one sends them all."""
COMMAND_BYTES_MAX = 256
_ZIGBEE_BRIGHTNESS_MAX = 254
"""Zigbee2MQTT's scale (Zigbee Cluster Library, level control)."""


class Outbound:
    """Commands and facts, posted: the broker's answer is waited for by nobody.

    Commands go at once. Events, which nobody waits for, go together a moment later, in their order:
    a reply's way to the speaker must not queue behind the news of it.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._events: list[Event] = []
        self._flushing: asyncio.TimerHandle | None = None
        self._overhear: Callable[[Event], None] | None = None
        link.on_leaving(self._leave)

    def overheard_by(self, listener: Callable[[Event], None]) -> None:
        """Hand every fact to this listener too, at once; it returns at once."""
        self._overhear = listener

    def satellite(self, satellite: str, command: SatelliteCommand) -> None:
        """Tell a satellite to do something."""
        self._link.post(SATELLITE_DO, command, satellite=satellite)

    def desired(self, satellite: str, desired: DesiredSettings) -> None:
        """Tell a satellite what is wanted to be set there."""
        self._link.post(SATELLITE_DESIRED, desired, satellite=satellite)

    def worker(self, worker: str, command: WorkerCommand) -> None:
        """Tell a worker to do something."""
        try:
            self._link.post(WORKER_DO, command, worker=worker)
        except EncodeError as error:
            log.error("worker %s: %s", worker, error)  # noqa: TRY400 - the message says it all

    def publish(self, event: Event) -> None:
        """Make a fact known on `event/<kind>`, within EVENTS_WAIT_S."""
        if self._overhear is not None:
            self._overhear(event)
        self._events.append(event)
        if len(self._events) >= EVENTS_MAX:
            self.flush()
        elif self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(EVENTS_WAIT_S, self.flush)

    def flush(self) -> None:
        """Post the events that wait."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        events, self._events = self._events, []
        for event in events:
            self._post(event)

    async def _leave(self) -> None:
        self.flush()

    def _post(self, event: Event) -> None:
        kind = str(type(event).__struct_config__.tag)
        try:
            self._link.post(EVENT, event, kind=kind)
        except EncodeError as error:
            log.error("event %s: %s", kind, error)  # noqa: TRY400 - the message says it all


class Air:
    """Audio on the bus, for trials of engines."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def send(self, satellite: str, stream: str, frame: AudioFrame) -> None:
        """See workers.trial.Air.send."""
        await self._link.send(SATELLITE_AUDIO, frame, satellite=satellite, stream=stream)

    def following(
        self, group: str, playback: str, take: Callable[[AudioFrame], None]
    ) -> AbstractAsyncContextManager[None]:
        """See workers.trial.Air.following."""

        def taken(frame: AudioFrame, _: Envelope) -> None:
            take(frame)

        return self._link.following(PLAYBACK_AUDIO, taken, group=group, playback=playback)


class Devices:
    """The home's devices on the bus: retained states, and commands to real ones.

    A device with a `command_topic` of its own is commanded there in Zigbee2MQTT's payload format.
    """

    def __init__(self, link: Link, outbound: Outbound) -> None:
        self._link = link
        self._outbound = outbound
        self._states: dict[str, DeviceState] = {}

    def state(self, device_id: str) -> DeviceState | None:
        """Return the device's last known state."""
        return self._states.get(device_id)

    def restore(self, device_id: str, state: DeviceState) -> None:
        """Take over a state that was retained from an earlier life of the hub."""
        self._states.setdefault(device_id, state)

    async def apply(self, device: Device, state: DeviceState) -> None:
        """Switch or dim a device.

        Raises:
            LinkDownError: the broker did not take it, so nothing was switched.
        """
        if device.command_topic:
            await self._link.send_raw(device.command_topic, _zigbee(device, state))
        await self._link.send(HOME_STATE, state, device=device.id)
        self._states[device.id] = state
        values: dict[str, object] = {"on": state.on}
        if state.brightness is not None:
            values["brightness"] = state.brightness
        self._outbound.publish(DeviceChanged(device=device.id, room=device.room, state=values))

    async def command(self, player: Device, command: PlayerCommand) -> None:
        """Tell a player what to do, on its `command_topic`: `{"command": "pause"}`.

        Raises:
            LinkDownError: the broker did not take it.
        """
        payload = encode({"command": command}, Encoding.JSON, COMMAND_BYTES_MAX)
        await self._link.send_raw(player.command_topic, payload)


def _zigbee(device: Device, state: DeviceState) -> bytes:
    on, off = ("LOCK", "UNLOCK") if device.kind == "lock" else ("ON", "OFF")
    payload: dict[str, object] = {"state": on if state.on else off}
    if state.brightness is not None and state.on:
        payload["brightness"] = round(state.brightness * _ZIGBEE_BRIGHTNESS_MAX / 100)
    return encode(payload, Encoding.JSON, COMMAND_BYTES_MAX)
