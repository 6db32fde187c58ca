"""Engines and voices: tried side by side, chosen, installed. Uploads are in `web.files`."""

import asyncio
from typing import Annotated, Literal

import msgspec

from antiphon_hub.equipment import ForLanguage
from antiphon_hub.equipment.choice import Engines, engine_of
from antiphon_hub.errors import ChildError, ConsoleError, EquipmentError, StorageError, WorkError
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_hub.web.trying import HeardBy, Wav, heard_by, samples_of
from antiphon_hub.workers import Worker
from antiphon_link.errors import LinkDownError
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Language, Name
from antiphon_protocol.wav import write_wav

SOUNDS = "/api/v1/engines/sounds/"
"""Where what was spoken can be heard."""


class Choosing(Record, frozen=True, kw_only=True):
    """What is chosen, and what could be."""

    own_workers: int
    """How many the hub runs by itself; the choice of engines is theirs."""
    stt: tuple[str, ...]
    """Recognisers that the own workers have, the first is used first."""
    tts: tuple[str, ...]
    chained: bool
    can_stt: tuple[str, ...]
    """What can be chosen here: `ENGINE`, or `ENGINE:NAME` with an installed model."""
    can_tts: tuple[str, ...]
    languages: dict[str, ForLanguage]
    missing: tuple[str, ...]
    """Chosen, and not installed any more."""


class Choose(Asked, frozen=True, kw_only=True):
    """Which engines the own workers have; an empty list: as the settings file has it."""

    stt: Engines = ()
    tts: Engines = ()
    chained: bool = False
    """Where the first recogniser is unsure, late or away, ask the next one."""


class ChooseFor(Asked, frozen=True, kw_only=True):
    """What is wanted for one language; empty: each worker's own first choice."""

    language: Language
    stt: Name = ""
    tts: Name = ""
    voice: Name = ""


class Recording(Asked, frozen=True, kw_only=True):
    """A recording to be heard; nothing is done with what was said."""

    wav: Wav
    """A WAV file, 16 kHz mono signed 16-bit, thirty seconds at most; base64 in JSON."""
    engine: Name = ""
    """By name; empty: all, one after the other."""


class HeardSideBySide(Record, frozen=True, kw_only=True):
    """What the recognisers made of it."""

    seconds: float
    heard: tuple[HeardBy, ...]


class Say(Asked, frozen=True, kw_only=True):
    """A text to be spoken, for you alone."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    engine: Name = ""
    """By name; empty: all, one after the other."""
    voice: Name = ""
    """One of the engine's; empty: its own choice."""


class SpokenBy(Record, frozen=True, kw_only=True):
    """What one voice made of it."""

    engine: str
    voice: str = ""
    host: str = ""
    seconds: float = 0.0
    engine_ms: float = 0.0
    """From the asking to the first sound."""
    sound: str = ""
    """Where the WAV file is, for some minutes."""
    error: str = ""


class SpokenSideBySide(Record, frozen=True, kw_only=True):
    """What the voices made of it."""

    text: str
    spoken: tuple[SpokenBy, ...]


class InstalledShown(Record, frozen=True, kw_only=True):
    """A model or a voice that was installed here."""

    name: str
    kind: Literal["stt", "tts"]
    engine: str
    language: str
    bytes: int
    at_s: float
    by: str
    used: bool
    """It is chosen."""


class InstalledList(Record, frozen=True, kw_only=True):
    """All of them."""

    installed: tuple[InstalledShown, ...]


class OneInstalled(Asked, frozen=True, kw_only=True):
    """One of them, by its name."""

    name: Slug


@deed("GET", "/engines/choice", Scope.READ)
async def choice(desk: Desk, asked: Nothing) -> Choosing:
    """Tell which engines are chosen, and which could be."""
    del asked
    equipment, base = desk.house.equipment, desk.house.settings.workers
    chosen = equipment.choice
    return Choosing(
        own_workers=base.local,
        stt=chosen.stt or base.stt,
        tts=chosen.tts or base.tts,
        chained=chosen.chained,
        can_stt=await asyncio.to_thread(equipment.candidates, "stt"),
        can_tts=await asyncio.to_thread(equipment.candidates, "tts"),
        languages=dict(chosen.languages),
        missing=tuple(await asyncio.to_thread(equipment.missing)),
    )


@deed("PUT", "/engines/choice", Scope.CONFIGURE)
async def choose(desk: Desk, asked: Choose) -> Done:
    """Let the hub's own workers have these engines: new ones start beside those that run."""
    try:
        replaced = await desk.house.equipment.choose(asked.stt, asked.tts, chained=asked.chained)
    except (EquipmentError, ChildError) as error:
        raise ConsoleError(422, f"{error}; nothing has changed") from None
    except StorageError as error:
        raise ConsoleError(503, str(error)) from None
    await desk.audit("chose engines", ", ".join((*asked.stt, *asked.tts)))
    how = "They are here, and count from the next command on." if replaced else "So it was already."
    return Done(message=how)


