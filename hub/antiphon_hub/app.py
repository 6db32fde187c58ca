"""The hub, built top to bottom in one place; nothing else constructs services."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from typing import Final

import msgspec

from antiphon_hub.announcing import broker_announced
from antiphon_hub.building import (
    counts_of,
    counts_of_skills,
    equipped,
    journal_of,
    listening_of,
    mind_of,
    playback_of,
    pool_of,
    recordings_of,
    sound_skill,
)
from antiphon_hub.bus.inbound import Inbound
from antiphon_hub.bus.lease import LeaseKeeper
from antiphon_hub.bus.outbound import Air, Devices, Outbound
from antiphon_hub.bus.pairing import PairingDesk
from antiphon_hub.bus.presence import Presence
from antiphon_hub.callers import Callers
from antiphon_hub.clock import now_us
from antiphon_hub.codecs import CodecsTaken
from antiphon_hub.console import Console, Requests, rules_of_rooms, twins_of
from antiphon_hub.errors import StorageError
from antiphon_hub.fleet import Fleet
from antiphon_hub.gate import Gate
from antiphon_hub.home.files import OWN
from antiphon_hub.metrics import Counts, Exporter, MeteredPublisher, Meters
from antiphon_hub.mosquitto import Mosquitto
from antiphon_hub.settings import Settings
from antiphon_hub.storage import Database
from antiphon_hub.timekeeping import Timekeeping, home_zone
from antiphon_hub.turns.calls import CALLS_REMEMBERED
from antiphon_hub.turns.gain_keeper import GainKeeper
from antiphon_hub.turns.hearing import Ear
from antiphon_hub.turns.journal import FILE as JOURNAL_FILE
from antiphon_hub.turns.journal import MIGRATIONS, Journal
from antiphon_hub.turns.speaking import Mouth
from antiphon_hub.turns.turn import Parts
from antiphon_hub.turns.turns import Turns
from antiphon_hub.workers import Trials
from antiphon_link.broker import BrokerAddress
from antiphon_link.errors import LinkDownError
from antiphon_link.link import Link, Resolver
from antiphon_link.program import ServiceManager, settle
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.event import TurnEnded

log = logging.getLogger(__name__)

WORKER_S: Final = 3.0
"""How long the rooms wait for the own worker: a call that was cut off is held for five seconds."""
READY_S: Final = 15.0
"""How long to wait for the own worker before the hub says that it is ready without."""
FORGET_S: Final = 3600.0
"""How often to drop what is past its retention: also in a house where nobody speaks."""


class Hub:
    """The hub. `run` serves until cancelled; everything ends in the reverse order of its start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._id, self._state_dir = settings.hub_id(), settings.state_dir()
        codecs = CodecsTaken(lambda: self._pool, keeps_audio=settings.keeps_audio)
        self._presence = Presence(self._id, settings.hub.site, codecs)
        self._manager, self._address = ServiceManager(), settings.broker.resolve()
        self._gate = Gate(settings, self._state_dir)
        self._broker = None if self._address else _own_broker(settings, self._gate)
        self._link = _linked(self._resolve, self._id, self._presence)
        self._lease = LeaseKeeper(
            self._resolve, self._id, standby=settings.hub.standby, alone=self._broker is not None
        )
        outbound = Outbound(self._link)
        fleet, devices = Fleet(outbound), Devices(self._link, outbound)
        zone = home_zone(settings.hub.time_zone)
        self._meters, self._desk = Meters(version("antiphon-hub")), PairingDesk(self._link)
        self._publisher = MeteredPublisher(outbound, self._meters)
        self._timekeeping = Timekeeping(
            self._state_dir, zone, self._publisher, fleet, outbound.satellite
        )
        self._twins = twins_of(self._state_dir / OWN, outbound)
        self._rules = rules_of_rooms(settings, self._state_dir / OWN)
        self._playback = playback_of(settings, self._rules, fleet, outbound, self._publisher)
        sounds = sound_skill(settings, lambda: self._turns, self._playback.volume)
        self._mind = mind_of(settings, devices, zone, [*self._timekeeping.skills, sounds])
        self._database = Database(self._state_dir / JOURNAL_FILE)
        self._recordings = recordings_of(settings)
        self._journal = journal_of(settings, self._database, self._recordings, self._lease.may_act)
        self._pool = pool_of(outbound, lambda: self._equipment)
        self._workers, self._equipment = equipped(settings, self._pool, Air(self._link))
        self._callers = Callers(self._state_dir, self._state_dir / OWN)
        self._turns = self._build_turns(outbound, fleet)
        self._lease.tell(self._presence.hand_over, self._turns.calls.recall_acted)
        self._inbound = Inbound(
            self._link,
            workers_changed=self._presence.look_again,
            outbound=outbound,
            devices=devices,
            fleet=fleet,
            twins=self._twins,
            pool=self._pool,
            turns=self._turns,
            playback=self._playback,
            timekeeping=self._timekeeping,
        )
        self._timekeeping.meet(self._turns.announce, lambda: self._mind.home)
        if settings.keeps_audio:
            self._inbound.listen_along(self._recordings)
        self._measure(fleet)
        self._console = self._build_console(outbound, fleet)

    def _build_console(self, outbound: Outbound, fleet: Fleet) -> Console:
        console = Console(
            self._settings,
            outbound=outbound,
            inbound=self._inbound,
            satellites=fleet,
            twins=self._twins,
            workers=self._pool,
            ask=Requests(self._turns, self._playback, self._timekeeping.requests),
            mind=self._mind,
            reload=self._reload_home,
            equipment=self._equipment,
            callers=self._callers,
            trials=Trials(self._pool, Air(self._link)),
            rules=self._rules,
            journal=self._journal,
            gate=self._gate,
            browsers=None if self._broker is None else self._broker.for_browsers,
            registry=self._meters.registry,
            turns_running=lambda: self._turns.running,
            facts=lambda: {"Broker": self._broker_address},
        )
        counts = Counts(part="console", counts=console.counts, drops=("slow", "refused"))
        self._meters.counted(counts)
        return console

    def _build_turns(self, outbound: Outbound, fleet: Fleet) -> Turns:
        listening, language = self._settings.listening, self._settings.hub.language
        parts = Parts(
            ear=Ear(self._pool, outbound.satellite, self._rules.endpointing, language),
            mouth=Mouth(self._pool, outbound.satellite, language, self._playback),
            rooms=self._playback,
            mind=self._mind,
            journal=self._journal,
            publisher=self._publisher,
            command=outbound.satellite,
        )
        return Turns(
            parts,
            fleet,
            listening=listening_of(listening, self._callers),
            gains=GainKeeper(self._database),
            now_us=now_us,
        )

    def _measure(self, fleet: Fleet) -> None:
        meters = self._meters
        meters.gauge("satellites", "Satellites that are here.", lambda: len(tuple(fleet)))
        meters.gauge("workers", "Workers that are here.", lambda: len(self._pool))
        meters.gauge("turns_running", "Turns that run.", lambda: self._turns.running)
        for counts in counts_of(
            self._link.counts, self._turns, self._playback, self._pool, self._recordings
        ):
            meters.counted(counts)
        for counts in counts_of_skills(self._timekeeping, self._mind):
            meters.counted(counts)
        meters.counted(Counts(part="pairing", counts=self._desk.counts, drops=("asks_refused",)))

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            HubError: something that it cannot do without is missing; the message says what.
            LinkRefusedError: the configured broker refuses the hub's account.
        """
        # Started in the order of need, ended in reverse: turns tell their satellites while workers
        # and broker still run, workers say goodbye while the broker runs.
        async with contextlib.AsyncExitStack() as stack:
            await self._open_journal(stack)
            stack.callback(self._gate.close)
            changed = self._broker.reload if self._broker is not None else _nobody_to_tell
            await asyncio.to_thread(self._gate.open, changed)
            if self._broker is not None:
                stack.push_async_callback(self._broker.stop)
                self._address = await self._broker.start()
                await stack.enter_async_context(_beside(self._broker.run))
            address = await self._resolve()
            mine = await asyncio.to_thread(self._equipment.section)
            await stack.enter_async_context(self._workers.running(mine, address))
            # It computes meanwhile: neither a takeover nor a restart must wait for it.
            context = asyncio.create_task(asyncio.to_thread(self._mind.context), name="grammar")
            await stack.enter_async_context(_beside(self._lease.run))
            await self._lease.wait_for_it(self._manager.ready)
            self._pool.use_context(await context)
            await stack.enter_async_context(_beside(self._link.run))
            await stack.enter_async_context(
                broker_announced(
                    self._settings, address, self._broker, authority=self._gate.fingerprint
                )
            )
            await stack.enter_async_context(_beside(lambda: self._desk.run(self._gate.pairing)))
            await stack.enter_async_context(_beside(self._playback.run))
            await stack.enter_async_context(_beside(self._turns.run))
            await stack.enter_async_context(_beside(self._timekeeping.run))
            await self._link.wait_connected()
            await self._end_unfinished()
            await self._begin_serving()
            exporter, listen = Exporter(self._meters.registry), self._settings.metrics.listen
            metrics = await stack.enter_async_context(exporter.listening(listen))
            console = await stack.enter_async_context(self._console.serving())
            await self._serve(metrics, console)

    # -- start and stop ---------------------------------------------------------------------------

    async def _open_journal(self, stack: contextlib.AsyncExitStack) -> None:
        try:
            self._state_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"state directory {self._state_dir}: {error.strerror}; "
                "choose another: [hub] state_dir, or --state-dir"
            ) from None
        await self._database.open(MIGRATIONS)
        stack.push_async_callback(self._database.close)
        await self._playback.open()
        stack.push_async_callback(self._playback.close)
        await self._timekeeping.open()
        stack.push_async_callback(self._timekeeping.close)

    async def _end_unfinished(self) -> None:
        for turn, room, satellite in await self._journal.unfinished():
            log.warning("turn %s in %s was cut off by the hub's stop", turn, room)
            self._publisher.publish(
                TurnEnded(
                    turn=turn,
                    room=room,
                    satellite=satellite,
                    outcome="cancelled",
                    code="hub-restarted",
                )
            )

    async def _begin_serving(self) -> None:
        """Let the rooms call: with a worker that hears them, or without after a moment."""
        self._turns.calls.recall(await self._journal.recent(CALLS_REMEMBERED))
        if self._settings.workers.local:
            await self._pool.wait_for_one(WORKER_S)
        await self._presence.open()

    @property
    def _broker_address(self) -> str:
        return f"{self._address.host}:{self._address.port}" if self._address else ""

    async def _serve(self, metrics: str, console: str) -> None:
        if self._settings.workers.local:
            await self._pool.wait_for_one(READY_S)
        settle()
        ready_file = self._state_dir / "hub.json"
        broker, network = self._broker_address, self._broker.listeners.port if self._broker else 0
        facts = {
            "broker": broker,
            "pid": os.getpid(),
            "metrics": metrics,
            "port": network,
            "console": console,
        }
        written = ready_file.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(facts))
        written.replace(ready_file)  # whoever looks for it never reads half of it
        try:
            self._manager.ready(f"serving {self._settings.hub.site} at broker {broker}")
            log.info("hub %s is ready, broker %s", self._id, broker)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_home(), name="watch home")
                group.create_task(self._console.run(), name="await a restart")
                group.create_task(_prove_life(self._manager, self._journal), name="prove life")
                group.create_task(self._forget_old(), name="forget what is old")
        finally:
            self._manager.stopping()
            ready_file.unlink(missing_ok=True)

    async def _watch_home(self) -> None:
        while True:
            await asyncio.sleep(self._settings.home.rebuild_s)
            await self._reload_home()

    async def _reload_home(self) -> None:
        if (context := await self._mind.reload_if_changed()) is not None:
            self._pool.use_context(context)
            settle()

    async def _forget_old(self) -> None:
        while True:
            try:
                await self._journal.forget(now_us())
            except StorageError as error:
                log.error("what is past its retention stays: %s", error)  # noqa: TRY400 - the message says it all
            await asyncio.sleep(FORGET_S)

    # -- broker and presence ----------------------------------------------------------------------

    async def _resolve(self) -> BrokerAddress:
        if self._address is None:
            raise LinkDownError("the hub's own broker has not started yet")
        return self._address


def _linked(resolve: Resolver, hub: str, presence: Presence) -> Link:
    # Nobody can guess it: who connects under another's client id throws that one out.
    link = Link(resolve, client_id=new_id(f"hub-{hub}"), will=presence.will, name="hub")
    presence.attach(link)
    return link


def _own_broker(settings: Settings, gate: Gate) -> Mosquitto:
    return Mosquitto(settings.mosquitto, settings.state_dir() / "broker", gate.guard)


def _nobody_to_tell() -> None:
    """Somebody else's broker reads our files when its owner has arranged that."""


async def _prove_life(manager: ServiceManager, journal: Journal) -> None:
    """Feed the watchdog as long as the event loop turns and the journal can be written."""
    period_s = manager.watchdog_s
    while period_s is not None:
        await journal.alive()
        manager.alive()
        await asyncio.sleep(period_s)


@contextlib.asynccontextmanager
async def _beside(run: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run something beside the block; its failure cancels the block, the block's end cancels it."""

    async def forever() -> None:
        await run()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(forever())
        try:
            yield
        finally:
            task.cancel()
