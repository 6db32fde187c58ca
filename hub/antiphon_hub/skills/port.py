"""The ports of doing: what a skill is, and what it switches devices with."""

from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from antiphon_hub.home.model import Device
from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Question
from antiphon_protocol.messages.event import DeviceState


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    turn: str
    """Id of the turn: doing the same turn twice must leave the home as doing it once does."""
    intent: str
    slots: dict[str, Any]
    devices: tuple[str, ...]
    """Ids of the home's devices that are meant."""
    room: str
    """Where it was asked: name, alias or id."""
    now: datetime
    """The home's local time."""
    language: str = "en"
    response: str = "default"
    """Which of the intent's replies fits (`Interpretation.response`)."""

    @classmethod
    def of(
        cls, meaning: Interpretation, *, turn: str, room: str, now: datetime, language: str = "en"
    ) -> "Request":
        """Return what is to be done when this was meant, in that turn, room and moment."""
        return cls(
            turn=turn,
            intent=meaning.intent,
            slots=meaning.slots,
            devices=meaning.devices,
            room=room,
            now=now,
            language=language,
            response=meaning.response,
        )


class Reply(msgspec.Struct, frozen=True):
    """What to say."""

    text: str
    ok: bool = True
    """It was done, or answered."""
    code: str = ""
    """Why not, when not ok: `not-dimmable`, `no-device`, `unknown-state`, `no-skill`.

    A plug-in has codes of its own; where it gave no reply: `skill-error`, `skill-timeout`,
    `skill-busy`.
    """
    question: Question | None = None
    """What to ask after the text; each answer names the intents that it leads to."""


class Skill(Protocol):
    """Something that the house can do."""

    intents: frozenset[str]
    """The intents that it answers."""

    async def do(self, request: Request) -> Reply:
        """Do it and return what to say; whatever the slots hold, it gives a reply."""
        ...


class PluginSkill(Protocol):
    """A skill as others write it: what it does wrong is caught around it."""

    intents: Collection[str]
    """The intents that it answers."""

    def do(self, request: Request) -> Reply | Awaitable[Reply]:
        """Do it and return what to say; a coroutine must not block, a plain method may."""
        ...


PlayerCommand = Literal["pause", "play", "next", "previous"]


class DevicePort(Protocol):
    """Switches devices and knows their states."""

    async def apply(self, device: Device, state: DeviceState) -> None:
        """Bring the device into that state; done when it was sent."""
        ...

    async def command(self, player: Device, command: PlayerCommand) -> None:
        """Tell a player what to do; done when it was sent."""
        ...

    def state(self, device_id: str) -> DeviceState | None:
        """Return the last known state; None if nothing is known yet."""
        ...


class OwnWords(Protocol):
    """What the owner wrote beside the house's own sentences."""

    @property
    def responses(self) -> Mapping[str, Mapping[str, str]]:
        """Replies: intent, key of the reply, text with `{{ slots.name }}`."""
        ...

    @property
    def own_intents(self) -> Collection[str]:
        """Intents that the owner's sentences have."""
        ...