@deed("PUT", "/engines/languages/{language}", Scope.CONFIGURE)
async def choose_for(desk: Desk, asked: ChooseFor) -> Done:
    """Choose the recogniser and the voice for a language; counts from the next command on."""
    _require_offered(desk, asked)
    wanted = ForLanguage(stt=asked.stt, tts=asked.tts, voice=asked.voice)
    try:
        await desk.house.equipment.choose_for(asked.language, wanted)
    except EquipmentError as error:
        raise ConsoleError(422, str(error)) from None
    except StorageError as error:
        raise ConsoleError(503, str(error)) from None
    await desk.audit("chose a language's engines", asked.language)
    return Done(message="That counts from the next command on.")


@deed("POST", "/engines/hear", Scope.CONTROL)
async def hear(desk: Desk, asked: Recording) -> HeardSideBySide:
    """Let the recognisers hear a recording side by side; nothing is done with what was said."""
    pcm = samples_of(asked.wav)
    language = desk.house.settings.hub.language
    found = _candidates(desk, "stt", asked.engine)
    heard = [await heard_by(desk, worker, name, pcm, language) for worker, name, _ in found]
    seconds = len(pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ
    return HeardSideBySide(seconds=round(seconds, 2), heard=tuple(heard))


@deed("POST", "/engines/speak", Scope.CONTROL)
async def speak(desk: Desk, asked: Say) -> SpokenSideBySide:
    """Let the voices speak a text, to be listened to in the browser."""
    found = _candidates(desk, "tts", asked.engine)
    if asked.voice and all(asked.voice not in voices for _, _, voices in found):
        raise ConsoleError(422, f"voice: nobody here has a voice {asked.voice}")
    spoken = [await _spoken_by(desk, worker, name, asked) for worker, name, _ in found]
    return SpokenSideBySide(text=asked.text, spoken=tuple(spoken))


@deed("GET", "/engines/installed", Scope.READ)
async def installed(desk: Desk, asked: Nothing) -> InstalledList:
    """List the models and voices that were installed here."""
    del asked
    equipment = desk.house.equipment
    used = {*equipment.choice.stt, *equipment.choice.tts}
    return InstalledList(
        installed=tuple(
            InstalledShown(
                name=one.name,
                kind=one.sort.kind,
                engine=one.sort.engine,
                language=one.sort.language,
                bytes=one.bytes,
                at_s=one.at_s,
                by=one.by,
                used=f"{one.sort.engine}:{one.name}" in used,
            )
            for one in await asyncio.to_thread(equipment.store.all)
        )
    )


@deed("DELETE", "/engines/installed/{name}", Scope.CONFIGURE)
async def remove(desk: Desk, asked: OneInstalled) -> Done:
    """Remove a model or a voice that was installed here and is not in use."""
    known = await asyncio.to_thread(desk.house.equipment.store.all)
    if all(one.name != asked.name for one in known):
        raise ConsoleError(404, f"nothing is installed by the name {asked.name}")
    try:
        await desk.house.equipment.remove(asked.name)
    except EquipmentError as error:
        raise ConsoleError(409, str(error)) from None
    await desk.audit("removed a model", asked.name)
    return Done(message=f"{asked.name} is removed.")


async def _spoken_by(desk: Desk, worker: Worker, engine: str, asked: Say) -> SpokenBy:
    house = desk.house
    host, language = worker.hello.host, house.settings.hub.language
    try:
        spoken = await house.trials.speak(worker, engine, asked.voice, asked.text, language)
    except (WorkError, LinkDownError) as error:
        return SpokenBy(engine=engine, voice=asked.voice, host=host, error=str(error))
    clip = house.clips.put(write_wav(spoken.pcm))
    seconds = len(spoken.pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ
    return SpokenBy(
        engine=engine,
        voice=asked.voice,
        host=host,
        seconds=round(seconds, 2),
        engine_ms=round(spoken.engine_ms, 1),
        sound=f"{SOUNDS}{clip}",
    )


def _candidates(
    desk: Desk, kind: Literal["stt", "tts"], engine: str
) -> list[tuple[Worker, str, tuple[str, ...]]]:
    found = [
        (worker, offer.name, offer.voices)
        for worker, offer in desk.house.trials.candidates(kind, engine)
    ]
    if found:
        return found
    if engine:
        raise ConsoleError(422, f"engine: no worker has an engine {engine}")
    raise ConsoleError(409, "no worker that can do that is here; see the page Engines")


def _require_offered(desk: Desk, asked: ChooseFor) -> None:
    for kind, wanted in (("stt", asked.stt), ("tts", asked.tts)):
        if wanted and not desk.house.trials.candidates(kind, wanted):
            raise ConsoleError(422, f"{kind}: no worker has an engine {wanted}")
    if not asked.voice:
        return
    if not asked.tts:
        raise ConsoleError(422, "tts: name the engine that has this voice")
    offers = [offer for _, offer in desk.house.trials.candidates("tts", asked.tts)]
    if all(asked.voice not in offer.voices for offer in offers):
        raise ConsoleError(422, f"voice: {engine_of(asked.tts)} has no voice {asked.voice}")
