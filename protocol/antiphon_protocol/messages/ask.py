"""JSON requests from anyone who may write them, and the answers."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from antiphon_protocol.codec import Record
from antiphon_protocol.ids import Slug
from antiphon_protocol.limits import LIST_ITEMS_MAX
from antiphon_protocol.messages.fields import Language, Name, Seconds, Text
from antiphon_protocol.messages.timer import TimerInfo


class AskSay(Record, frozen=True, kw_only=True):
    """Say this in a room: `{"text": "Dinner is ready", "room": "kitchen"}`."""

    text: Text
    room: Name = ""
    """Room by name; empty: every room."""
    language: Language = "en"


class AskAnnounce(Record, frozen=True, kw_only=True):
    """Tell some rooms, or all, at the same moment: `{"text": "Dinner is ready"}`.

    A room's quiet hours and its do-not-disturb hold, unless it is urgent. The answer's slots say
    for each room what became of it.
    """

    text: Text
    rooms: Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    """Rooms by name; none: every room."""
    except_rooms: Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    priority: Literal["normal", "urgent"] = "normal"
    """`urgent`: before everything else, at any time: water in the cellar."""
    language: Language = "en"


class AskVolume(Record, frozen=True, kw_only=True):
    """Set a room's volume or its do-not-disturb, or only ask: `{"room": "hall", "percent": 40}`.

    The answer's slots hold each room's settings as they are then.
    """

    room: Name
    """Room by name; empty: every room. To be named, so that no slip silences the whole house."""
    percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    """100: as loud as the satellite's own setting; 0: silent."""
    change: Annotated[int, Meta(ge=-100, le=100)] = 0
    """Louder or quieter by so many percent points."""
    do_not_disturb: bool | None = None
    for_s: Seconds = 0.0
    """Do-not-disturb ends by itself after so long; 0: when somebody ends it."""


class ExpectedAnswer(Record, frozen=True, kw_only=True):
    """One answer: `{"id": "jazz", "sentences": ["[some] (jazz|swing)"]}`."""

    id: Name
    sentences: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=32)]
    """Templates in Home Assistant's format; `{artist}` takes any words into the slot `artist`,
    `{area}`, `{floor}` and `{name}` take what the home has."""


class AskQuestion(Record, frozen=True, kw_only=True):
    """Ask in a room and listen for the answer: `{"text": "Which music?", "room": "kitchen"}`.

    The answer names the expected answer that it is, and has the words that were said.
    """

    text: Text
    room: Name
    answers: Annotated[tuple[ExpectedAnswer, ...], Meta(max_length=32)] = ()
    """What may be answered; none: anything."""
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
    timers: tuple[TimerInfo, ...] = ()
    """Those that a request about timers meant."""
    items: tuple[Text, ...] = ()
    """What is on the list that a request was about."""
    answer: Name = ""
    """Id of the expected answer that a question got; empty for another one."""
    sentence: Text = ""
    """What was answered to a question, as it was heard."""
