"""The one table of topics: path, payload type, QoS, retain, expiry, who may write and read.

Broker ACLs, the table in docs/protocol.md and other languages' types are made from it; nobody else
writes a topic string.
"""

from typing import Any, Final

from antiphon_protocol.audio import AudioFrame, OpusFrame
from antiphon_protocol.codec import Encoding
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
from antiphon_protocol.messages.config import DesiredSettings, ReportedSettings, WakeScores
from antiphon_protocol.messages.event import DeviceState, Event
from antiphon_protocol.messages.pairing import PairAnswer, PairAsk
from antiphon_protocol.messages.presence import (
    HubLease,
    HubPresence,
    SatellitePresence,
    WorkerPresence,
)
from antiphon_protocol.messages.satellite import SatelliteCommand, SatelliteFact
from antiphon_protocol.messages.timer import AskList, AskTimer
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.messages.work import WorkerCommand, WorkFact
from antiphon_protocol.topic import EVERY_SATELLITE, ROOT, Role, Topic

__all__ = ["EVERY_SATELLITE", "ROOT", "Role", "Topic"]

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
    writers=(Role.SATELLITE, Role.HUB),
    readers=(Role.WORKER, Role.HUB),
    purpose="microphone audio, from the pre-roll to the end of speech; the hub's: a trial",
)
SATELLITE_OPUS: Final[Topic[OpusFrame]] = Topic(
    name="SATELLITE_OPUS",
    pattern="sat/{satellite}/opus/{stream}",
    payload=OpusFrame,
    qos=0,
    limit_bytes=_FRAME_LIMIT,
    writers=(Role.SATELLITE,),
    readers=(Role.WORKER, Role.HUB),
    purpose="the same as Opus packets, where all that listen take them",
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
    readers=(Role.HUB, Role.SATELLITE),
    purpose="what a satellite did; a second one of its id listens for its signs of life",
)
SATELLITE_DESIRED: Final[Topic[DesiredSettings]] = Topic(
    name="SATELLITE_DESIRED",
    pattern="sat/{satellite}/config/desired",
    payload=DesiredSettings,
    qos=1,
    retain=True,
    writers=(Role.HUB,),
    readers=(Role.SATELLITE,),
    purpose="what the hub wants to be set at a satellite",
)
SATELLITE_REPORTED: Final[Topic[ReportedSettings]] = Topic(
    name="SATELLITE_REPORTED",
    pattern="sat/{satellite}/config/reported",
    payload=ReportedSettings,
    qos=1,
    retain=True,
    writers=(Role.SATELLITE,),
    readers=(Role.HUB,),
    purpose="what is set at a satellite",
)
SATELLITE_SCORES: Final[Topic[WakeScores]] = Topic(
    name="SATELLITE_SCORES",
    pattern="sat/{satellite}/scores",
    payload=WakeScores,
    qos=0,
    writers=(Role.SATELLITE,),
    readers=(Role.HUB,),
    purpose="scores of its wake engines, while somebody looks",
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
    pattern="down/{group}/{playback}",
    payload=AudioFrame,
    qos=0,
    limit_bytes=_FRAME_LIMIT,
    writers=(Role.WORKER, Role.HUB),
    readers=(Role.SATELLITE, Role.HUB),
    purpose="audio for one satellite, named by the group, or for all that play it: `all`",
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
HUB_LEASE: Final[Topic[HubLease]] = Topic(
    name="HUB_LEASE",
    pattern="hub/lease",
    payload=HubLease,
    qos=1,
    retain=True,
    writers=(Role.HUB,),
    readers=(Role.HUB,),
    purpose="which of several hubs acts",
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
PAIR_ASK: Final[Topic[PairAsk]] = Topic(
    name="PAIR_ASK",
    pattern="pair/{request}/ask",
    payload=PairAsk,
    qos=1,
    expiry_s=30,
    writers=(Role.PAIRING,),
    readers=(Role.HUB,),
    purpose="a device asks to be let in",
)
PAIR_ANSWER: Final[Topic[PairAnswer]] = Topic(
    name="PAIR_ANSWER",
    pattern="pair/{request}/answer",
    payload=PairAnswer,
    qos=1,
    expiry_s=30,
    writers=(Role.HUB,),
    readers=(Role.PAIRING,),
    purpose="what the hub says to that",
)

TOPICS: Final[tuple[Topic[Any], ...]] = (
    SATELLITE_PRESENCE,
    SATELLITE_WAKE,
    SATELLITE_AUDIO,
    SATELLITE_OPUS,
    SATELLITE_DO,
    SATELLITE_DID,
    SATELLITE_DESIRED,
    SATELLITE_REPORTED,
    SATELLITE_SCORES,
    WORKER_PRESENCE,
    WORKER_DO,
    TURN_WORK,
    PLAYBACK_AUDIO,
    HUB_PRESENCE,
    HUB_LEASE,
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
    PAIR_ASK,
    PAIR_ANSWER,
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
