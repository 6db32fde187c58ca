"""The console beside the hub: what `app` gives it, and when it serves."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry

from antiphon_hub import fleet
from antiphon_hub.bus.inbound import Inbound
from antiphon_hub.bus.outbound import Outbound
from antiphon_hub.callers import Callers
from antiphon_hub.clock import now_us
from antiphon_hub.equipment import Equipment
from antiphon_hub.errors import ConsoleError, RestartAskedError, StorageError
from antiphon_hub.gate import Gate
from antiphon_hub.identity.accounts import Accounts
from antiphon_hub.identity.invitation import invite
from antiphon_hub.mind import HomeMind
from antiphon_hub.playback import Playback
from antiphon_hub.room_rules import RulesOfRooms
from antiphon_hub.settings import ConsoleSection, Settings
from antiphon_hub.timers.requests import TimerRequests
from antiphon_hub.turns.journal import Journal
from antiphon_hub.turns.turns import Turns
from antiphon_hub.web.clips import Clips
from antiphon_hub.web.house import Ask, House, Satellite, Twins, Worker
from antiphon_hub.web.live import Live
from antiphon_hub.web.observer import Observer
from antiphon_hub.web.scores import Scores
from antiphon_hub.workers import Trials
from antiphon_link.broker import BrokerAddress
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskIntent, AskVolume
from antiphon_protocol.messages.event import Event
from antiphon_protocol.messages.timer import AskList, AskTimer

log = logging.getLogger(__name__)

_NEEDED: Final = ("starlette", "uvicorn", "jinja2", "python_multipart")


class Requests(Ask):
    """What can be asked of the house, from its services."""

    def __init__(self, turns: Turns, playback: Playback, timers: TimerRequests) -> None:
        self._turns = turns
        self._playback = playback
        self._timers = timers

    async def announce(self, request: AskAnnounce) -> Answer:
        """Say something in some rooms."""
        return await self._turns.announce(request)

    async def volume(self, request: AskVolume) -> Answer:
        """Set or tell rooms' volumes and do-not-disturb."""
        return await self._playback.volume(request)

    async def intent(self, request: AskIntent) -> Answer:
        """Do a sentence."""
        return await self._turns.intent(request)

    async def timer(self, request: AskTimer) -> Answer:
        """Set, show and change timers."""
        return await self._timers.about_timer(request)

    async def list(self, request: AskList) -> Answer:
        """Show and change lists."""
        return await self._timers.about_list(request)


