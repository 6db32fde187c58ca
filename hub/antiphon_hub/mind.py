"""The hub's mind: what was meant in this home, and doing it. Made anew when the home changes."""

import asyncio
import contextlib
import gc
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from antiphon_hub.errors import HubError, MistakesError
from antiphon_hub.home.danger import is_risky
from antiphon_hub.home.files import HomeFiles
from antiphon_hub.home.model import Device, Home, load_home
from antiphon_hub.nlu.answers import AnswerSheet
from antiphon_hub.nlu.corrections import corrected
from antiphon_hub.nlu.doubts import doubts
from antiphon_hub.nlu.grammar import RecognitionContext, recognition_context
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter, NotUnderstood
from antiphon_hub.nlu.questions import Answered, Question, which, yes_or_no
from antiphon_hub.nlu.templates import PluginWords
from antiphon_hub.settings import Settings
from antiphon_hub.skills import (
    DevicePort,
    Plugin,
    PluginOptions,
    Plugins,
    Reply,
    Request,
    Skill,
    Skills,
    find_plugins,
)
from antiphon_hub.skills.switching import SWITCHES
from antiphon_hub.skills.wording import deed, device_phrase, listed
from antiphon_hub.turns.dialogue import Before
from antiphon_hub.turns.ending import TurnCancelledError, TurnFailedError
from antiphon_protocol.messages.event import DeviceState
from antiphon_protocol.messages.work import LoadContext

log = logging.getLogger(__name__)


def plugins_of(settings: Settings) -> Plugins:
    """Return the plug-ins that a hub of these settings uses, not yet built."""
    chosen = settings.skills
    options = PluginOptions(
        language=settings.hub.language,
        state_dir=settings.state_dir() / "skills",
        timeout_s=chosen.timeout_s,
        options=chosen.options,
    )
    return find_plugins(Path(chosen.dir) if chosen.dir else None, chosen.off, options)


