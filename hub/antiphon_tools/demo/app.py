"""The demo, put together: hub, rooms, what is spoken there, and who is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from antiphon_link.broker import BrokerAddress, BrokerSettings
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.ids import slug_of
from antiphon_protocol.wav import write_wav
from antiphon_satellite.app import Satellite, build
from antiphon_satellite.settings import IndicatorSection, SatelliteSection, Settings
from antiphon_satellite.simulate import SimulatedRoom, Spoken
from antiphon_tools.demo.errors import HubFailedError
from antiphon_tools.demo.house import RunningHub, last_words, running_hub, temporary_folder
from antiphon_tools.demo.present import Presenter
from antiphon_tools.demo.results import Command, Result, result_of
from antiphon_tools.demo.view import SILENCE_DBFS, Level, Voice
from antiphon_tools.demo.watch import Watch

SETTLE_S: Final = 0.5
"""Silence before a command: wake engines begin anew after each turn, and must hear the room."""
QUIET_S: Final = 0.5
"""Silence around a written reply: recognisers need some to tell speech from the room."""
WAKE_THRESHOLD: Final = 0.95
"""Below the engines' own, which are set for rooms that hear the television all day: the voices of
the tour are synthetic, and here nobody but the script speaks."""
VOICE_DBFS: Final = -45.0
"""A room's microphone above this is shown as a person, below it as the room."""
_SETTLE_PCM: Final = bytes(int(SETTLE_S * SAMPLE_RATE_HZ) * SAMPLE_BYTES)

Prepare = Callable[[Callable[[str], None]], Sequence[Command]]
"""Gives the commands; runs in a thread, and says how far it is."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What shall be done."""

    rooms: tuple[str, ...]
    prepare: Prepare
    out: Path | None = None
    """Folder for the replies."""
    home: Path | None = None
    sentences: tuple[Path, ...] = ()
    listen_in: str = ""
    """After the commands, listen to the real microphone in this room until told to stop."""


class Demo:
    """One showing of the house."""

    def __init__(self, plan: Plan, presenter: Presenter) -> None:
        self._plan = plan
        self._presenter = presenter
        self._address: BrokerAddress | None = None
        self._rooms: dict[str, SimulatedRoom] = {}
        self._listener: Satellite | None = None
        """The real satellite, once it listens."""
        self._watch = Watch(self._resolve, presenter.fact)
        self.results: list[Result] = []
        """What came of the commands so far."""
        self.finished = False
        """All commands were spoken."""

    async def run(self) -> None:
        """Show it; everything is gone afterwards, however it ends.

        Raises:
            DemoError: the hub does not work.
            SpeechError: the commands cannot be synthesized.
            SatelliteError: no wake engine, or no microphone where one is wanted.
        """
        plan = self._plan
        with self._presenter.shown():
            async with temporary_folder() as folder, asyncio.TaskGroup() as group:
                drawing = group.create_task(self._presenter.run(self._levels), name="present")
                script = group.create_task(self._prepared(), name="script")
                async with running_hub(folder, home=plan.home, sentences=plan.sentences) as hub:
                    self._address = hub.broker
                    await self._inhabited(hub, script)
                drawing.cancel()

    async def _prepared(self) -> Sequence[Command]:
        loop = asyncio.get_running_loop()

        def say(status: str) -> None:
            loop.call_soon_threadsafe(self._presenter.status, status)

        self._presenter.status("starting the hub, its broker and its worker …")
        return await asyncio.to_thread(self._plan.prepare, say)

    async def _inhabited(self, hub: RunningHub, script: Awaitable[Sequence[Command]]) -> None:
        """Have rooms beside the hub while the commands are spoken."""
        self._presenter.status("furnishing the rooms …")
        self._rooms = {
            name: SimulatedRoom(
                self._resolve, satellite=slug_of(name), room=name, threshold=WAKE_THRESHOLD
            )
            for name in self._plan.rooms
        }
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(_stays(hub), name="hub stays"),
                group.create_task(self._watch.run(), name="watch"),
            ]
            try:
                await self._watch.connected()
                beside += [
                    group.create_task(room.run(), name=name) for name, room in self._rooms.items()
                ]
                await self._complete(hub)
                for command in await script:
                    await self._perform(command)
                self.finished = True
                if self._plan.listen_in:
                    await self._listen(hub.broker)
            finally:
                for task in beside:
                    task.cancel()

    async def _complete(self, hub: RunningHub) -> None:
        try:
            await self._watch.joined({slug_of(name) for name in self._rooms})
        except HubFailedError as error:
            raise HubFailedError(f"{error}; {last_words(hub.child)}") from None

    async def _perform(self, command: Command) -> None:
        room = self._rooms[command.room]
        what = f"“{command.said}”" if command.said else command.file
        self._presenter.status(f"in the {command.room}: {what}")
        await room.wait_ready()
        self._watch.begin(slug_of(command.room))
        spoken = await room.speak(_SETTLE_PCM + command.pcm)
        ended = await self._watch.outcome(called=spoken.called)
        result = result_of(command, ended, self._keep_reply(command, spoken))
        self.results.append(result)
        self._presenter.result(result)

    def _keep_reply(self, command: Command, spoken: Spoken) -> str:
        """Write the reply where it is wanted; return where."""
        if self._plan.out is None or not spoken.reply:
            return ""
        path = self._plan.out / f"{command.name}.reply.wav"
        around = bytes(int(QUIET_S * spoken.reply_rate_hz) * SAMPLE_BYTES)
        path.write_bytes(write_wav(around + spoken.reply + around, spoken.reply_rate_hz))
        return str(path)

    async def _listen(self, broker: BrokerAddress) -> None:
        """Be a real satellite in this room, until cancelled."""
        room = self._plan.listen_in
        self._presenter.status(f"listening in the {room}: say “hey mycroft, …”; Ctrl-C ends")
        settings = Settings(
            broker=BrokerSettings(address=str(broker)),
            satellite=SatelliteSection(id=_real_id(room), room=room),
            indicator=IndicatorSection(light="none", button="none"),
        )
        self._listener = build(settings)
        await self._listener.run()

    def _levels(self) -> dict[str, Level]:
        """Return what is heard in each room now."""
        levels = {
            name: self._level(slug_of(name), room.level_dbfs) for name, room in self._rooms.items()
        }
        if self._listener is not None:
            room = self._plan.listen_in
            levels[room] = self._level(_real_id(room), self._listener.level_dbfs)
        return levels

    def _level(self, satellite: str, heard_dbfs: float) -> Level:
        now_s = asyncio.get_running_loop().time()
        house_dbfs = self._watch.playouts.level_dbfs(satellite, now_s)
        if house_dbfs > SILENCE_DBFS:
            return Level(house_dbfs, Voice.HOUSE)
        return Level(heard_dbfs, Voice.PERSON if heard_dbfs > VOICE_DBFS else Voice.NOBODY)

    async def _resolve(self) -> BrokerAddress:
        assert self._address is not None  # noqa: S101 - nobody connects before the hub is ready
        return self._address


def _real_id(room: str) -> str:
    """Return the id of the real satellite in a room: a simulated one is there, too."""
    return f"{slug_of(room)}-real"


async def _stays(hub: RunningHub) -> None:
    """Watch over the hub.

    Raises:
        HubFailedError: it ended.
    """
    status = await hub.child.wait()
    raise HubFailedError(f"the hub ended with status {status}; {last_words(hub.child)}")
