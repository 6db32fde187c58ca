"""What a turn needs of the rest of the hub; `app` passes in the real parts."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from antiphon_protocol.messages.satellite import PlaybackKind, SatelliteCommand
from antiphon_protocol.messages.work import WorkerCommand, WorkFact

Command = Callable[[str, SatelliteCommand], None]
"""Sends a command to a satellite; returns at once."""


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
    def speaks(self) -> bool:
        """It has a speaker."""
        ...


class Satellites(Protocol):
    """The satellites that are here."""

    def get(self, satellite: str) -> Satellite | None:
        """Return the one of that id."""
        ...

    def in_room(self, room: str) -> Collection[Satellite]:
        """Return those of a room; of all rooms for an empty name."""
        ...


class Place(Protocol):
    """A place in a room's playback; whoever holds it sounds only while `here`."""

    @property
    def room(self) -> str:
        """Where."""
        ...

    @property
    def here(self) -> bool:
        """It may sound now."""
        ...

    @property
    def taken(self) -> str:
        """Why it will not sound (again); empty while it may hope."""
        ...

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """Have this called, at once, when the room is taken away while it sounds."""
        ...

    async def wait(self) -> bool:
        """Return when it may sound (True) or never will (False)."""
        ...


class Rooms(Protocol):
    """Who may sound in which room."""

    def place(self, room: str, kind: PlaybackKind) -> AbstractContextManager[Place]:
        """Hold a place in the room's playback inside the block; a free room is had at once."""
        ...

    def attend(self, room: str, turn: str) -> None:
        """Somebody is being listened to in that room."""
        ...

    def unattend(self, room: str, turn: str) -> None:
        """That turn is over."""
        ...

    def output(self, heard: Satellite) -> Satellite:
        """Return the satellite that gives the replies for one that heard."""
        ...

    def verdict(self, room: str, *, urgent: bool) -> str:
        """Return what becomes of an announcement: `play`, `chime`, or why it is refused."""
        ...

    def chime(self, room: str) -> None:
        """Let the room know that something waits to be told."""
        ...


class Worker(Protocol):
    """A worker that is here."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def incarnation(self) -> tuple[str, int]:
        """Tells a restarted worker from its earlier life."""
        ...

    def job(self) -> AbstractContextManager["Job"]:
        """Hold a job on this worker inside the block; one that is not done is cancelled."""
        ...


class Job(Protocol):
    """A job that one worker has."""

    done: bool
    """To be set when the last fact came; else leaving the job's block cancels it."""

    @property
    def id(self) -> str:
        """The job's id."""
        ...

    @property
    def worker(self) -> Worker:
        """Who has it."""
        ...

    def tell(self, command: WorkerCommand) -> None:
        """Send the worker a command about this job."""
        ...

    async def next(self, timeout_s: float) -> WorkFact:
        """Return the job's next fact.

        Raises:
            WorkerLostError: the worker is gone, and everything it said was taken.
            JobTimeoutError: nothing came in time.
        """
        ...


class Pool(Protocol):
    """The workers that are here."""

    @property
    def context(self) -> str | None:
        """Id of the grammar that all workers have."""
        ...

    async def find(
        self,
        kind: Literal["stt", "tts"],
        language: str,
        *,
        tried: Collection[tuple[str, int]],
        within_s: float,
    ) -> Worker | None:
        """Return the best worker for a job that was not tried yet, waiting for one to join."""
        ...


class Meaning(Protocol):
    """What a sentence means."""

    @property
    def intent(self) -> str:
        """What to do."""
        ...

    @property
    def slots(self) -> dict[str, Any]:
        """With what: plain values."""
        ...

    @property
    def devices(self) -> tuple[str, ...]:
        """To which devices of the home, by id."""
        ...

    @property
    def response(self) -> str:
        """Which of the intent's replies fits."""
        ...


class Outcome(Protocol):
    """What came of doing it."""

    @property
    def text(self) -> str:
        """What to say."""
        ...

    @property
    def ok(self) -> bool:
        """It was done."""
        ...

    @property
    def code(self) -> str:
        """Why not."""
        ...


class Mind(Protocol):
    """Understands sentences and does what they mean."""

    def understand(self, text: str, room: str) -> Meaning:
        """Return what was meant by this in that room.

        Raises:
            TurnFailedError: nothing that this home can do; it carries what to say.
        """
        ...

    async def do(self, turn: str, meaning: Meaning, room: str) -> Outcome:
        """Do it."""
        ...


class Recordings(Protocol):
    """Keeps what was spoken, as far as the owner wants that."""

    async def keep(self, turn: str, satellite: str, streams: Sequence[str]) -> None:
        """Keep the audio of a turn that has ended.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    async def turns(self) -> Sequence[str]:
        """Return the turns of which there is audio.

        Raises:
            StorageError: its folder cannot be read.
        """
        ...

    async def forget_all_but(self, turns: Collection[str], now_us: int) -> None:
        """Delete the audio of all other turns, and what is too old or too much.

        Raises:
            StorageError: it cannot be deleted.
        """
        ...
