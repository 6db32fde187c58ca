"""What the console needs of the hub: small ports, which `app` fills."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from antiphon_hub.callers import Callers
from antiphon_hub.equipment import Equipment
from antiphon_hub.home.files import HomeFiles
from antiphon_hub.home.model import Home
from antiphon_hub.identity.accounts import Accounts
from antiphon_hub.identity.pairing import Pairing
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood
from antiphon_hub.room_rules import RulesOfRooms
from antiphon_hub.settings import Settings
from antiphon_hub.web.clips import Clips
from antiphon_hub.web.scores import Scores
from antiphon_hub.workers import Trials
from antiphon_link.broker import BrokerAddress
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskIntent, AskVolume
from antiphon_protocol.messages.config import DesiredSettings, ReportedSettings, SatelliteSettings
from antiphon_protocol.messages.presence import Hello, WorkerHello
from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_protocol.messages.timer import AskList, AskTimer


class Satellite(Protocol):
    """A satellite that is here."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def room(self) -> str:
        """Its room, as people call it."""
        ...

    @property
    def hello(self) -> Hello:
        """What it says of itself."""
        ...


class Twins(Protocol):
    """What is wanted to be set at satellites, and what counts there."""

    def desired(self, satellite: str) -> DesiredSettings:
        """Return what is wanted of a satellite."""
        ...

    def reported(self, satellite: str) -> ReportedSettings | None:
        """Return what a satellite said last; None: nothing since the hub's start."""
        ...

    async def set(
        self, satellite: str, settings: SatelliteSettings, *, here: bool
    ) -> ReportedSettings | None:
        """Want these settings; what the satellite refuses is taken back. Returns what it says.

        Raises:
            StorageError: they cannot be kept, or there are too many.
        """
        ...


class Worker(Protocol):
    """A worker that is here."""

    @property
    def hello(self) -> WorkerHello:
        """What it says of itself."""
        ...

    @property
    def load(self) -> float:
        """Jobs it has, as a share of its capacity."""
        ...


class Mind(Protocol):
    """What understands."""

    @property
    def home(self) -> Home:
        """The home as it is now."""
        ...

    @property
    def files(self) -> HomeFiles:
        """Where it is described."""
        ...

    def explain(self, text: str, room: str) -> Sequence[Interpretation | NotUnderstood]:
        """Return what this would mean in that room, without doing it."""
        ...

    def check(self, changed: Mapping[Path, str]) -> list[str]:
        """Tell whether the house would be sound with these texts in place of those files'.

        Returns: sentences among them that would mean something else, one line for each.

        Takes a second or so; to be called in a thread.

        Raises:
            MistakesError: it would not; all mistakes are listed.
        """
        ...


class Ask(Protocol):
    """What can be asked of the house; every answer says what was wrong and what to do."""

    async def announce(self, request: AskAnnounce) -> Answer:
        """Say something in some rooms."""
        ...

    async def volume(self, request: AskVolume) -> Answer:
        """Set or tell rooms' volumes and do-not-disturb."""
        ...

    async def intent(self, request: AskIntent) -> Answer:
        """Do a sentence."""
        ...

    async def timer(self, request: AskTimer) -> Answer:
        """Set, show and change timers."""
        ...

    async def list(self, request: AskList) -> Answer:
        """Show and change lists."""
        ...


Mark = Callable[[str, str, str], Awaitable[bool]]
"""Marks a turn as wrong: turn, what was meant, who says so; False: there is no such turn."""


@dataclass(frozen=True, kw_only=True)
class House:
    """The hub as the console sees it."""

    id: str
    state_dir: Path
    settings: Settings
    satellites: Iterable[Satellite]
    workers: Iterable[Worker]
    ask: Ask
    command: Callable[[str, SatelliteCommand], None]
    twins: Twins
    scores: Scores
    mind: Mind
    reload: Callable[[], Awaitable[None]]
    """Take the changed files into use now."""
    equipment: Equipment
    callers: Callers
    trials: Trials
    clips: Clips
    rules: RulesOfRooms
    mark_wrong: Mark
    registry: CollectorRegistry
    accounts: Accounts
    pairing: Pairing
    browsers: Callable[[], BrokerAddress] | None
    """Where browsers that are satellites are let through to; None: nowhere."""
    restart: Callable[[], None]
    """Let the hub start anew; returns at once."""
    facts: Callable[[], Mapping[str, Any]]
    """What is worth knowing about the running hub: addresses, versions."""