class HomeMind:
    """Understands through templates and names, and does through the skills."""

    def __init__(
        self,
        files: HomeFiles,
        language: str,
        devices: DevicePort,
        now: Callable[[], datetime],
        *,
        skills: Sequence[Skill] = (),
        plugins: Plugins | None = None,
        natural: bool = True,
    ) -> None:
        self.files = files
        self._language = language
        self._devices = devices
        self._now = now
        self._plugins = plugins
        self._own = tuple(skills)
        self._natural = natural
        self._seen: tuple[tuple[str, int], ...] = ()
        self._plugin_words: Sequence[PluginWords] = ()
        self._reloading = asyncio.Lock()
        self.home = Home((), (), ())
        self._interpreter: Interpreter
        self._skills: Skills
        self.load()

    def load(self) -> None:
        """Read the home and the sentences.

        Raises:
            HomeError: they hold mistakes; nothing has changed then.
        """
        stamps, home = self.files.stamps(), load_home(self.files.home)
        if self._plugins is not None:
            self._plugin_words = [one.words for one in self._plugins.meet(home, self._devices)]
        with _nothing_to_collect():
            self._use(home, self._interpreter_of(home))
        self._seen = stamps

    def _interpreter_of(self, home: Home) -> Interpreter:
        files, words = self.files.sentences, self._plugin_words
        return Interpreter(home, files, self._language, words, natural=self._natural)

    def _use(self, home: Home, interpreter: Interpreter) -> None:
        plugins = self._plugins.meet(home, self._devices) if self._plugins is not None else ()
        more = [plugin.skill for plugin in plugins]
        self.home, self._interpreter = home, interpreter
        self._skills = Skills(home, self._devices, interpreter, [*self._own, *more])

    @property
    def plugins(self) -> Sequence[Plugin]:
        """The plug-ins in use."""
        return () if self._plugins is None else self._plugins.used

    async def reload_if_changed(self) -> LoadContext | None:
        """Read them again if a file is another than at the last look.

        That takes a second, in a thread: turns go on with the home as it was. A change with
        mistakes is reported once, and the home stays as it was.

        Returns: the grammar to hear with from now on; None: nothing has changed.
        """
        async with self._reloading:
            stamps = self.files.stamps()
            if stamps == self._seen:
                return None
            self._seen = stamps
            try:
                home, interpreter, context = await asyncio.to_thread(self._read)
            except HubError as error:
                log.error("the home stays as it was: %s", error)  # noqa: TRY400 - the message says it all
                return None
            self._use(home, interpreter)
            log.info("the home has changed: %d devices", len(self.home.devices))
            return context

    def _read(self) -> tuple[Home, Interpreter, LoadContext]:
        home = load_home(self.files.home)
        with _nothing_to_collect():
            interpreter = self._interpreter_of(home)
            return home, interpreter, _loaded(recognition_context(interpreter))

    def context(self) -> LoadContext:
        """Return the grammar of everything that can be meant here; computes for a moment."""
        with _nothing_to_collect():
            return _loaded(recognition_context(self._interpreter))

    def understand(self, text: str, room: str) -> Sequence[Interpretation] | Question:
        """Return what was meant by this in that room, in order, or what must be asked first.

        Raises:
            TurnFailedError: nothing that this home can do; it carries what to say.
            TurnCancelledError: nothing was said.
        """
        found = self._interpreter.interpret_all(text, room=room)
        unclear = next((one for one in found if isinstance(one, NotUnderstood)), None)
        if unclear is None:
            return [one for one in found if isinstance(one, Interpretation)]
        if unclear.code == "nothing":
            raise TurnCancelledError("nothing-said")
        if not unclear.options:
            raise TurnFailedError("not-understood", unclear.say, detail=unclear.code)
        if unclear.code == "unsure":
            likely = [unclear.options[0].meaning]
            return yes_or_no("suggest", unclear.say, self._words, likely, no="Okay, I won't.")
        return which(found)

    def explain(self, text: str, room: str) -> Sequence[Interpretation | NotUnderstood]:
        """Return what this would mean in that room; nothing is done."""
        return self._interpreter.interpret_all(text, room=room)

    def check(self, changed: Mapping[Path, str]) -> list[str]:
        """Tell whether the house would be sound with these texts in place of those files'.

        Returns: sentences among them that would mean something else, one line for each.

        Takes a second of computing; may run in another thread.

        Raises:
            MistakesError: it would not; all mistakes are listed.
        """
        with tempfile.TemporaryDirectory(prefix="antiphon-draft-") as folder:
            draft = self.files.drafted(changed, Path(folder))
            try:
                home = load_home(draft.home)
                words = self._plugin_words
                trial = Interpreter(home, draft.sentences, self._language, words, natural=False)
                drafts = [path for path in draft.sentences if str(path) in draft.names]
                return [line for path in drafts for line in doubts(trial, path)]
            except MistakesError as error:
                where = draft.names.get(error.where, error.where)
                raise type(error)(where, error.mistakes) from None

    def foresee(self, text: str, room: str) -> None:
        """Be quick if just this is to be understood next in that room."""
        self._interpreter.foresee(text, room=room)

    def correct(self, last: Interpretation, correction: Interpretation) -> Interpretation:
        """Return what was meant instead of the last command.

        Raises:
            TurnFailedError: nothing that this home can do; it carries what to say.
        """
        meant = corrected(last, correction, self.home)
        if isinstance(meant, NotUnderstood):
            raise TurnFailedError("not-understood", meant.say, detail=meant.code)
        return meant

    def risk(self, commands: Sequence[Interpretation], room: str) -> Question | None:
        """Return what to ask before these are done; None where they are harmless."""
        deeds = [
            f"{deed(device, on=on)} {device_phrase(device, self.home, room)}"
            for meaning in commands
            if (on := SWITCHES.get(meaning.intent)) is not None
            for device in self._devices_of(meaning)
            if is_risky(device, on=on)
        ]
        if not deeds:
            return None
        return yes_or_no(
            "confirm", f"Shall I {listed(deeds)}?", self._words, commands, no="Okay, I won't."
        )

    def unsure(self, text: str, commands: Sequence[Interpretation]) -> Question:
        """Return the question whether this was said."""
        no = "Okay. Please say it again."
        return yes_or_no("suggest", f"Did you mean: {text}?", self._words, commands, no=no)

    def grammar(self, question: Question) -> LoadContext | None:
        """Return how to hear the answers to a question; None where any words may come."""
        context = AnswerSheet(question.answers, self._interpreter).context()
        return None if context is None else _loaded(context)

    def answer(self, question: Question, text: str) -> Answered | None:
        """Return which answer to a question the text is; None for none of them."""
        return AnswerSheet(question.answers, self._interpreter).match(text)

    def before(self, meaning: Interpretation) -> tuple[Before, ...]:
        """Return the states that a command is about to change, as far as they can come back.

        What is not done on a mere word is not undone on one.
        """
        switched = SWITCHES.get(meaning.intent)
        # What somebody asks to be switched on, without our knowing, was off.
        assumed = None if switched is None else DeviceState(on=not switched)
        states = [
            (one, self._devices.state(one.id) or assumed) for one in self._devices_of(meaning)
        ]
        return tuple(
            Before(device.id, state)
            for device, state in states
            if state is not None and not is_risky(device, on=state.on)
        )

    async def undo(self, before: Sequence[Before]) -> None:
        """Bring devices back into these states."""
        for one in before:
            device = self.home.device(one.device)
            if device is not None:
                await self._devices.apply(device, one.state)

    async def do(self, key: str, meaning: Interpretation, room: str) -> Reply:
        """Do it, and return what to say."""
        return await self._skills.do(
            Request.of(meaning, turn=key, room=room, now=self._now(), language=self._language)
        )

    @property
    def _words(self) -> dict[str, tuple[str, ...]]:
        return self._interpreter.templates.answers

    def _devices_of(self, meaning: Interpretation) -> list[Device]:
        found = [self.home.device(one) for one in meaning.devices]
        return [one for one in found if one is not None]


@contextlib.contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Look for no garbage inside the block.

    Reading sentences makes hundreds of thousands of objects that stay: to look through them again
    and again takes a fifth of a hub's start, while a person waits for it to come back.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _loaded(context: RecognitionContext) -> LoadContext:
    return LoadContext(
        context=context.id,
        language=context.language,
        grammar=context.grammar,
        pronunciations=dict(context.pronunciations),
    )
