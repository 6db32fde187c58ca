"""JSON requests from anyone who may write them, and the answers."""

from typing import Any

from antiphon_protocol.codec import Record
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Language, Name, Text


class AskSay(Record, frozen=True, kw_only=True):
    """Say this in a room: `{"text": "Dinner is ready", "room": "kitchen"}`."""

    text: Text
    room: Name = ""
    """Room by name; empty: every room."""
    language: Language = "en"


class AskIntent(Record, frozen=True, kw_only=True):
    """Do this as if it had been said: `{"text": "turn on the lamp", "room": "hall"}`."""

    text: Text
    room: Name = ""
    speak: bool = False
    """Say the reply in the room, too."""
    language: Language = "en"


class Answer(Record, frozen=True, kw_only=True):
    """The answer to a request, sent to its MQTT 5 response topic."""

    ok: bool
    error: Text = ""
    """What was wrong and what to do, when not ok."""
    turn: Slug | None = None
    intent: Name = ""
    slots: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    reply: Text = ""
