"""What the hub hears on the bus: each message becomes one call, at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from antiphon_hub.bus.outbound import Devices, Outbound
from antiphon_hub.clock import now_us
from antiphon_hub.fleet import Fleet, Twins
from antiphon_hub.playback import Playback
from antiphon_hub.recordings import Recordings
from antiphon_hub.timekeeping import Timekeeping
from antiphon_hub.turns.turns import Turns
from antiphon_hub.workers import WorkerPool
from antiphon_link.errors import LinkDownError
from antiphon_link.link import Envelope, Link
from antiphon_protocol.audio import Frame
from antiphon_protocol.messages.ask import (
    Answer,
    AskAnnounce,
    AskIntent,
    AskQuestion,
    AskSay,
    AskVolume,
)
from antiphon_protocol.messages.config import ReportedSettings, WakeScores
from antiphon_protocol.messages.event import DeviceState
from antiphon_protocol.messages.presence import (
    Hello,
    SatellitePresence,
    TimeAsked,
    TimeTold,
    WorkerHello,
    WorkerPresence,
)
from antiphon_protocol.messages.satellite import Fault, SatelliteFact
from antiphon_protocol.messages.timer import AlarmRang, AlarmStopped, AskList, AskTimer
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.messages.work import WorkFact
from antiphon_protocol.topics import (
    ANSWER,
    ASK_ANNOUNCE,
    ASK_INTENT,
    ASK_LIST,
    ASK_QUESTION,
    ASK_SAY,
    ASK_TIMER,
    ASK_VOLUME,
    HOME_STATE,
    SATELLITE_AUDIO,
    SATELLITE_DID,
    SATELLITE_OPUS,
    SATELLITE_PRESENCE,
    SATELLITE_REPORTED,
    SATELLITE_SCORES,
    SATELLITE_WAKE,
    TURN_WORK,
    WORKER_PRESENCE,
)

log = logging.getLogger(__name__)

REQUESTS_MAX: Final = 64
"""Requests that are being answered; policy: reject with an answer that says so."""

R = TypeVar("R", AskSay, AskAnnounce, AskVolume, AskIntent, AskQuestion, AskTimer, AskList)


class Inbound:
    """Routes messages to the services."""

    def __init__(
        self,
        link: Link,
        *,
        outbound: Outbound,
        devices: Devices,
        fleet: Fleet,
        twins: Twins,
        pool: WorkerPool,
        turns: Turns,
        playback: Playback,
        timekeeping: Timekeeping,
        workers_changed: Callable[[], None],
    ) -> None:
        """Route to these; `workers_changed` is called behind what workers say of themselves."""
        self._link = link
        self._outbound = outbound
        self._devices = devices
        self._fleet = fleet
        self._twins = twins
        self._pool = pool
        self._turns = turns
        self._playback = playback
        self._ringing = timekeeping.ringing
        self._timers = timekeeping.requests
        self._answers: set[asyncio.Task[None]] = set()
        self._workers_changed = workers_changed
        self._overhear: Callable[[str, SatelliteFact | WakeHeard], None] | None = None
        link.on(SATELLITE_PRESENCE, self._satellite)
        link.on(SATELLITE_WAKE, self._wake)
        link.on(SATELLITE_DID, self._did)
        link.on(SATELLITE_REPORTED, self._reported)
        link.on(WORKER_PRESENCE, self._worker)
        link.on(TURN_WORK, self._work)
        link.on(HOME_STATE, self._home_state)
        link.on(ASK_SAY, self._ask_say)
        link.on(ASK_ANNOUNCE, self._ask_announce)
        link.on(ASK_VOLUME, self._ask_volume)
        link.on(ASK_INTENT, self._ask_intent)
        link.on(ASK_QUESTION, self._ask_question)
        link.on(ASK_TIMER, self._ask_timer)
        link.on(ASK_LIST, self._ask_list)

    def listen_along(self, recordings: Recordings) -> None:
        """Hand over what all microphones hear; to be called before the link runs."""

        def heard(frame: Frame, envelope: Envelope) -> None:
            recordings.heard(envelope.ids["satellite"], envelope.ids["stream"], frame)

        self._link.on(SATELLITE_AUDIO, heard)
        self._link.on(SATELLITE_OPUS, heard)

    def scores_for(self, listener: Callable[[str, WakeScores], None]) -> None:
        """Hand over what wake engines make of what they hear; before the link runs."""

        def scored(scores: WakeScores, envelope: Envelope) -> None:
            listener(envelope.ids["satellite"], scores)

        self._link.on(SATELLITE_SCORES, scored)

    def overheard_by(self, listener: Callable[[str, SatelliteFact | WakeHeard], None]) -> None:
        """Hand what satellites say of themselves to this listener too; it returns at once."""
        self._overhear = listener

    def _satellite(self, message: SatellitePresence, envelope: Envelope) -> None:
        satellite = envelope.ids["satellite"]
        if isinstance(message, Hello):
            if self._fleet.joined(satellite, message):
                self._turns.joined(satellite)
            self._playback.joined(satellite)
            self._ringing.joined(satellite)
        elif self._fleet.left(satellite, message, retained=envelope.retained):
            self._turns.left(satellite)

    def _wake(self, message: WakeHeard, envelope: Envelope) -> None:
        self._turns.called(envelope.ids["satellite"], message)
        if self._overhear is not None:
            self._overhear(envelope.ids["satellite"], message)

    def _reported(self, message: ReportedSettings, envelope: Envelope) -> None:
        self._twins.told(envelope.ids["satellite"], message)

    def _did(self, message: SatelliteFact, envelope: Envelope) -> None:
        satellite = envelope.ids["satellite"]
        if self._overhear is not None:
            self._overhear(satellite, message)
        match message:
            case TimeAsked():
                received_us = now_us()
                told = TimeTold(
                    asked_us=message.asked_us, received_us=received_us, replied_us=now_us()
                )
                self._outbound.satellite(satellite, told)
            case AlarmRang() | AlarmStopped():
                self._ringing.did(message)
            case Fault():
                log.warning("satellite %s: fault %s: %s", satellite, message.code, message.text)
            case _:
                self._turns.did(satellite, message)

    def _worker(self, message: WorkerPresence, envelope: Envelope) -> None:
        worker = envelope.ids["worker"]
        if isinstance(message, WorkerHello):
            self._pool.joined(worker, message)
        else:
            self._pool.left(worker, message, retained=envelope.retained)
        self._workers_changed()

    def _work(self, message: WorkFact, envelope: Envelope) -> None:
        del envelope  # the job's id in the fact says more than the topic
        self._pool.fact(message)

    def _home_state(self, message: DeviceState, envelope: Envelope) -> None:
        if envelope.retained:
            self._devices.restore(envelope.ids["device"], message)

    def _ask_say(self, message: AskSay, envelope: Envelope) -> None:
        self._answer(message, envelope, self._turns.say)

    def _ask_announce(self, message: AskAnnounce, envelope: Envelope) -> None:
        self._answer(message, envelope, self._turns.announce)

    def _ask_volume(self, message: AskVolume, envelope: Envelope) -> None:
        self._answer(message, envelope, self._playback.volume)

    def _ask_question(self, message: AskQuestion, envelope: Envelope) -> None:
        self._answer(message, envelope, self._turns.ask)

    def _ask_intent(self, message: AskIntent, envelope: Envelope) -> None:
        self._answer(message, envelope, self._turns.intent)

    def _ask_timer(self, message: AskTimer, envelope: Envelope) -> None:
        self._answer(message, envelope, self._timers.about_timer)

    def _ask_list(self, message: AskList, envelope: Envelope) -> None:
        self._answer(message, envelope, self._timers.about_list)

    def _answer(
        self, request: R, envelope: Envelope, ask: Callable[[R], Awaitable[Answer]]
    ) -> None:
        if len(self._answers) >= REQUESTS_MAX:
            log.warning("%d requests are being answered; one more refused", REQUESTS_MAX)
            ask = _refuse
        task = asyncio.get_running_loop().create_task(self._answer_later(request, envelope, ask))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer_later(
        self, request: R, envelope: Envelope, ask: Callable[[R], Awaitable[Answer]]
    ) -> None:
        answer = await ask(request)
        if not answer.ok:
            log.warning("%s: %s", type(request).__name__, answer.error)
        if envelope.response_topic:
            try:
                await self._link.send_to(
                    envelope.response_topic, ANSWER, answer, envelope.correlation
                )
            except LinkDownError as error:
                log.warning("%s: the answer is lost: %s", type(request).__name__, error)


async def _refuse(request: object) -> Answer:
    del request
    return Answer(ok=False, error=f"{REQUESTS_MAX} requests are being answered; ask again later")
