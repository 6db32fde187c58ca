"""A house around real turns: scripted workers and satellites in virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from antiphon_hub.clock import now_us
from antiphon_hub.fleet import Fleet
from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Answered, Question
from antiphon_hub.playback import Playback
from antiphon_hub.playback.manners import Manners
from antiphon_hub.playback.memory import Memory
from antiphon_hub.publisher import RecordingPublisher
from antiphon_hub.recordings import Recordings
from antiphon_hub.skills import Reply
from antiphon_hub.storage import Database
from antiphon_hub.turns.caller import Listening
from antiphon_hub.turns.dialogue import Before
from antiphon_hub.turns.ending import TurnFailedError
from antiphon_hub.turns.gain_keeper import GainKeeper
from antiphon_hub.turns.hearing import Ear
from antiphon_hub.turns.journal import MIGRATIONS, Journal
from antiphon_hub.turns.ports import Mind
from antiphon_hub.turns.speaking import Mouth
from antiphon_hub.turns.turn import Parts
from antiphon_hub.turns.turns import Turns
from antiphon_hub.workers import WorkerPool
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.messages.presence import (
    EngineOffer,
    Goodbye,
    Hello,
    WorkerGoodbye,
    WorkerHello,
)
from antiphon_protocol.messages.satellite import (
    Listen,
    ListenEnded,
    Play,
    PlaybackReady,
    Played,
    SatelliteCommand,
    StopListening,
    StopPlaying,
)
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.messages.work import (
    Alternative,
    Endpointing,
    Heard,
    LoadContext,
    Partial,
    SpeechBegan,
    SpeechEnded,
    SpeechSynthesized,
    Synthesize,
    Transcribe,
    WorkBegan,
    WorkerCommand,
)
from antiphon_protocol.version import OURS


class ScriptedMind:
    """Understands `do NAME`; counts what it did. Nothing is unclear to it, and nothing risky."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.breaks = False

    def foresee(self, text: str, room: str) -> None:
        """Quick enough as it is."""

    def understand(self, text: str, room: str) -> Sequence[Interpretation] | Question:
        if not text.startswith("do "):
            raise TurnFailedError("not-understood", "What did you mean?")
        return [Interpretation(text.removeprefix("do "), {"room": room}, (), text)]

    def correct(self, last: Interpretation, correction: Interpretation) -> Interpretation:
        raise NotImplementedError

    def risk(self, commands: Sequence[Interpretation], room: str) -> Question | None:
        del commands, room
        return None

    def unsure(self, text: str, commands: Sequence[Interpretation]) -> Question:
        raise NotImplementedError

    def grammar(self, question: Question) -> LoadContext | None:
        del question
        return None

    def answer(self, question: Question, text: str) -> Answered | None:
        del question, text
        return None

    def before(self, meaning: Interpretation) -> tuple[Before, ...]:
        del meaning
        return ()

    async def undo(self, before: Sequence[Before]) -> None:
        raise NotImplementedError

    async def do(self, key: str, meaning: Interpretation, room: str) -> Reply:
        del room
        if self.breaks:
            raise RuntimeError("the skill is broken")
        self.did.append(key)
        return Reply(f"done {meaning.intent}")


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


Script = Callable[["World", str, WorkerCommand], None]


