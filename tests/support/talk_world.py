"""A room with a house to talk to: real turns and a real mind, ears and mouths scripted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import msgspec

from antiphon_hub.home.files import HomeFiles
from antiphon_hub.home.model import Home
from antiphon_hub.mind import HomeMind
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_hub.skills import FakeDevices, Plugins, Skill
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.messages.satellite import Listen
from antiphon_protocol.messages.work import (
    LoadContext,
    Synthesize,
    Transcribe,
    WorkerCommand,
)
from tests.support import virtual_time
from tests.support.turn_world import World, hear, speak

HOME = """
rooms: [{name: hall}, {name: living room}, {name: bedroom}, {name: cellar}]
devices:
  - {name: reading lamp, room: living room, kind: light, dimmable: true}
  - {name: desk lamp, room: living room, kind: light}
  - {name: bedside lamp, room: bedroom, kind: light, dimmable: true}
  - {name: blinds, room: living room, kind: cover}
  - {name: front door, room: hall, kind: lock}
  - {name: garage door, room: hall, kind: cover}
  - {name: heater, room: bedroom, kind: switch, confirm: true}
"""
SURE, UNSURE, HARDLY, NOISE = 0.9, 0.45, 0.2, 0.02


class Heard(msgspec.Struct, frozen=True):
    """What the worker makes of the next stream."""

    text: str
    confidence: float = SURE


class Talk:
    """One person in one room: says things, and hears what the house says."""

    def __init__(self, world: World, devices: FakeDevices) -> None:
        self.world = world
        self.devices = devices
        self._next: list[Heard] = []
        self._streams = 0
        self.silent = Heard("")

    async def call(self, *said: str | Heard) -> list[TurnEnded]:
        """Call, say the first, then what follows to each question; return the turns of it."""
        before = len(self.world.endings)
        self._next = [Heard(one) if isinstance(one, str) else one for one in said]
        self._streams += 1
        self.world.call(f"called-{self._streams}")
        await self.world.ended(before + 1)
        await asyncio.sleep(10.0)
        return self.world.endings[before:]

    def on(self, device: str) -> bool | None:
        """Tell whether a device is on; None: nobody knows."""
        state = self.devices.state(device)
        return None if state is None else state.on

    @property
    def jobs(self) -> list[Transcribe]:
        return [job for _, job in self.world.jobs if isinstance(job, Transcribe)]

    @property
    def grammars(self) -> list[LoadContext]:
        return [
            job
            for _, job in self.world.jobs
            if isinstance(job, LoadContext) and "answers" in job.grammar
        ]

    @property
    def listened(self) -> list[Listen]:
        listened: list[Listen] = self.world.sent(Listen)
        return listened

    def script(self, world: World, worker: str, command: WorkerCommand) -> None:
        match command:
            case Transcribe():
                heard = self._next.pop(0) if self._next else self.silent
                rejected = heard.confidence < 0.6
                hear(
                    world,
                    worker,
                    command,
                    heard.text,
                    rejected=rejected,
                    confidence=heard.confidence,
                )
            case Synthesize():
                speak(world, worker, command)
            case _:
                pass


class _Mind(HomeMind):
    """Builds what understands the one home of these stories once: it takes a second or two."""

    _built: ClassVar[dict[bytes, Interpreter]] = {}

    def _interpreter_of(self, home: Home) -> Interpreter:
        if self._plugin_words:
            return super()._interpreter_of(home)
        key = msgspec.json.encode(home)
        if key not in self._built:
            self._built[key] = super()._interpreter_of(home)
        return self._built[key]


def talk(
    tmp_path: Path,
    story: Callable[[Talk], Awaitable[None]],
    room: str = "hall",
    plugins: Plugins | None = None,
    skills: Callable[[Callable[[], World]], Sequence[Skill]] = lambda _: (),
) -> Talk:
    """Play a story in virtual time."""
    file = tmp_path / "home.yaml"
    file.write_text(HOME)
    talks: list[Talk] = []

    async def main() -> None:
        devices = FakeDevices()
        noon = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
        worlds: list[World] = []
        own = skills(lambda: worlds[0])
        mind = _Mind(HomeFiles(file), "en", devices, lambda: noon, plugins=plugins, skills=own)
        async with World(tmp_path / "turns.sqlite", mind=mind) as world:
            worlds.append(world)
            one = Talk(world, devices)
            talks.append(one)
            world.script = one.script
            world.satellite("sat", room)
            world.worker()
            await story(one)

    virtual_time.run(main())
    return talks[0]
