"""The one table of topics: path, payload type, QoS, retain, expiry, who may write and read.

Broker ACLs, the table in docs/protocol.md and other languages' types are made from it; nobody else
writes a topic string.
"""

import re
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, get_args

import msgspec

from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.codec import Encoding, decode, encode
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import is_slug, require_slug
from antiphon_protocol.limits import (
    AUDIO_FRAME_BYTES_MAX,
    CONTEXT_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    RESPONSE_TOPIC_BYTES_MAX,
)
from antiphon_protocol.messages.ask import (
    Answer,
    AskAnnounce,
    AskIntent,
    AskQuestion,
    AskSay,
    AskVolume,
)
from antiphon_protocol.messages.event import DeviceState, Event
from antiphon_protocol.messages.presence import HubPresence, SatellitePresence, WorkerPresence
from antiphon_protocol.messages.satellite import SatelliteCommand, SatelliteFact
from antiphon_protocol.messages.timer import AskList, AskTimer
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.messages.work import WorkerCommand, WorkFact
from antiphon_protocol.version import PROTOCOL_MAJOR

T = TypeVar("T")

ROOT: Final = f"antiphon/{PROTOCOL_MAJOR}"
_PLACE = re.compile(r"\{(\w+)\}")


class Role(StrEnum):
    """Who connects to the broker."""

    HUB = "hub"
    WORKER = "worker"
    SATELLITE = "satellite"
    """Only in its own `sat/<id>` subtree, and the playbacks it was asked to play."""
    ANYONE = "anyone"
    """Home automation and people with an account."""


class Topic(msgspec.Struct, Generic[T], frozen=True, kw_only=True, dict=True):
    """One row of the table: a family of MQTT topics and what travels there."""

    name: str
    pattern: str
    """Below the root, with ids in braces: `sat/{satellite}/do`."""
    payload: Any
    """Type of the payload: a message or a union of messages."""
    qos: int
    retain: bool = False
    expiry_s: int | None = None
    """MQTT 5 message expiry, seconds: an undelivered older message is worthless."""
    writers: tuple[Role, ...]
    readers: tuple[Role, ...]
    encoding: Encoding = Encoding.MSGPACK
    limit_bytes: int = MESSAGE_BYTES_MAX
    purpose: str

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the ids in the pattern, in order."""
        return tuple(_PLACE.findall(self.pattern))

    @property
    def messages(self) -> tuple[type, ...]:
        """The message types that travel here."""
        return get_args(self.payload) or (self.payload,)

    @cached_property
    def _levels(self) -> tuple[str, ...]:
        return tuple(f"{ROOT}/{self.pattern}".split("/"))

    def path(self, **ids: str) -> str:
        """Return the full topic for these ids.

        Raises:
            TopicError: an id is missing, unknown or no slug.
        """
        if set(ids) != set(self.places):
            raise TopicError(f"topic {self.name} takes {self.places}, not {tuple(ids)}")
        return f"{ROOT}/" + _PLACE.sub(lambda m: require_slug(ids[m[1]], m[1]), self.pattern)

    def filter(self, **ids: str) -> str:
        """Return the MQTT topic filter for these ids; `+` stands for those left out.

        Raises:
            TopicError: an id is unknown or no slug.
        """
        if unknown := set(ids) - set(self.places):
            raise TopicError(f"topic {self.name} has no {sorted(unknown)}")
        return f"{ROOT}/" + _PLACE.sub(
            lambda m: require_slug(ids[m[1]], m[1]) if m[1] in ids else "+", self.pattern
        )

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the ids in a full topic, or None if it is not of this family.

        `topic.path(**ids)` is the same topic again: what is returned are slugs.
        """
        levels, ours = topic.split("/"), self._levels
        if len(levels) != len(ours):
            return None
        ids = {}
        for level, our in zip(levels, ours, strict=True):
            if our.startswith("{"):
                if not is_slug(level):
                    return None
                ids[our[1:-1]] = level
            elif level != our:
                return None
        return ids

    def encode(self, message: T) -> bytes:
        """Return the message's bytes.

        Raises:
            EncodeError: they are over this topic's limit.
        """
        return encode(message, self.encoding, self.limit_bytes)

    def decode(self, payload: bytes) -> T:
        """Return the message that the bytes hold.

        Raises:
            DecodeError: they hold none of this topic's messages.
        """
        message: T = decode(payload, self.payload, self.encoding, self.limit_bytes)
        return message