class Console:
    """The console of one hub; it looks and listens only where the settings want it."""

    def __init__(
        self,
        settings: Settings,
        *,
        outbound: Outbound,
        inbound: Inbound,
        satellites: Iterable[Satellite],
        twins: Twins,
        workers: Iterable[Worker],
        ask: Ask,
        mind: HomeMind,
        reload: Callable[[], Awaitable[None]],
        equipment: Equipment,
        callers: Callers,
        trials: Trials,
        rules: RulesOfRooms,
        journal: Journal,
        gate: Gate,
        browsers: Callable[[], BrokerAddress] | None,
        registry: CollectorRegistry,
        turns_running: Callable[[], int],
        facts: Callable[[], Mapping[str, Any]],
    ) -> None:
        """Take what it shows and may do; see `web.house`."""
        self._settings = settings
        self._satellites, self._workers = satellites, workers
        self._ask, self._mind, self._reload = ask, mind, reload
        self._equipment, self._callers, self._trials = equipment, callers, trials
        self._rules, self._journal, self._registry = rules, journal, registry
        self._outbound, self._facts = outbound, facts
        self._gate, self._browsers = gate, browsers
        self._restart = asyncio.Event()
        self._twins, self._scores = twins, Scores(outbound.satellite)
        self._clips = Clips()
        self._live = Live()
        self._observer = Observer(turns_running, lambda: len(self._live))
        if settings.console.listen:
            outbound.overheard_by(self._happened)
            inbound.overheard_by(self._live.told)
            inbound.scores_for(self._scores.told)

    @property
    def counts(self) -> Mapping[str, int]:
        """What it counts of open pages: updates, slow, refused."""
        return self._live.counts

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve inside the block; yields the address, empty where no console is wanted.

        Raises:
            ConsoleError: the address cannot be had, or what it is made of is not installed.
        """
        section = self._encrypted()
        if not section.listen:
            yield ""
            return
        missing = [one for one in _NEEDED if find_spec(one) is None]
        if missing:
            raise ConsoleError(
                503, f"the console needs {', '.join(missing)}: pip install 'antiphon-hub[console]'"
            )
        from antiphon_hub.web.serve import serving  # noqa: PLC0415 - an extra: may be missing

        house = self._house()
        async with serving(house, self._live, self._observer, section) as address:
            self._tell(address, house.accounts)
            yield address

    async def run(self) -> None:
        """Wait until somebody asks for a restart.

        Raises:
            RestartAskedError: now.
        """
        await self._restart.wait()
        await asyncio.sleep(0.5)  # the answer to whoever asked goes out first
        raise RestartAskedError("the hub starts anew, as somebody asked in the console")

    # -- inside -----------------------------------------------------------------------------------

    def _encrypted(self) -> ConsoleSection:
        """Return the settings, with the hub's own certificate where other machines are served."""
        section = self._settings.console
        host = section.listen.rpartition(":")[0].strip("[]")
        near = host in ("localhost", "::1") or host.startswith("127.")
        if near or section.cert_file or section.plain or not self._gate.fingerprint:
            return section
        guard = self._gate.guard
        return msgspec.structs.replace(
            section, cert_file=str(guard.certificate), key_file=str(guard.key)
        )

    def _happened(self, event: Event) -> None:
        self._live.happened(event)
        self._observer.happened(event)

    async def _mark_wrong(self, turn: str, meant: str, who: str) -> bool:
        return await self._journal.mark_wrong(turn, meant, who, now_us())

    def _house(self) -> House:
        settings = self._settings
        return House(
            id=settings.hub_id(),
            state_dir=settings.state_dir(),
            settings=settings,
            satellites=self._satellites,
            workers=self._workers,
            ask=self._ask,
            command=self._outbound.satellite,
            twins=self._twins,
            scores=self._scores,
            mind=self._mind,
            reload=self._reload,
            equipment=self._equipment,
            callers=self._callers,
            trials=self._trials,
            clips=self._clips,
            rules=self._rules,
            mark_wrong=self._mark_wrong,
            registry=self._registry,
            accounts=self._gate.accounts,
            pairing=self._gate.pairing,
            browsers=self._browsers,
            restart=self._restart.set,
            facts=self._all_facts,
        )

    def _all_facts(self) -> dict[str, Any]:
        return {
            "Antiphon": version("antiphon-hub"),
            "Python": sys.version.partition(" ")[0],
            "Hub": self._settings.hub_id(),
            "State": str(self._settings.state_dir()),
            **self._facts(),
        }

    @staticmethod
    def _tell(address: str, accounts: Accounts) -> None:
        log.info("the console is at %s", address)
        invite(accounts.setup_token, address, sys.stderr)


def twins_of(folder: Path, outbound: Outbound) -> fleet.Twins:
    """Return what was set for single satellites; nothing where that cannot be read."""
    try:
        return fleet.Twins(folder, outbound.desired)
    except StorageError as error:
        log.error("satellites are as their own settings have them: %s", error)  # noqa: TRY400 - the message says it all
        return fleet.Twins(folder / "unreadable", outbound.desired)


def rules_of_rooms(settings: Settings, folder: Path) -> RulesOfRooms:
    """Return what was set for single rooms in the console; none where that cannot be read."""
    try:
        return RulesOfRooms(settings, folder)
    except StorageError as error:
        log.error("rooms are as the settings have them: %s", error)  # noqa: TRY400 - the message says it all
        return RulesOfRooms(settings, folder / "unreadable")
