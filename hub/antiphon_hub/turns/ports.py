"""What a turn needs of the rest of the hub; `app` passes in the real parts."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Answered, Question
from antiphon_hub.turns.dialogue import Before
from antiphon_protocol.messages.satellite import PlaybackKind, SatelliteCommand
from antiphon_protocol.messages.work import LoadContext, WorkerCommand, WorkFact

Command = Callable[[str, SatelliteCommand], None]
"""Sends a command to a satellite; returns at once."""
Kind = Literal["stt", "tts"]


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

    def instance(self, satellite: str) -> str:
        """Return what tells one start of its program from another; empty if it is not here."""
        ...

    def in_room(self, room: str) -> Collection[Satellite]:
        """Return those of a room; of all rooms for an empty name."""
        ...

    def alone(self, satellite: str) -> bool:
        """Tell whether no other satellite could notice a call that this one hears."""
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


class Chosen(Protocol):
    """Which engine, and which of its voices."""

    @property
    def engine(self) -> str:
        """By name; empty: the worker's first."""
        ...

    @property
    def voice(self) -> str:
        """By name; empty: the engine's own."""
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

    def engine(self, kind: Kind, language: str, *, open_text: bool = False) -> Chosen:
        """Return which of its engines the owner wants for this; empty names: its own choice."""
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
        kind: Kind,
        language: str,
        *,
        tried: Collection[tuple[str, int]],
        within_s: float,
    ) -> Worker | None:
        """Return the best worker for a job that was not tried yet, waiting for one to join."""
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

    @property
    def question(self) -> Question | None:
        """What to ask instead of saying something."""
        ...


class Mind(Protocol):
    """Understands sentences and does what they mean."""

    def understand(self, text: str, room: str) -> Sequence[Interpretation] | Question:
        """Return what was meant by this in that room, in order, or what must be asked first.

        Raises:
            TurnFailedError: nothing that this home can do; it carries what to say.
        """
        ...

    def foresee(self, text: str, room: str) -> None:
        """Be quick if just this is to be understood next in that room."""
        ...

    def correct(self, last: Interpretation, correction: Interpretation) -> Interpretation:
        """Return what was meant instead of the last command.

        Raises:
            TurnFailedError: nothing that this home can do; it carries what to say.
        """
        ...

    def risk(self, commands: Sequence[Interpretation], room: str) -> Question | None:
        """Return what to ask before these are done; None where they are harmless."""
        ...

    def unsure(self, text: str, commands: Sequence[Interpretation]) -> Question:
        """Return the question whether this was said."""
        ...

    def grammar(self, question: Question) -> LoadContext | None:
        """Return how to hear the answers to a question; None where any words may come."""
        ...

    def answer(self, question: Question, text: str) -> Answered | None:
        """Return which answer to a question the text is; None for none of them."""
        ...

    def before(self, meaning: Interpretation) -> tuple[Before, ...]:
        """Return the states that a command is about to change, as far as they can come back."""
        ...

    async def undo(self, before: Sequence[Before]) -> None:
        """Bring devices back into these states."""
        ...

    async def do(self, key: str, meaning: Interpretation, room: str) -> Outcome:
        """Do it; the key is the turn's and the command's in it."""
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

    async def forget(self, turns: Collection[str], now_us: int) -> None:
        """Delete the audio of these turns, and what is too old or too much.

        Raises:
            StorageError: it cannot be deleted.
        """
        ...
