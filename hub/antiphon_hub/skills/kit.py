"""A test kit for skills: say a sentence, see the reply. No broker, no audio, and no waiting.

```python
from antiphon_hub.skills.kit import Rehearsal
from antiphon_coffee import Coffee


def test_a_coffee_is_made() -> None:
    with Rehearsal(Coffee) as house:
        assert house.say("make me a large coffee", room="kitchen").text == "One large coffee."
        house.wait(60)
        assert house.say("is my coffee ready").text == "Yes."
```
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from antiphon_hub.errors import PluginError
from antiphon_hub.home.model import Home, load_home
from antiphon_hub.nlu.answers import AnswerSheet
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter, NotUnderstood
from antiphon_hub.nlu.questions import Expected, Question
from antiphon_hub.skills.fake import FakeDevices
from antiphon_hub.skills.finding import Found, Make, in_folder, of_factory
from antiphon_hub.skills.plugins import Plugin, PluginOptions, Plugins
from antiphon_hub.skills.port import Request
from antiphon_hub.skills.skills import Skills
from antiphon_hub.virtual_time import VirtualTimeLoop
from antiphon_protocol.ids import is_slug
from antiphon_protocol.messages.event import DeviceState

START: Final = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""Noon of a Wednesday: when a rehearsal begins, unless it is told otherwise."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a sentence."""

    text: str
    """What the house would say."""
    ok: bool
    """It was understood and done."""
    code: str = ""
    """Why not: the skill's own, or `skill-error`, `skill-timeout`, `not-understood` …"""
    intent: str = ""
    slots: dict[str, Any] = {}
    devices: tuple[str, ...] = ()
    question: str = ""
    """What the skill asks; the next sentence may answer it."""


class Rehearsal:
    """A home in which skills are tried, in virtual time: what takes minutes takes no time."""

    def __init__(
        self,
        skill: Make | Path,
        *,
        home: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        states: Mapping[str, DeviceState] | None = None,
        start: datetime = START,
        language: str = "en",
        timeout_s: float = 8.0,
    ) -> None:
        """Build the skill as the hub would.

        Args:
            skill: What the entry point names (usually the skill's class), with its sentences beside
                its module as when it is installed; or a folder of plug-ins.
            home: A home's description, YAML; None for the example home.
            settings: The owner's `[skills.options.NAME]`.
            states: What state devices are in, by id.
            start: The home's time at the beginning.
            language: The language that is spoken.
            timeout_s: How long a skill may take.

        Raises:
            PluginError: the plug-in would be left out; the message says why.
            HomeError: the home's description holds mistakes.
        """
        self.home: Home = load_home(home)
        self.devices = FakeDevices(dict(states or {}))
        """Remembers what was switched: `applied`, `states`."""
        self._folder = TemporaryDirectory(prefix="antiphon-skill-")
        self._runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self._began_s = self._runner.get_loop().time()
        self._start = start
        self._language = language
        self._number = 0
        self._question: Question | None = None
        used = self._built(skill, dict(settings or {}), timeout_s)
        words, skills = [one.words for one in used], [one.skill for one in used]
        self._interpreter = Interpreter(self.home, (), language, words)
        self._skills = Skills(self.home, self.devices, self._interpreter, skills)

    def _built(
        self, skill: Make | Path, settings: dict[str, Any], timeout_s: float
    ) -> list[Plugin]:
        found = list(in_folder(skill)) if isinstance(skill, Path) else [_given(skill)]
        options = PluginOptions(
            language=self._language,
            state_dir=Path(self._folder.name),
            timeout_s=timeout_s,
            options={one.name: settings for one in found},
            blocking=_in_place,
        )
        plugins = Plugins(found, options)
        used = plugins.meet(self.home, self.devices)
        if plugins.faults:
            self.close()
            raise PluginError("\n".join(f"{one.name}: {one.why}" for one in plugins.faults))
        return used

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def now(self) -> datetime:
        """The home's time."""
        passed_s = self._runner.get_loop().time() - self._began_s
        return self._start + timedelta(seconds=passed_s)

    @property
    def grammar(self) -> str:
        """The closed grammar of all that speech to text listens for, JSGF."""
        return recognition_context(self._interpreter).grammar

    def say(self, text: str, room: str = "") -> Said:
        """Say a sentence in a room (name, alias or id), and return what comes of it.

        What answers the question before counts as its answer; else the question is forgotten.
        """
        question, self._question = self._question, None
        if question is not None:
            answered = AnswerSheet(question.answers, self._interpreter).match(text)
            expected = [one for one in question.answers if answered and one.id == answered.id]
            if answered is not None and expected:
                return self._answered(expected[0], answered.slots, room)
        found = self._interpreter.interpret(text, room=room)
        if isinstance(found, NotUnderstood):
            return Said(text=found.say, ok=False, code=found.code)
        return self._do(found, room)

    def _answered(self, expected: Expected, slots: dict[str, Any], room: str) -> Said:
        said = Said(text=expected.say, ok=True)
        for meaning in expected.then:
            more = msgspec.structs.replace(meaning, slots={**meaning.slots, **slots})
            said = self._do(more, room)
        return said

    def _do(self, meaning: Interpretation, room: str) -> Said:
        self._number += 1
        request = Request.of(
            meaning,
            turn=f"turn-{self._number}",
            room=room,
            now=self.now,
            language=self._language,
        )
        reply = self._runner.run(self._skills.do(request))
        self._question = reply.question
        return Said(
            text=reply.text,
            ok=reply.ok,
            code=reply.code,
            intent=meaning.intent,
            slots=meaning.slots,
            devices=meaning.devices,
            question=reply.question.text if reply.question else "",
        )

    def wait(self, seconds: float) -> None:
        """Let time pass; what the skill has going in the background goes on."""
        self._runner.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """End everything."""
        self._runner.close()
        self._folder.cleanup()


def _given(make: Make) -> Found:
    name = str(getattr(make, "__name__", "")).lower()
    return Found(name if is_slug(name) else "skill", "the test", lambda: of_factory(make))


async def _in_place(work: Any) -> object:
    """In virtual time nothing blocks for long, and the order must not be chance."""
    return work()
