"""Parts of the hub, each built of settings: what `app` puts together."""

import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from antiphon_hub.bus.outbound import Air, Devices, Outbound
from antiphon_hub.callers import Callers
from antiphon_hub.equipment import Equipment
from antiphon_hub.equipment.proof import prove
from antiphon_hub.errors import StorageError
from antiphon_hub.fleet import Fleet
from antiphon_hub.home.files import OWN, HomeFiles
from antiphon_hub.metrics import Counts
from antiphon_hub.mind import HomeMind, plugins_of
from antiphon_hub.nlu.questions import Question
from antiphon_hub.own_worker import OwnWorkers
from antiphon_hub.playback import Playback
from antiphon_hub.playback.memory import Memory
from antiphon_hub.publisher import Publisher
from antiphon_hub.recordings import Recordings, Shelf
from antiphon_hub.recordings.shelf import FOLDER
from antiphon_hub.room_rules import RulesOfRooms
from antiphon_hub.settings import ListeningSection, Settings
from antiphon_hub.skills import Skill
from antiphon_hub.skills.sounding import SoundSkill, Volume
from antiphon_hub.storage import Database
from antiphon_hub.timekeeping import Timekeeping, home_zone
from antiphon_hub.turns.announcing import Voice
from antiphon_hub.turns.caller import STREAM_SLACK_S, Listening
from antiphon_hub.turns.journal import Journal
from antiphon_hub.turns.turns import Turns
from antiphon_hub.workers import Chosen, Kind, Trials, WorkerPool
from antiphon_protocol.messages.ask import Answer, AskAnnounce

log = logging.getLogger(__name__)

SPARE_AFTER_S: Final = 15.0
"""How long a spare worker waits for another to be here: then it starts all the same."""


def playback_of(
    settings: Settings,
    rules: RulesOfRooms,
    fleet: Fleet,
    outbound: Outbound,
    publisher: Publisher,
) -> Playback:
    """Return who may sound where."""
    zone = home_zone(settings.hub.time_zone)
    return Playback(
        fleet,
        outbound.satellite,
        publisher,
        Memory(Database(settings.state_dir() / "playback.sqlite")),
        rules.manners,
        duck_db=settings.playback.duck_db,
        now=lambda: datetime.now(zone),
    )


def mind_of(
    settings: Settings, devices: Devices, zone: tzinfo, skills: Sequence[Skill]
) -> HomeMind:
    """Return what understands and does."""
    return HomeMind(
        HomeFiles(
            Path(settings.home.file) if settings.home.file else None,
            [Path(file) for file in settings.home.sentences],
            settings.state_dir() / OWN,
        ),
        settings.hub.language,
        devices,
        lambda: datetime.now(zone),
        skills=skills,
        plugins=plugins_of(settings),
        natural=settings.home.natural,
    )


def sound_skill(settings: Settings, turns: Callable[[], Turns], volume: Volume) -> SoundSkill:
    """Return what tells everyone, and sets volumes, by voice."""

    async def announce(asked: AskAnnounce, *, turn: str, answer: Question | None) -> Answer:
        voice = Voice(turn if settings.playback.own_voice else "", answer)
        return await turns().announce(asked, voice)

    return SoundSkill(announce, volume)


def listening_of(section: ListeningSection, callers: Callers) -> Listening:
    """Return how calls are taken."""
    return Listening(
        phrases=section.phrases,
        check_wake=section.check_wake,
        check_threshold=section.check_threshold,
        household=callers.likeness,
        limit_s=section.limit_s + STREAM_SLACK_S,
    )


def recordings_of(settings: Settings) -> Recordings:
    """Return what keeps audio."""
    kept = settings.journal
    shelf = Shelf(settings.state_dir() / FOLDER, days=kept.keep_audio_days, mib=kept.audio_mib)
    return Recordings(shelf, time.monotonic)


def journal_of(
    settings: Settings,
    database: Database,
    recordings: Recordings,
    may_act: Callable[[], Awaitable[bool]],
) -> Journal:
    """Return where turns are written down."""
    return Journal(
        database,
        keep_days=settings.journal.keep_days,
        keep_text=settings.journal.keep_text,
        recordings=recordings,
        may_act=may_act,
    )


def pool_of(outbound: Outbound, equipment: Callable[[], Equipment]) -> WorkerPool:
    """Return the workers, which hear and speak with what the owner chose for a language."""

    def prefer(kind: Kind, language: str) -> Chosen:
        one = equipment().wanted(language)
        if kind == "stt":
            return Chosen(engine=one.stt)
        return Chosen(engine=one.tts, voice=one.voice)

    return WorkerPool(outbound.worker, outbound, socket.gethostname(), prefer)


def equipped(settings: Settings, pool: WorkerPool, air: Air) -> tuple[OwnWorkers, Equipment]:
    """Return the own workers and what they hear and speak with.

    Engines are as the settings have them where what was chosen cannot be read.
    """

    async def one_is_here() -> None:
        await pool.wait_for_one(SPARE_AFTER_S)

    folder, trials = settings.state_dir(), Trials(pool, air, settings.hub.language)
    workers = OwnWorkers(folder, settings.hub_id(), pool, one_is_here, trials.settle)
    try:
        return workers, Equipment(settings, folder / OWN, prove, workers.replace)
    except StorageError as error:
        log.error("engines are as the settings have them: %s", error)  # noqa: TRY400 - the message says it all
        own = folder / OWN / "unreadable"
        return workers, Equipment(settings, own, prove, workers.replace)


def counts_of(
    link: Mapping[str, int],
    turns: Turns,
    playback: Playback,
    pool: WorkerPool,
    recordings: Recordings,
) -> tuple[Counts, ...]:
    """Return what the services count."""
    return (
        Counts(
            part="link",
            counts=link,
            drops=("posts_refused", "posts_lost"),
        ),
        Counts(part="turns", counts=turns.counts, drops=("refused",)),
        Counts(
            part="playback",
            counts=playback.counts,
            drops=("taken_full", "taken_waited-too-long", "taken_too-long"),
        ),
        Counts(part="workers", counts=pool.counts, drops=("dropped_facts",)),
        Counts(part="recordings", counts=recordings.counts, drops=("dropped",)),
    )


def counts_of_skills(timekeeping: Timekeeping, mind: HomeMind) -> tuple[Counts, ...]:
    """Return what skills count, those of others too."""
    return (
        Counts(part="timers", counts=timekeeping.ringing.counts, drops=("facts_refused",)),
        *(
            Counts(part=f"skill-{one.name}", counts=one.skill.counts, drops=("refused",))
            for one in mind.plugins
        ),
    )
