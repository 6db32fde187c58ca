"""The hub's mind: what was meant in this home, and doing it. Made anew when the home changes."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from antiphon_hub.errors import HubError
from antiphon_hub.home.model import Home, load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter, NotUnderstood
from antiphon_hub.skills import DevicePort, Plugins, Reply, Request, Skills
from antiphon_hub.turns.ending import TurnCancelledError, TurnFailedError
from antiphon_hub.turns.ports import Meaning
from antiphon_protocol.messages.work import LoadContext

log = logging.getLogger(__name__)


class HomeMind:
    """Understands through templates and names, and does through the skills."""

    def __init__(
        self,
        home_file: Path | None,
        sentences: Sequence[Path],
        language: str,
        devices: DevicePort,
        now: Callable[[], datetime],
        *,
        plugins: Plugins | None = None,
    ) -> None:
        self._home_file = home_file
        self._sentences = sentences
        self._language = language
        self._devices = devices
        self._now = now
        self._plugins = plugins
        self._seen: tuple[int, ...] = ()
        self.home = Home((), (), ())
        self._interpreter: Interpreter
        self._skills: Skills
        self.load()

    def load(self) -> None:
        """Read the home and the sentences.

        Raises:
            HomeError: they hold mistakes; nothing has changed then.
        """
        home = load_home(self._home_file)
        plugins = self._plugins.meet(home, self._devices) if self._plugins is not None else ()
        words = [plugin.words for plugin in plugins]
        more = [plugin.skill for plugin in plugins]
        interpreter = Interpreter(home, self._sentences, self._language, words)
        self.home, self._interpreter = home, interpreter
        self._skills = Skills(home, self._devices, interpreter, more)
        self._seen = self._stamps()

    def reload_if_changed(self) -> bool:
        """Read them again if a file is another than at the last look; tells whether it is in use.

        A change with mistakes is reported once, and the home stays as it was.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        try:
            self.load()
        except HubError as error:
            log.error("the home stays as it was: %s", error)  # noqa: TRY400 - the message says it all
            return False
        log.info("the home has changed: %d devices", len(self.home.devices))
        return True

    def context(self) -> LoadContext:
        """Return the grammar of everything that can be meant here."""
        context = recognition_context(self._interpreter)
        return LoadContext(
            context=context.id,
            language=context.language,
            grammar=context.grammar,
            pronunciations=dict(context.pronunciations),
        )

    def understand(self, text: str, room: str) -> Interpretation:
        """Return what was meant by this in that room.

        Raises:
            TurnFailedError: nothing that this home can do; it carries what to say.
            TurnCancelledError: nothing was said.
        """
        found = self._interpreter.interpret(text, room=room)
        if isinstance(found, NotUnderstood):
            if found.code == "nothing":
                raise TurnCancelledError("nothing-said")
            raise TurnFailedError("not-understood", found.say, detail=found.code)
        return found

    async def do(self, turn: str, meaning: Meaning, room: str) -> Reply:
        """Do it, and return what to say."""
        return await self._skills.do(
            Request(
                turn=turn,
                intent=meaning.intent,
                slots=meaning.slots,
                devices=meaning.devices,
                room=room,
                language=self._language,
                now=self._now(),
                response=meaning.response,
            )
        )

    def _stamps(self) -> tuple[int, ...]:
        files = [*self._sentences, *([self._home_file] if self._home_file else [])]
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
