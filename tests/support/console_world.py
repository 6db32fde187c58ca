"""A console without a hub: the real app, accounts and mind; rooms that answer as they are told."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
from argon2 import PasswordHasher

from antiphon_hub.callers import Callers
from antiphon_hub.equipment import Equipment
from antiphon_hub.equipment.sorts import Sort
from antiphon_hub.errors import ChildError, EquipmentError, HomeError
from antiphon_hub.fleet import Twins
from antiphon_hub.home.files import OWN, HomeFiles
from antiphon_hub.home.model import load_home
from antiphon_hub.identity.accounts import Accounts
from antiphon_hub.identity.devices import Devices
from antiphon_hub.identity.pairing import House as PairingHouse
from antiphon_hub.identity.pairing import Pairing
from antiphon_hub.identity.passwords import Passwords
from antiphon_hub.identity.people import Role, Scope
from antiphon_hub.metrics import Meters
from antiphon_hub.mind import HomeMind
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood
from antiphon_hub.room_rules import RulesOfRooms
from antiphon_hub.settings import (
    ConsoleSection,
    HubSection,
    JournalSection,
    Settings,
    WorkersSection,
)
from antiphon_hub.skills.fake import FakeDevices
from antiphon_hub.storage import Database
from antiphon_hub.timers.desk import Desk
from antiphon_hub.timers.lists import Lists
from antiphon_hub.timers.requests import TimerRequests
from antiphon_hub.timers.store import MIGRATIONS as TIMER_MIGRATIONS
from antiphon_hub.timers.store import Store
from antiphon_hub.timers.timers import Timers
from antiphon_hub.turns.journal import FILE, MIGRATIONS, Journal
from antiphon_hub.turns.record import TurnRecord
from antiphon_hub.web.clips import Clips
from antiphon_hub.web.house import House
from antiphon_hub.web.live import Live
from antiphon_hub.web.observer import Observer
from antiphon_hub.web.scores import Scores
from antiphon_hub.web.site import site
from antiphon_link.broker import BrokerAddress
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskIntent, AskVolume
from antiphon_protocol.messages.config import DesiredSettings
from antiphon_protocol.messages.event import Event
from antiphon_protocol.messages.presence import Hello
from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_protocol.messages.timer import AskList, AskTimer
from antiphon_protocol.version import OURS
from tests.support.light_worker import LightWorker

BASE = "http://localhost"
PASSWORD = "four calm otters swim"  # noqa: S105 - of a house in a test
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


class Here(msgspec.Struct):
    """A satellite that is here."""

    id: str
    room: str
    hello: Hello


class Nobody:
    """Takes facts and drops them."""

    def publish(self, event: Event) -> None:
        del event


class FakeAsk:
    """Answers as a house would; timers and lists are real."""

    def __init__(self, timers: TimerRequests) -> None:
        self._timers = timers
        self.asked: list[Any] = []
        self.answer = Answer(ok=True, reply="The light is on.", intent="HassTurnOn")

    async def announce(self, request: AskAnnounce) -> Answer:
        self.asked.append(request)
        return Answer(ok=True, slots={"rooms": {"kitchen": "played"}})

    async def volume(self, request: AskVolume) -> Answer:
        self.asked.append(request)
        percent = 100 if request.percent is None else request.percent
        told = {"percent": percent, "do_not_disturb": bool(request.do_not_disturb)}
        return Answer(ok=True, slots={"rooms": {"kitchen": told}})

    async def intent(self, request: AskIntent) -> Answer:
        self.asked.append(request)
        return self.answer

    async def timer(self, request: AskTimer) -> Answer:
        return await self._timers.about_timer(request)

    async def list(self, request: AskList) -> Answer:
        return await self._timers.about_list(request)


class LightMind:
    """Knows the example home, and understands nothing: a real mind takes a second to make."""

    def __init__(self, files: HomeFiles) -> None:
        self.files = files
        self.home = load_home(None)

    def explain(self, text: str, room: str) -> Sequence[Interpretation | NotUnderstood]:
        del room
        return (NotUnderstood("not-understood", f"Sorry, what is {text}?"),)

    def check(self, changed: Mapping[Path, str]) -> list[str]:
        raise HomeError("home.yaml", [f"this mind takes no {len(changed)} files"])


class ConsoleWorld:
    """The console, and browsers that look at it."""

    def __init__(self, folder: Path, *, thinking: bool) -> None:
        self.folder = folder
        kept = JournalSection(keep_text=True)
        self.settings = Settings(
            hub=HubSection(id="test", site="Test <b>house</b>", state_dir=str(folder)),
            console=ConsoleSection(listen="127.0.0.1:0"),
            journal=kept,
        )
        self.turns = Database(folder / FILE)
        self.timers = Database(folder / "timers.sqlite")
        self.journal = Journal(self.turns, keep_days=7, keep_text=True)
        self.accounts = Accounts(
            folder / "accounts.sqlite", clock=time.time, passwords=Passwords(CHEAP)
        )
        self.devices = Devices(folder / "devices.sqlite", clock=time.time)
        self.pairing = Pairing(
            self.devices,
            PairingHouse(hub="test", site="Test", authority=""),
            tell_broker=lambda _: None,
            clock=time.time,
            audit=self.accounts.audit,
        )
        self.live = Live()
        self.observer = Observer(lambda: 0, lambda: len(self.live))
        self.commands: list[tuple[str, SatelliteCommand]] = []
        self.satellites: list[Here] = []
        self.wanted: list[tuple[str, DesiredSettings]] = []
        self.answer_wanted: Callable[[str, DesiredSettings], None] = lambda *_: None
        self.twins = Twins(folder / OWN, self._want)
        self.worker = LightWorker()
        self.proven: list[Sort] = []
        self.replaced: list[WorkersSection] = []
        self.trouble = ""
        """Why no model loads and no worker starts; empty: all do."""
        self.equipment = Equipment(self.settings, folder / OWN, self._prove, self._replace)
        self.callers = Callers(folder, folder / OWN)
        self.scores = Scores(lambda satellite, asked: self.commands.append((satellite, asked)))
        self.restarts = 0
        files = HomeFiles(None, (), folder / OWN)
        self.mind = _mind(files) if thinking else LightMind(files)
        store = Store(self.timers)
        timers = Timers(store, Nobody(), lambda: NOW)
        desk = Desk(timers, lambda one, other: one == other)
        self.ask = FakeAsk(TimerRequests(desk, Lists(store, Nobody())))
        self.house = self._house(folder)
        self.app = site(self.house, self.live, self.observer)

    def _house(self, folder: Path) -> House:
        return House(
            id="test",
            state_dir=folder,
            settings=self.settings,
            satellites=self.satellites,
            workers=self.worker.pool,
            ask=self.ask,
            command=lambda satellite, command: self.commands.append((satellite, command)),
            twins=self.twins,
            scores=self.scores,
            equipment=self.equipment,
            callers=self.callers,
            trials=self.worker.trials,
            clips=Clips(),
            mind=self.mind,
            reload=self._reload,
            rules=RulesOfRooms(self.settings, folder / OWN),
            mark_wrong=self._mark,
            registry=Meters("test").registry,
            accounts=self.accounts,
            pairing=self.pairing,
            browsers=lambda: BrokerAddress(host="127.0.0.1", port=9),
            restart=self._restart,
            facts=lambda: {"Hub": "test"},
        )

    def _want(self, satellite: str, desired: DesiredSettings) -> None:
        self.wanted.append((satellite, desired))
        self.answer_wanted(satellite, desired)

    async def _prove(self, _: Path, sort: Sort) -> None:
        self.proven.append(sort)
        if self.trouble:
            raise EquipmentError(self.trouble)

    async def _replace(self, section: WorkersSection) -> None:
        if self.trouble:
            raise ChildError(self.trouble)
        self.replaced.append(section)

    async def _reload(self) -> None:
        if isinstance(self.mind, HomeMind):
            await self.mind.reload_if_changed()

    def _restart(self) -> None:
        self.restarts += 1

    async def _mark(self, turn: str, meant: str, who: str) -> bool:
        return await self.journal.mark_wrong(turn, meant, who, 1)

    async def open(self) -> Self:
        await self.turns.open(MIGRATIONS)
        await self.timers.open(TIMER_MIGRATIONS)
        return self

    async def close(self) -> None:
        await self.turns.close()
        await self.timers.close()
        self.accounts.close()
        self.devices.close()

    def joined(self, satellite: str, room: str) -> None:
        """A satellite is here."""
        hello = Hello(
            satellite=satellite,
            epoch=1,
            room=room,
            protocol=OURS,
            software="0.1.0",
            host="pi",
            instance="i",
        )
        self.satellites.append(Here(satellite, room, hello))

    async def keep(self, turn: str, **values: Any) -> None:
        """Write a turn into the journal."""
        now_us = int(time.time() * 1e6)
        record = TurnRecord(
            turn=turn,
            room="kitchen",
            satellite="sat",
            cause="phrase",
            clock=lambda: 0.0,
            started_us=now_us,
            outcome="answered",
            **values,
        )
        await self.journal.ended(record, now_us)

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """Return a browser that knows nobody."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(
            transport=transport, base_url=BASE, headers={"Origin": BASE, **headers}
        )

    async def signed_in(self, role: Role = Role.OWNER, **headers: str) -> httpx.AsyncClient:
        """Return a browser of somebody with that role."""
        if token := self.accounts.setup_token:
            self.accounts.set_up(token, "Mira", PASSWORD)
        name = "Mira"
        if role is not Role.OWNER:
            name = f"A {role}"
            if all(one.name != name for one in self.accounts.people()):
                self.accounts.add_person(name, role, PASSWORD)
        client = self.browser(**headers)
        answer = await client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        session = self.accounts.session(client.cookies["antiphon"])
        assert session is not None
        client.headers["X-CSRF"] = session.csrf
        return client

    def program(self, *scopes: Scope) -> httpx.AsyncClient:
        """Return a program with a token."""
        if token := self.accounts.setup_token:
            self.accounts.set_up(token, "Mira", PASSWORD)
        token = self.accounts.new_token(self.accounts.people()[0], scopes, "test")
        client = self.browser(Authorization=f"Bearer {token}")
        del client.headers["Origin"]
        return client


def _mind(files: HomeFiles) -> HomeMind:
    return HomeMind(files, "en", FakeDevices(), lambda: NOW, natural=False)


async def do(client: httpx.AsyncClient, deed: str, **fields: Any) -> httpx.Response:
    """Send a form as our script does."""
    return await client.post(f"/do/{deed}", data=fields, headers={"X-Antiphon": "fetch"})


@asynccontextmanager
async def console_world(folder: Path, *, thinking: bool = False) -> AsyncIterator[ConsoleWorld]:
    """Open a console inside the block; with a mind that understands, or a light one."""
    world = await ConsoleWorld(folder, thinking=thinking).open()
    try:
        yield world
    finally:
        await world.close()