class World:
    """Turns with everything around them scripted; times are virtual."""

    def __init__(
        self,
        journal_file: Path,
        *,
        keep_text: bool = False,
        recordings: Recordings | None = None,
        mind: Mind | None = None,
        check_wake: bool = False,
    ) -> None:
        self.publisher = RecordingPublisher()
        self.commands: list[tuple[str, SatelliteCommand]] = []
        self.jobs: list[tuple[str, WorkerCommand]] = []
        self.script: Script = obliging("do light")
        self.plays = True
        self.deaf: set[str] = set()
        """Satellites that take commands and do nothing."""
        self.endpointing: dict[str, Endpointing] = {}
        self.pool = WorkerPool(self._to_worker, self.publisher, "host")
        self.fleet = Fleet(self.publisher)
        self.mind = ScriptedMind()
        self.database = Database(journal_file)
        self.journal = Journal(
            self.database, keep_days=7, keep_text=keep_text, recordings=recordings
        )
        self.manners: dict[str, Manners] = {}
        self.playback = self._playback(journal_file.with_name("playback.sqlite"))
        self.gains = GainKeeper(self.database)
        self.turns = Turns(
            self._parts(mind or self.mind),
            self.fleet,
            listening=Listening(
                phrases=("hey mycroft",),
                check_wake=check_wake,
                household=lambda phrase: f"of {phrase}".encode(),
                limit_s=15.0,
            ),
            gains=self.gains,
            now_us=lambda: self._began_us + int(1e6 * _loop_time()),
            clock=_loop_time,
        )
        self.local_time = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self._epoch = 0
        self._began_us = now_us()

    def _playback(self, file: Path) -> Playback:
        return Playback(
            self.fleet,
            self._to_satellite,
            self.publisher,
            Memory(Database(file)),
            lambda room: self.manners.get(room, Manners()),
            duck_db=-20.0,
            now=lambda: self.local_time,
        )

    def _parts(self, mind: Mind) -> Parts:
        return Parts(
            ear=Ear(self.pool, self._to_satellite, self._endpointing, "en"),
            mouth=Mouth(self.pool, self._to_satellite, "en", self.playback),
            rooms=self.playback,
            mind=mind,
            journal=self.journal,
            publisher=self.publisher,
            command=self._to_satellite,
        )

    def _endpointing(self, room: str) -> Endpointing:
        return self.endpointing.get(room, Endpointing())

    async def __aenter__(self) -> Self:
        await self.database.open(MIGRATIONS)
        await self.playback.open()
        self._running = asyncio.create_task(self.turns.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.wait((self._running,))
        await self.database.close()
        await self.playback.close()

    # -- what happens in the house ----------------------------------------------------------------

    def satellite(
        self,
        name: str = "sat",
        room: str = "kitchen",
        *,
        speaks: bool = True,
        wake: Literal["local", "hub", "none"] = "none",
        instance: str = "one",
    ) -> None:
        self._epoch += 1
        hello = Hello(
            satellite=name,
            epoch=self._epoch,
            room=room,
            protocol=OURS,
            software="0",
            host="host",
            instance=instance,
            wake=wake,
            speaker=AudioFormat() if speaks else None,
        )
        self.fleet.joined(name, hello)

    def worker(self, name: str = "worker-1") -> None:
        self._epoch += 1
        hello = WorkerHello(
            worker=name,
            epoch=self._epoch,
            protocol=OURS,
            software="0",
            host="host",
            process=1,
            device="cpu",
            capacity=2,
            engines=(
                EngineOffer(kind="stt", name="fake", languages=("en",), grammar=True),
                EngineOffer(kind="tts", name="fake", languages=("en",)),
            ),
        )
        self.pool.joined(name, hello)

    def lose_worker(self, name: str = "worker-1") -> None:
        (epoch,) = (one.hello.epoch for one in self.pool if one.id == name)
        self.pool.left(name, WorkerGoodbye(worker=name, epoch=epoch, reason="lost"))

    def lose_satellite(self, name: str) -> None:
        here = self.fleet.get(name)
        assert here is not None
        if self.fleet.left(name, Goodbye(satellite=name, epoch=here.epoch, reason="lost")):
            self.turns.left(name)

    def call(
        self,
        stream: str = "s1",
        cause: str = "phrase",
        name: str = "sat",
        *,
        level: float = -40.0,
        heard_at_s: float | None = None,
        engine: str = "one",
    ) -> None:
        """A satellite calls; `heard_at_s`: when it heard it, virtual time on the hub's clock."""
        wake = WakeHeard(
            satellite=name,
            stream=stream,
            cause=cause,  # type: ignore[arg-type]
            heard_at_us=1,
            heard_on_hub_us=0 if heard_at_s is None else self._began_us + int(1e6 * heard_at_s),
            phrase="hey mycroft" if cause == "phrase" else "",
            engine=engine if cause == "phrase" else "",
            level_dbfs=level,
            noise_dbfs=-65.0,
        )
        self.turns.called(name, wake)

    async def ended(self, count: int = 1) -> list[TurnEnded]:
        """Wait until so many turns have ended; return them."""
        async with asyncio.timeout(600):
            while len(self.endings) < count:  # noqa: ASYNC110 - virtual time: sleep is free
                await asyncio.sleep(0.05)
        return self.endings

    @property
    def endings(self) -> list[TurnEnded]:
        return [one for one in self.publisher.events if isinstance(one, TurnEnded)]

    @property
    def kinds(self) -> list[str]:
        return [type(one).__name__ for one in self.publisher.events]

    def sent(self, kind: type) -> list[Any]:
        return [command for _, command in self.commands if isinstance(command, kind)]

    def later(self, delay_s: float, call: Callable[..., object], *args: object) -> None:
        asyncio.get_running_loop().call_later(delay_s, call, *args)

    # -- inside -----------------------------------------------------------------------------------

    def _to_worker(self, worker: str, command: WorkerCommand) -> None:
        self.jobs.append((worker, command))
        self.script(self, worker, command)

    def _to_satellite(self, satellite: str, command: SatelliteCommand) -> None:
        self.commands.append((satellite, command))
        if satellite in self.deaf:
            return
        match command:
            case Listen():
                ready = PlaybackReady(playback=command.playback)
                self.later(0.001, self.turns.did, satellite, ready)
            case StopListening():
                end = ListenEnded(stream=command.stream, frames=100, reason="asked")
                self.later(0.001, self.turns.did, satellite, end)
            case Play():
                ready = PlaybackReady(playback=command.playback)
                self.later(0.001, self.turns.did, satellite, ready)
                if self.plays:
                    played = Played(playback=command.playback, samples=16000, complete=True)
                    self.later(1.2, self.turns.did, satellite, played)
            case StopPlaying():
                silent = Played(playback=command.playback, samples=8000, complete=False)
                self.later(0.001, self.turns.did, satellite, silent)
            case _:
                pass


def obliging(text: str, *, rejected: bool = False, confidence: float = 0.9) -> Script:
    """A worker that hears this text, and speaks."""

    def react(world: World, worker: str, command: WorkerCommand) -> None:
        match command:
            case Transcribe():
                hear(world, worker, command, text, rejected=rejected, confidence=confidence)
            case Synthesize():
                speak(world, worker, command)
            case _:
                pass

    return react


def hear(
    world: World,
    worker: str,
    command: Transcribe,
    text: str,
    *,
    rejected: bool = False,
    confidence: float = 0.9,
) -> None:
    job = command.job
    guess = Alternative(text=text, source="grammar", confidence=confidence)
    facts = (
        (0.01, WorkBegan(job=job, worker=worker, engine="fake")),
        (1.0, Partial(job=job, text=text[:2])),
        (
            2.0,
            SpeechEnded(job=job, position=28000, decided_at=32000, why="silence"),
        ),
        (
            2.05,
            Heard(
                job=job,
                text="" if rejected else text,
                source="nothing" if rejected or not text else "grammar",
                confidence=0.0 if rejected else confidence,
                engine="fake",
                rejected=rejected,
                alternatives=(guess,) if text else (),
                tail_ms=50.0,
            ),
        ),
    )
    for delay_s, fact in facts:
        world.later(delay_s, world.pool.fact, fact)


def speak(world: World, worker: str, command: Synthesize) -> None:
    job = command.job
    world.later(0.01, world.pool.fact, WorkBegan(job=job, worker=worker, engine="fake"))
    began = SpeechBegan(job=job, engine="fake", engine_ms=5.0)
    world.later(0.02, world.pool.fact, began)
    world.later(0.1, world.pool.fact, SpeechSynthesized(job=job, samples=16000, frames=16))
