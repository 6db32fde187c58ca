"""Sentences of the owner's: checked before they count, taken back in one step, tried first."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from antiphon_hub.errors import ConsoleError, MistakesError
from antiphon_hub.home.files import SENTENCES
from antiphon_hub.identity.people import Scope
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_hub.web.texts import Texts
from antiphon_hub.web.trying import HeardBy, Wav, heard_by, samples_of
from antiphon_protocol.messages.fields import Name

FILES_MAX: Final = 64
BEFORE: Final = "before"
"""The folder of earlier versions, beside the files."""
FileName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}\.yaml$(?!\n)")]
FileText = Annotated[str, msgspec.Meta(max_length=1024 * 1024)]


class OneFile(Asked, frozen=True, kw_only=True):
    """A sentence file by its name."""

    file: FileName


class NewText(Asked, frozen=True, kw_only=True):
    """A sentence file's whole text."""

    file: FileName
    text: FileText


class Try(Asked, frozen=True, kw_only=True):
    """A sentence to be understood, not done."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    room: Name = ""


class SentenceFile(Record, frozen=True, kw_only=True):
    """A file."""

    file: str
    path: str
    intents: int
    """How many intents it has."""
    sentences: int
    undo: bool
    """There is an earlier version."""
    removable: bool
    """It was made here; one that the settings name stays."""


class SentenceFiles(Record, frozen=True, kw_only=True):
    """All of the owner's."""

    files: tuple[SentenceFile, ...]


class SentenceText(Record, frozen=True, kw_only=True):
    """A file's text."""

    file: str
    text: str
    undo: bool


class Reading(Record, frozen=True, kw_only=True):
    """One way to understand a sentence, or why there is none."""

    understood: bool
    say: str = ""
    """What the house would answer or ask back, where it is not understood."""
    code: str = ""
    intent: str = ""
    slots: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    devices: tuple[str, ...] = ()
    """By name."""
    stage: str = ""
    """`template`, `misheard`, `natural`."""
    confidence: float = 1.0
    options: tuple[str, ...] = ()
    """What may be meant, where that is ambiguous."""


class Tried(Record, frozen=True, kw_only=True):
    """What a sentence would mean: one command, or two."""

    text: str
    room: str
    readings: tuple[Reading, ...]


class Speech(Asked, frozen=True, kw_only=True):
    """A spoken sentence to be understood, not done."""

    wav: Wav
    """A WAV file, 16 kHz mono signed 16-bit, thirty seconds at most; base64 in JSON."""
    room: Name = ""


class Overheard(Record, frozen=True, kw_only=True):
    """What was heard in a recording, and what it would mean."""

    heard: HeardBy
    tried: Tried | None
    """None: nothing was heard that the recogniser stands by."""


@deed("GET", "/sentences", Scope.CONFIGURE)
async def listed(desk: Desk, asked: Nothing) -> SentenceFiles:
    """List the owner's sentence files."""
    del asked
    return await asyncio.to_thread(_listed, desk)


@deed("GET", "/sentences/{file}", Scope.CONFIGURE)
async def show(desk: Desk, asked: OneFile) -> SentenceText:
    """Tell a sentence file's text."""
    texts = texts_of(desk)
    path = _existing(desk, asked.file)
    text = await asyncio.to_thread(texts.read, path)
    undo = await asyncio.to_thread(texts.previous, path) is not None
    return SentenceText(file=asked.file, text=text, undo=undo)


@deed("PUT", "/sentences/{file}", Scope.CONFIGURE)
async def save(desk: Desk, asked: NewText) -> Done:
    """Check a sentence file, save it, and let it count at once."""
    path = _path(desk, asked.file)
    text = asked.text.replace("\r\n", "\n")
    notes = await checked(desk, path, text)
    await asyncio.to_thread(texts_of(desk).write, path, text)
    await desk.house.reload()
    await desk.audit("saved sentences", asked.file)
    but = " Some of it means something else:" if notes else ""
    return Done(message=f"{asked.file} is saved, and counts from now on.{but}", notes=notes)


@deed("POST", "/sentences/{file}/undo", Scope.CONFIGURE)
async def undo(desk: Desk, asked: OneFile) -> Done:
    """Bring a sentence file's earlier version back."""
    path = _path(desk, asked.file)
    texts = texts_of(desk)
    before = await asyncio.to_thread(texts.previous, path)
    if before is None:
        raise ConsoleError(409, "there is nothing to undo")
    await checked(desk, path, before)
    await asyncio.to_thread(texts.undo, path)
    await desk.house.reload()
    await desk.audit("took back sentences", asked.file)
    return Done(message=f"{asked.file} is as it was before.")