_FRAME_LIMIT = AUDIO_FRAME_BYTES_MAX + 64
_CONTEXT_LIMIT = CONTEXT_BYTES_MAX + MESSAGE_BYTES_MAX

SATELLITE_PRESENCE: Final[Topic[SatellitePresence]] = Topic(
    name="SATELLITE_PRESENCE",
    pattern="sat/{satellite}/presence",
    payload=SatellitePresence,
    qos=1,
    retain=True,
    writers=(Role.SATELLITE,),
    readers=(Role.HUB, Role.SATELLITE, Role.ANYONE),
    purpose="room, abilities and versions of a satellite; its will",
)
SATELLITE_WAKE: Final[Topic[WakeHeard]] = Topic(
    name="SATELLITE_WAKE",
    pattern="sat/{satellite}/wake",
    payload=WakeHeard,
    qos=1,
    expiry_s=5,
    writers=(Role.SATELLITE,),
    readers=(Role.HUB,),
    purpose="somebody may have called",
)
SATELLITE_AUDIO: Final[Topic[AudioFrame]] = Topic(
    name="SATELLITE_AUDIO",
    pattern="sat/{satellite}/up/{stream}",
    payload=AudioFrame,
    qos=0,
    limit_bytes=_FRAME_LIMIT,
    writers=(Role.SATELLITE,),
    readers=(Role.WORKER, Role.HUB),
    purpose="microphone audio, from the pre-roll to the end of speech",
)
SATELLITE_DO: Final[Topic[SatelliteCommand]] = Topic(
    name="SATELLITE_DO",
    pattern="sat/{satellite}/do",
    payload=SatelliteCommand,
    qos=1,
    expiry_s=30,
    writers=(Role.HUB,),
    readers=(Role.SATELLITE,),
    purpose="what the hub asks of a satellite",
)
SATELLITE_DID: Final[Topic[SatelliteFact]] = Topic(
    name="SATELLITE_DID",
    pattern="sat/{satellite}/did",
    payload=SatelliteFact,
    qos=1,
    expiry_s=30,
    writers=(Role.SATELLITE,),
    readers=(Role.HUB,),
    purpose="what a satellite did",
)
WORKER_PRESENCE: Final[Topic[WorkerPresence]] = Topic(
    name="WORKER_PRESENCE",
    pattern="worker/{worker}/presence",
    payload=WorkerPresence,
    qos=1,
    retain=True,
    writers=(Role.WORKER,),
    readers=(Role.HUB, Role.ANYONE),
    purpose="engines and capacity of a worker; its will",
)
WORKER_DO: Final[Topic[WorkerCommand]] = Topic(
    name="WORKER_DO",
    pattern="worker/{worker}/do",
    payload=WorkerCommand,
    qos=1,
    expiry_s=30,
    limit_bytes=_CONTEXT_LIMIT,
    writers=(Role.HUB,),
    readers=(Role.WORKER,),
    purpose="jobs for a worker",
)
TURN_WORK: Final[Topic[WorkFact]] = Topic(
    name="TURN_WORK",
    pattern="turn/{turn}/work",
    payload=WorkFact,
    qos=1,
    expiry_s=30,
    writers=(Role.WORKER,),
    readers=(Role.HUB,),
    purpose="what comes of a turn's jobs",
)
PLAYBACK_AUDIO: Final[Topic[AudioFrame]] = Topic(
    name="PLAYBACK_AUDIO",
    pattern="down/{playback}",
    payload=AudioFrame,
    qos=0,
    limit_bytes=_FRAME_LIMIT,
    writers=(Role.WORKER, Role.HUB),
    readers=(Role.SATELLITE,),
    purpose="audio for one satellite or a group of them",
)
HUB_PRESENCE: Final[Topic[HubPresence]] = Topic(
    name="HUB_PRESENCE",
    pattern="hub/presence",
    payload=HubPresence,
    qos=1,
    retain=True,
    writers=(Role.HUB,),
    readers=(Role.SATELLITE, Role.WORKER, Role.ANYONE),
    purpose="the hub is here, or not",
)
EVENT: Final[Topic[Event]] = Topic(
    name="EVENT",
    pattern="event/{kind}",
    payload=Event,
    qos=1,
    encoding=Encoding.JSON,
    writers=(Role.HUB,),
    readers=(Role.ANYONE,),
    purpose="facts for home automation; the last level is the message's type",
)
ASK_SAY: Final[Topic[AskSay]] = Topic(
    name="ASK_SAY",
    pattern="ask/say",
    payload=AskSay,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="say something in a room",
)
ASK_ANNOUNCE: Final[Topic[AskAnnounce]] = Topic(
    name="ASK_ANNOUNCE",
    pattern="ask/announce",
    payload=AskAnnounce,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="tell rooms something, all at the same moment",
)
ASK_VOLUME: Final[Topic[AskVolume]] = Topic(
    name="ASK_VOLUME",
    pattern="ask/volume",
    payload=AskVolume,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="a room's volume and do-not-disturb",
)
ASK_QUESTION: Final[Topic[AskQuestion]] = Topic(
    name="ASK_QUESTION",
    pattern="ask/ask",
    payload=AskQuestion,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="ask something in a room, and listen for the answer",
)
ASK_INTENT: Final[Topic[AskIntent]] = Topic(
    name="ASK_INTENT",
    pattern="ask/intent",
    payload=AskIntent,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="understand and do a sentence",
)
ASK_TIMER: Final[Topic[AskTimer]] = Topic(
    name="ASK_TIMER",
    pattern="ask/timer",
    payload=AskTimer,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="set, ask for and change timers, alarms and reminders",
)
ASK_LIST: Final[Topic[AskList]] = Topic(
    name="ASK_LIST",
    pattern="ask/list",
    payload=AskList,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.ANYONE,),
    readers=(Role.HUB,),
    purpose="read and change lists",
)
ANSWER: Final[Topic[Answer]] = Topic(
    name="ANSWER",
    pattern="answer/{asker}",
    payload=Answer,
    qos=1,
    expiry_s=30,
    encoding=Encoding.JSON,
    writers=(Role.HUB,),
    readers=(Role.ANYONE,),
    purpose="answers to requests; any response topic that the asker names will do",
)
HOME_STATE: Final[Topic[DeviceState]] = Topic(
    name="HOME_STATE",
    pattern="home/{device}/state",
    payload=DeviceState,
    qos=1,
    retain=True,
    encoding=Encoding.JSON,
    writers=(Role.HUB,),
    readers=(Role.ANYONE,),
    purpose="state of a device of the home model",
)

TOPICS: Final[tuple[Topic[Any], ...]] = (
    SATELLITE_PRESENCE,
    SATELLITE_WAKE,
    SATELLITE_AUDIO,
    SATELLITE_DO,
    SATELLITE_DID,
    WORKER_PRESENCE,
    WORKER_DO,
    TURN_WORK,
    PLAYBACK_AUDIO,
    HUB_PRESENCE,
    EVENT,
    ASK_SAY,
    ASK_ANNOUNCE,
    ASK_VOLUME,
    ASK_QUESTION,
    ASK_INTENT,
    ASK_TIMER,
    ASK_LIST,
    ANSWER,
    HOME_STATE,
)


def is_response_topic(path: str) -> bool:
    """Tell whether an answer may be sent there.

    An asker names the topic, and the hub's account may write where the asker's may not: below our
    root only `answer/…` will do. Wildcards and the broker's own `$` topics are no place to publish.
    """
    if not 0 < len(path.encode(errors="replace")) <= RESPONSE_TOPIC_BYTES_MAX:
        return False
    if path.startswith("$") or any(sign in path for sign in "+#\0"):
        return False
    return not path.startswith(f"{ROOT}/") or ANSWER.match(path) is not None
