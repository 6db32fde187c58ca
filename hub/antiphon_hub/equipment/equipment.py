"""What is installed and what is chosen: kept, checked, and given to the own workers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Literal

import msgspec

from antiphon_hub.equipment.choice import (
    Choice,
    ForLanguage,
    Options,
    candidates,
    engine_of,
    settled,
)
from antiphon_hub.equipment.sorts import Sort
from antiphon_hub.equipment.store import Installed, Store
from antiphon_hub.equipment.unpacking import Upload
from antiphon_hub.errors import EquipmentError
from antiphon_hub.settings import Settings, WorkersSection
from antiphon_hub.table_file import read_table, write_table

FILE: Final = "engines.json"
LANGUAGES_MAX: Final = 64
_KEY: Final = "choice"

Prove = Callable[[Path, Sort], Awaitable[None]]
"""Tries a model by its engine; raises EquipmentError where that cannot use it."""
Replace = Callable[[WorkersSection], Awaitable[None]]
"""Puts workers with other engines in place of the own ones; raises ChildError, nothing changed."""


class Equipment:
    """One change at a time; each is whole or does not happen."""

    def __init__(self, settings: Settings, own: Path, prove: Prove, replace: Replace) -> None:
        """Read what was chosen.

        Args:
            settings: The hub's; what is not chosen is as they have it.
            own: Where the choice is kept.
            prove: Tries a model before it is installed.
            replace: Puts other workers in place.

        Raises:
            StorageError: the file cannot be read, or is not ours.
        """
        self._base = settings.workers
        self._path = own / FILE
        self._prove, self._replace = prove, replace
        self.store = Store(settings.state_dir())
        self.store.clear()
        self._choice = read_table(self._path, dict[str, Choice]).get(_KEY, Choice())
        self._changing = asyncio.Lock()

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        return self._choice

    def section(self) -> WorkersSection:
        """Return how the own workers are to be run. Blocking, for a moment."""
        return settled(self._base, self._choice, self._options())

    def missing(self) -> list[str]:
        """Return what is chosen and not installed any more. Blocking, for a moment."""
        there = self._options()
        chosen = (*self._choice.stt, *self._choice.tts)
        return [one for one in chosen if ":" in one and one not in there]

    def wanted(self, language: str) -> ForLanguage:
        """Return what is wanted for a language, by its whole tag or its first part."""
        languages = self._choice.languages
        return languages.get(language) or languages.get(language.partition("-")[0], ForLanguage())

    def candidates(self, kind: Literal["stt", "tts"]) -> tuple[str, ...]:
        """Return what can be chosen on this machine. Blocking, for a moment."""
        names = sorted({one.name for one in entry_points(group=f"antiphon.{kind}")})
        there = [
            f"{one.sort.engine}:{one.name}" for one in self.store.all() if one.sort.kind == kind
        ]
        return candidates(names, self._base, there)

    async def choose(self, stt: Sequence[str], tts: Sequence[str], *, chained: bool) -> bool:
        """Let the own workers have these engines; tells whether they had to be replaced.

        Raises:
            EquipmentError: one cannot be had.
            ChildError: no worker starts with them; those that run go on.
            StorageError: the choice cannot be kept.
        """
        async with self._changing:
            await asyncio.to_thread(self._check, "stt", stt)
            await asyncio.to_thread(self._check, "tts", tts)
            choice = msgspec.structs.replace(
                self._choice, stt=tuple(stt), tts=tuple(tts), chained=chained
            )
            there = await asyncio.to_thread(self._options)
            now, then = (settled(self._base, one, there) for one in (self._choice, choice))
            if now != then:
                await self._replace(then)
            await self._keep(choice)
            return now != then

    async def choose_for(self, language: str, wanted: ForLanguage) -> None:
        """Want an engine and a voice for a language; counts from the next job on.

        Raises:
            EquipmentError: there are too many languages.
            StorageError: it cannot be kept.
        """
        async with self._changing:
            languages = {**self._choice.languages, language: wanted}
            if wanted == ForLanguage():
                del languages[language]
            if len(languages) > LANGUAGES_MAX:
                raise EquipmentError(f"no more than {LANGUAGES_MAX} languages can be set")
            await self._keep(msgspec.structs.replace(self._choice, languages=languages))

    async def install(
        self, uploads: Sequence[Upload], name: str, language: str, by: str
    ) -> Installed:
        """Install a model or a voice: unpacked, looked at, tried by its engine, then kept.

        Raises:
            EquipmentError: it cannot be used; nothing has changed.
        """
        async with self._changing:
            with ExitStack() as stack:
                unpacked = self.store.draft(uploads, name, language, by)
                draft = await asyncio.to_thread(stack.enter_context, unpacked)
                await self._prove(draft.folder, draft.about.sort)
                await asyncio.to_thread(self.store.keep, draft)
        return draft.about

    async def remove(self, name: str) -> None:
        """Remove what was installed.

        Raises:
            EquipmentError: it is in use, or is not there.
        """
        async with self._changing:
            used = [
                one for one in (*self._choice.stt, *self._choice.tts) if one.endswith(f":{name}")
            ]
            if used:
                raise EquipmentError(f"{name} is in use: choose another engine first")
            await asyncio.to_thread(self.store.remove, name)

    # -- inside -----------------------------------------------------------------------------------

    def _options(self) -> Options:
        return {
            f"{one.sort.engine}:{one.name}": self.store.options(one) for one in self.store.all()
        }

    def _check(self, kind: Literal["stt", "tts"], entries: Sequence[str]) -> None:
        known = self.candidates(kind)
        for one in entries:
            if one not in known:
                some = ", ".join(known) or "none"
                raise EquipmentError(f"{one[:80]!r} cannot be chosen here; there are: {some}")
        engines = [engine_of(one) for one in entries]
        if twice := {one for one in engines if engines.count(one) > 1}:
            raise EquipmentError(f"{min(twice)}: one model at a time")

    async def _keep(self, choice: Choice) -> None:
        await asyncio.to_thread(write_table, self._path, {_KEY: choice})
        self._choice = choice