@deed("DELETE", "/sentences/{file}", Scope.CONFIGURE)
async def remove(desk: Desk, asked: OneFile) -> Done:
    """Remove a sentence file that was made here; undo brings it back."""
    path = _existing(desk, asked.file)
    if path.parent != _folder(desk):
        raise ConsoleError(409, f"{path} is named in the settings; take it out of them")
    await asyncio.to_thread(texts_of(desk).remove, path)
    await desk.house.reload()
    await desk.audit("removed sentences", asked.file)
    return Done(message=f"{asked.file} is removed. Saving a file of that name lets you undo it.")


@deed("POST", "/understand", Scope.READ)
async def understand(desk: Desk, asked: Try) -> Tried:
    """Tell what a sentence would mean in a room, without doing it."""
    found = desk.house.mind.explain(asked.text, asked.room)
    readings = tuple(_reading(desk, one) for one in found)
    return Tried(text=asked.text, room=asked.room, readings=readings)


@deed("POST", "/understand/speech", Scope.CONTROL)
async def hear(desk: Desk, asked: Speech) -> Overheard:
    """Tell what is heard in a recording and what it would mean in a room, without doing it."""
    pcm = samples_of(asked.wav)
    language = desk.house.settings.hub.language
    workers = [worker for worker, _ in desk.house.trials.candidates("stt")]
    if not workers:
        raise ConsoleError(409, "no worker that hears is here; see the page Engines")
    worker = min(workers, key=lambda one: one.load)
    wanted = worker.engine("stt", language).engine
    heard = await heard_by(desk, worker, wanted, pcm, language)
    if heard.error:
        raise ConsoleError(409, f"it could not be heard: {heard.error}")
    tried = None
    if heard.text:
        tried = await understand.run(desk, Try(text=heard.text, room=asked.room))
    return Overheard(heard=heard, tried=tried)


async def checked(desk: Desk, path: Path, text: str) -> tuple[str, ...]:
    """Tell whether the house would be sound with this text in that file; return its doubts.

    Raises:
        ConsoleError: it would not; all mistakes are listed, nothing has changed.
    """
    try:
        return tuple(await asyncio.to_thread(desk.house.mind.check, {path: text}))
    except MistakesError as error:
        count = len(error.mistakes)
        message = f"{count} mistake{'s' if count > 1 else ''}; nothing was saved"
        raise ConsoleError(422, message, error.mistakes) from None


def texts_of(desk: Desk) -> Texts:
    """Return what reads and writes the house's files."""
    return Texts((desk.house.mind.files.own or desk.house.state_dir) / BEFORE)


def _reading(desk: Desk, found: Interpretation | NotUnderstood) -> Reading:
    home = desk.house.mind.home
    if isinstance(found, NotUnderstood):
        return Reading(
            understood=False,
            say=found.say,
            code=found.code,
            intent=found.intent,
            confidence=found.confidence,
            options=tuple(" / ".join(one.names) for one in found.options),
        )
    named = [device.name for one in found.devices if (device := home.device(one)) is not None]
    return Reading(
        understood=True,
        intent=found.intent,
        slots=found.slots,
        devices=tuple(named),
        stage=found.stage,
        confidence=found.confidence,
    )


def _listed(desk: Desk) -> SentenceFiles:
    texts, folder = texts_of(desk), _folder(desk)
    return SentenceFiles(
        files=tuple(
            _described(path, texts, removable=path.parent == folder)
            for path in desk.house.mind.files.sentences
        )
    )


def _described(path: Path, texts: Texts, *, removable: bool) -> SentenceFile:
    text = texts.read(path)
    return SentenceFile(
        file=path.name,
        path=str(path),
        intents=len(re.findall(r"^  \w[\w-]*:\s*$", text, re.MULTILINE)),
        sentences=len(re.findall(r"^\s+- +[\"'\[(<{\w]", text, re.MULTILINE)),
        undo=texts.previous(path) is not None,
        removable=removable,
    )


def _folder(desk: Desk) -> Path:
    own = desk.house.mind.files.own
    if own is None:
        raise ConsoleError(409, "this hub keeps no sentences of its own")
    return own / SENTENCES


def _path(desk: Desk, name: str) -> Path:
    """Return the file of that name: one that is there, or a new one in our own folder."""
    files = desk.house.mind.files.sentences
    known = next((one for one in files if one.name == name), None)
    if known is None and len(files) >= FILES_MAX:
        raise ConsoleError(409, f"there are {FILES_MAX} files already; remove one first")
    return known or _folder(desk) / name


def _existing(desk: Desk, name: str) -> Path:
    found = next((one for one in desk.house.mind.files.sentences if one.name == name), None)
    if found is None:
        raise ConsoleError(404, f"there is no sentence file {name}")
    return found
