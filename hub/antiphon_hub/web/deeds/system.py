"""The system: health, figures, logs, starting anew. Backup and restore are in `web.archive`."""

import logging
import time
from typing import Annotated, Any, Literal

import msgspec

from antiphon_hub.identity.people import Scope
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_hub.web.observer import Line, Sample
from antiphon_protocol.messages.fields import Name
from antiphon_protocol.messages.presence import EngineOffer


class WorkerShown(Record, frozen=True, kw_only=True):
    """A worker that is here."""

    id: str
    host: str
    device: str
    """What computes: `cpu`, `cuda:0`."""
    software: str
    capacity: int
    load: float
    """Jobs that it has, as a share of its capacity."""
    since_s: float
    """When it joined, seconds since 1970."""
    engines: tuple[EngineOffer, ...]


class Engines(Record, frozen=True, kw_only=True):
    """Who hears and speaks."""

    workers: tuple[WorkerShown, ...]
    stt: tuple[str, ...]
    """Recognisers of the hub's own worker by the settings, the first one is used."""
    tts: tuple[str, ...]
    wake: tuple[str, ...]
    vad: str
    language: str


class Check(Record, frozen=True, kw_only=True):
    """One thing that must be well."""

    name: str
    ok: bool
    text: str
    """How it is, and what to do where it is not well."""


class Health(Record, frozen=True, kw_only=True):
    """How the house is."""

    ok: bool
    checks: tuple[Check, ...]
    facts: dict[str, Any]


class Figures(Record, frozen=True, kw_only=True):
    """The last hour."""

    samples: tuple[Sample, ...]
    answers: tuple[tuple[float, float], ...]
    """The last answers: when, seconds since 1970, and after how many milliseconds."""


class LogAsked(Asked, frozen=True, kw_only=True):
    """Which log lines; the newest last."""

    level: Literal["INFO", "WARNING", "ERROR"] = "INFO"
    text: Name = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


class Log(Record, frozen=True, kw_only=True):
    """Recent log lines; they hold no speech."""

    lines: tuple[Line, ...]


@deed("GET", "/engines", Scope.READ)
async def engines(desk: Desk, asked: Nothing) -> Engines:
    """Tell the workers and what their engines can do."""
    del asked
    chosen = desk.house.settings
    return Engines(
        workers=tuple(_workers(desk)),
        stt=chosen.workers.stt,
        tts=chosen.workers.tts,
        wake=chosen.workers.wake,
        vad=chosen.workers.vad,
        language=chosen.hub.language,
    )


@deed("GET", "/health", Scope.READ)
async def health(desk: Desk, asked: Nothing) -> Health:
    """Tell how the house is, and what to do where something is not well."""
    del asked
    workers, satellites = list(_workers(desk)), list(desk.house.satellites)
    kinds = {offer.kind for one in workers for offer in one.engines}
    checks = (
        _check(
            "Hears",
            "stt" in kinds,
            "a worker with a recogniser is here",
            "no worker with a recogniser is here: see [workers] in the settings",
        ),
        _check(
            "Speaks",
            "tts" in kinds,
            "a worker with a voice is here",
            "no worker with a voice is here: replies are cues only",
        ),
        _check(
            "Rooms",
            bool(satellites),
            f"{len(satellites)} satellite{'s' if len(satellites) != 1 else ''} here",
            "no satellite is here: start one in a room, see the page Satellites",
        ),
        _home_check(desk),
    )
    return Health(ok=all(one.ok for one in checks), checks=checks, facts=dict(desk.house.facts()))


@deed("GET", "/figures", Scope.READ)
async def figures(desk: Desk, asked: Nothing) -> Figures:
    """Tell the last hour's figures."""
    del asked
    seen = desk.observer
    return Figures(samples=tuple(seen.samples), answers=tuple(seen.answers))


@deed("GET", "/log", Scope.MANAGE)
async def log(desk: Desk, asked: LogAsked) -> Log:
    """Tell recent log lines."""
    least = logging.getLevelName(asked.level)
    wanted = asked.text.lower()
    lines = [
        one
        for one in desk.observer.log.lines
        if logging.getLevelName(one.level) >= least
        and (wanted in one.text.lower() or wanted in one.name.lower())
    ]
    return Log(lines=tuple(lines[-asked.limit :]))


@deed("POST", "/restart", Scope.MANAGE)
async def restart(desk: Desk, asked: Nothing) -> Done:
    """Let the hub start anew; rooms are deaf for some seconds."""
    del asked
    await desk.audit("restarted the hub")
    desk.house.restart()
    return Done(message="The hub starts anew. This page comes back by itself in some seconds.")


def _check(name: str, ok: bool, well: str, ill: str) -> Check:
    return Check(name=name, ok=ok, text=well if ok else ill)


def _home_check(desk: Desk) -> Check:
    own = desk.house.mind.files.home is not None
    devices = len(desk.house.mind.home.devices)
    return _check(
        "Home",
        own,
        f"{devices} devices are described",
        "the example home is in use: describe your own on the page Home",
    )


def _workers(desk: Desk) -> list[WorkerShown]:
    return [
        WorkerShown(
            id=one.hello.worker,
            host=one.hello.host,
            device=one.hello.device,
            software=one.hello.software,
            capacity=one.hello.capacity,
            load=round(one.load, 3),
            since_s=min(one.hello.epoch / 1e6, time.time()),
            engines=one.hello.engines,
        )
        for one in desk.house.workers
    ]
