"""Skills that others wrote: found, checked and built; what is wrong with one is its own affair."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from antiphon_hub.errors import HubError, PluginError
from antiphon_hub.home.model import Home
from antiphon_hub.nlu.grammar import check_plugin
from antiphon_hub.nlu.templates import PluginWords, house_intents, plugin_words
from antiphon_hub.skills.finding import Found, Loaded, checked_name, in_folder, installed
from antiphon_hub.skills.guard import Blocking, GuardedSkill
from antiphon_hub.skills.house import House
from antiphon_hub.skills.port import DevicePort

log = logging.getLogger(__name__)


class Fault(msgspec.Struct, frozen=True):
    """A plug-in that is not used, and why."""

    name: str
    origin: str
    why: str


class Plugin(msgspec.Struct, frozen=True):
    """A plug-in in use."""

    name: str
    origin: str
    skill: GuardedSkill
    words: PluginWords
    house: House


class PluginOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How plug-ins are built."""

    language: str = "en"
    state_dir: Path
    """Each gets a folder of its name in here."""
    timeout_s: float = 8.0
    options: Mapping[str, Mapping[str, Any]] = {}
    blocking: Blocking | None = None
    """How to run what blocks; None: in threads."""


class Plugins:
    """The plug-ins of a house. A faulty one is reported by its name and left out."""

    def __init__(self, found: Iterable[Found], options: PluginOptions) -> None:
        """Import them; they are built when the home is known."""
        self._options = options
        self._loaded: list[tuple[Found, Loaded]] = []
        self.used: list[Plugin] = []
        self.faults: list[Fault] = []
        for one in found:
            self._load(one)

    def meet(self, home: Home, devices: DevicePort) -> list[Plugin]:
        """Let them know the home, as it is from now on; return those in use.

        The first time they are built.
        """
        for plugin in self.used:
            plugin.house.home = home
        while self._loaded:
            found, loaded = self._loaded.pop(0)
            try:
                self.used.append(self._built(found, loaded, home, devices))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is wrong with it is its own
                self._blame(found, error)
            else:
                log.info("skill %s (%s) is here", found.name, found.origin)
        return self.used

    def _load(self, found: Found) -> None:
        try:
            checked_name(found.name)
            if found.name in [one.name for one, _ in self._loaded]:
                raise PluginError("another plug-in has this name")  # noqa: TRY301 - reported as all others are
            self._loaded.append((found, found.load()))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is wrong with it is its own
            self._blame(found, error)

    def _built(self, found: Found, loaded: Loaded, home: Home, devices: DevicePort) -> Plugin:
        options = self._options
        house = House(
            found.name,
            home=home,
            devices=devices,
            settings=options.options.get(found.name, {}),
            folder=options.state_dir / found.name,
            language=options.language,
        )
        skill = loaded.make(house)
        intents = self._intents(skill)
        words = plugin_words(loaded.sentences, options.language, intents)
        check_plugin(words, home, options.language)
        guarded = GuardedSkill(
            found.name,
            skill,
            responses=words.responses,
            timeout_s=options.timeout_s,
            blocking=options.blocking,
        )
        return Plugin(found.name, found.origin, guarded, words, house)

    def _intents(self, skill: Any) -> frozenset[str]:
        named = getattr(skill, "intents", None)
        if (
            not isinstance(named, set | frozenset)
            or not named
            or not callable(getattr(skill, "do", None))
        ):
            raise PluginError("a skill needs `intents`, a set of names, and a method `do`")
        theirs = {intent: one.name for one in self.used for intent in one.skill.intents}
        for intent in sorted(map(str, named)):
            if intent in house_intents(self._options.language) or intent in theirs:
                raise PluginError(f"{theirs.get(intent, 'the house')} does {intent} already")
        return frozenset(map(str, named))

    def _blame(self, found: Found, error: BaseException) -> None:
        why = str(error) if isinstance(error, HubError) else f"{type(error).__name__}: {error}"
        self.faults.append(Fault(found.name, found.origin, why))
        log.error(
            "skill %s (%s) is not used: %s",
            found.name,
            found.origin,
            why,
            exc_info=None if isinstance(error, HubError) else error,
        )


def find_plugins(folder: Path | None, off: Sequence[str], options: PluginOptions) -> Plugins:
    """Return the installed plug-ins and those of the owner's folder, but for those switched off."""
    found = [one for one in installed() if one.name not in off]
    faults = []
    if folder is not None:
        try:
            found += [one for one in in_folder(folder) if one.name not in off]
        except PluginError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            faults.append(Fault(folder.name, str(folder), str(error)))
    plugins = Plugins(found, options)
    plugins.faults[:0] = faults
    return plugins
