"""One list of example messages: vectors, round trips, damage tests and benches all use it."""

from typing import Any, Final, NamedTuple

from antiphon_protocol import topics
from antiphon_protocol.audio import AudioFormat, AudioFrame, OpusFrame
from antiphon_protocol.messages import (
    ask,
    config,
    event,
    pairing,
    presence,
    satellite,
    timer,
    wake,
    work,
)
from antiphon_protocol.topics import Topic
from antiphon_protocol.version import VersionRange

EPOCH_US: Final = 1_750_000_000_000_000
V1: Final = VersionRange(1, 1)
TURN: Final = "turn-0011223344556677"
JOB: Final = "job-8899aabbccddeeff"
STREAM: Final = "stream-0123456789abcdef"
PLAYBACK: Final = "playback-fedcba9876543210"
KITCHEN: Final = {"satellite": "kitchen"}
BOX: Final = {"worker": "box"}


PASTA: Final = timer.TimerInfo(
    timer="timer-1",
    kind="timer",
    state="running",
    name="pasta",
    room="kitchen",
    due_at="2026-11-21T18:30:00+01:00",
    left_s=540.0,
    length_s=600.0,
)
MORNINGS: Final = timer.TimerInfo(
    timer="alarm-1", kind="alarm", state="ringing", days=("mon", "fri"), snoozed=True
)


class Example(NamedTuple):
    """A message on its topic; the name is unique within the topic."""

    topic: Topic[Any]
    ids: dict[str, str]
    name: str
    message: Any


def _on(topic: Topic[Any], ids: dict[str, str], **messages: Any) -> list[Example]:
    return [
        Example(topic, ids, name.replace("_", "-"), message) for name, message in messages.items()
    ]


EXAMPLES: Final[list[Example]] = [
    *_on(
        topics.SATELLITE_PRESENCE,
        KITCHEN,
        hello=presence.Hello(
            satellite="kitchen",
            epoch=EPOCH_US,
            room="Küche",
            protocol=VersionRange(1, 2),
            software="0.1.0",
            host="pi-kitchen",
            instance="i-1",
            wake="local",
            phrases=("hey mycroft", "alexa"),
            speaker=AudioFormat(rate_hz=22050),
        ),
        hello_least=presence.Hello(
            satellite="kitchen",
            epoch=0,
            room="kitchen",
            protocol=V1,
            software="",
            host="",
            instance="i-2",
        ),
        goodbye=presence.Goodbye(satellite="kitchen", epoch=EPOCH_US, reason="lost"),
    ),
    *_on(
        topics.SATELLITE_WAKE,
        KITCHEN,
        wake_heard=wake.WakeHeard(
            satellite="kitchen",
            stream=STREAM,
            cause="phrase",
            heard_at_us=EPOCH_US + 1,
            phrase="hey mycroft",
            engine="microwakeword",
            confidence=0.75,
            level_dbfs=-23.5,
            noise_dbfs=-61.25,
            begin=6400,
            end=32000,
        ),
        wake_heard_on_hub_clock=wake.WakeHeard(
            satellite="kitchen",
            stream=STREAM,
            cause="phrase",
            heard_at_us=EPOCH_US + 1,
            heard_on_hub_us=EPOCH_US + 2500,
        ),
    ),
    *_on(
        topics.SATELLITE_AUDIO,
        {**KITCHEN, "stream": STREAM},
        frame=AudioFrame(7, 3584, EPOCH_US, bytes(range(16))),
        last=AudioFrame(2**32 - 1, 2**40 - 1, 2**63 - 1, b"", last=True),
    ),
    *_on(
        topics.SATELLITE_OPUS,
        {**KITCHEN, "stream": STREAM},
        first=OpusFrame(0, 0, EPOCH_US, (b"\x4b\x41", bytes(range(8))), 104, 536),
        last=OpusFrame(2**32 - 1, 2**40 - 1, 2**53 - 1, (), 0, 0, last=True),
    ),
    *_on(
        topics.SATELLITE_DO,
        KITCHEN,
        listen=satellite.Listen(turn=TURN, stream=STREAM, playback=PLAYBACK, limit_s=15.0),
        stop_listening=satellite.StopListening(stream=STREAM, reason="speech-ended"),
        resend=satellite.Resend(stream=STREAM, first=3, last=9),
        release=satellite.Release(stream=STREAM),
        play=satellite.Play(
            playback=PLAYBACK,
            kind="announcement",
            format=AudioFormat(rate_hz=22050),
            turn=TURN,
            gain_db=-6.0,
        ),
        play_together=satellite.Play(
            playback=PLAYBACK,
            kind="announcement",
            format=AudioFormat(),
            turn=TURN,
            at_us=EPOCH_US + 250_000,
        ),
        stop_playing=satellite.StopPlaying(playback=PLAYBACK),
        show_turn=satellite.ShowTurn(turn=TURN, state="failed", cue="not-understood"),
        chime=satellite.Chime(cue="notice"),
        set_volume=satellite.SetVolume(gain_db=-15.5),
        duck=satellite.Duck(level_db=-20.0, lease_s=10.0),
        identify=satellite.Identify(),
        show_scores=satellite.ShowScores(lease_s=10.0),
        restart=satellite.Restart(),
        set_alarms=timer.SetAlarms(
            told_us=EPOCH_US,
            alarms=(
                timer.Alarm(
                    alarm="timer-1", kind="timer", due_us=EPOCH_US + 9, ring_s=900.0, name="pasta"
                ),
            ),
        ),
        set_alarms_none=timer.SetAlarms(told_us=0),
        time_told=presence.TimeTold(
            asked_us=EPOCH_US, received_us=EPOCH_US + 5, replied_us=EPOCH_US + 9
        ),
    ),
    *_on(
        topics.SATELLITE_DID,
        KITCHEN,
        listen_ended=satellite.ListenEnded(stream=STREAM, frames=91, reason="asked"),
        playback_ready=satellite.PlaybackReady(playback=PLAYBACK),
        played=satellite.Played(
            playback=PLAYBACK, samples=48000, complete=True, first_at_us=EPOCH_US, underruns=1
        ),
        alarm_rang=timer.AlarmRang(alarm="timer-1", due_us=EPOCH_US + 9),
        alarm_stopped=timer.AlarmStopped(alarm="timer-1", due_us=EPOCH_US + 9, by="button"),
        button_pressed=satellite.ButtonPressed(gesture="long"),
        muted=satellite.Muted(muted=True, hard=False),
        fault=satellite.Fault(code="microphone", text="no such device: plughw:9"),
        counters=satellite.Counters(
            counts={"dropped_frames": 2, "reconnects": 1}, noise_dbfs=-60.0
        ),
        time_asked=presence.TimeAsked(asked_us=EPOCH_US),
    ),
    *_on(
        topics.SATELLITE_DESIRED,
        KITCHEN,
        desired_settings=config.DesiredSettings(
            version=3,
            settings=config.SatelliteSettings(
                room="Küche",
                phrases=("hey mycroft", "alexa"),
                threshold=0.75,
                while_playing=False,
                gain_db=-6.0,
                gate_threshold=0.5,
                gate_hangover_s=2.0,
            ),
        ),
        desired_settings_codec=config.DesiredSettings(
            version=5, settings=config.SatelliteSettings(codec="opus")
        ),
        desired_settings_none=config.DesiredSettings(version=4),
    ),
    *_on(
        topics.SATELLITE_REPORTED,
        KITCHEN,
        reported_settings=config.ReportedSettings(
            version=3,
            settings=config.SatelliteSettings(
                room="Küche", phrases=("alexa",), while_playing=True, gain_db=0.0
            ),
            refused=4,
            why="microwakeword cannot hear 'computer'",
            engines=("microwakeword",),
            known_phrases=("hey mycroft", "alexa"),
            restarts=True,
        ),
        reported_settings_least=config.ReportedSettings(
            version=0, settings=config.SatelliteSettings()
        ),
    ),
    *_on(
        topics.SATELLITE_SCORES,
        KITCHEN,
        wake_scores=config.WakeScores(
            level_dbfs=-31.5,
            scores=(
                config.PhraseScore(
                    engine="openwakeword", phrase="alexa", score=0.625, threshold=0.75
                ),
            ),
        ),
        wake_scores_resting=config.WakeScores(level_dbfs=-60.0),
    ),
    *_on(
        topics.WORKER_PRESENCE,
        BOX,
        worker_hello_opus=presence.WorkerHello(
            worker="ear",
            epoch=EPOCH_US,
            protocol=V1,
            software="0.1.0",
            host="cellar",
            process=4712,
            device="cpu",
            capacity=1,
            engines=(),
            codecs=("opus",),
        ),
        worker_hello=presence.WorkerHello(
            worker="box",
            epoch=EPOCH_US,
            protocol=V1,
            software="0.1.0",
            host="cellar",
            process=4711,
            device="cuda:0",
            capacity=64,
            engines=(
                presence.EngineOffer(
                    kind="stt",
                    name="pocketsphinx",
                    languages=("en",),
                    streaming=True,
                    grammar=True,
                    dictation=True,
                ),
                presence.EngineOffer(kind="tts", name="espeak", voices=("en-gb",)),
            ),
        ),
        worker_goodbye=presence.WorkerGoodbye(worker="box", epoch=EPOCH_US, reason="stopped"),
    ),
    *_on(
        topics.WORKER_DO,
        BOX,
        load_context=work.LoadContext(
            context="ctx-1",
            language="en-GB",
            grammar="#JSGF V1.0;\ngrammar home;\npublic <command> = turn on the light;\n",
            pronunciations={"hygge": "HH Y UW G AH"},
        ),
        transcribe=work.Transcribe(
            job=JOB,
            turn=TURN,
            satellite="kitchen",
            stream=STREAM,
            engine="pocketsphinx",
            context="ctx-1",
            begin=32000,
            wake_phrase="hey mycroft",
            wake=work.WakeCheck(phrases=("hey mycroft",), threshold=0.5),
            endpointing=work.Endpointing(silence_s=0.5),
        ),
        transcribe_answer=work.Transcribe(
            job=JOB,
            turn=TURN,
            satellite="kitchen",
            stream=STREAM,
            endpointing=work.Endpointing(no_speech_s=4.0, expect="yes-no"),
        ),
        transcribe_least=work.Transcribe(job=JOB, turn=TURN, satellite="kitchen", stream=STREAM),
        finish=work.Finish(job=JOB, frames=91),
        cancel=work.Cancel(job=JOB),
        synthesize=work.Synthesize(
            job=JOB, turn=TURN, playback=PLAYBACK, text="It is half past nine.", voice="en-gb"
        ),
        relay=work.Relay(
            job=JOB,
            turn=TURN,
            playback=PLAYBACK,
            satellite="kitchen",
            stream=STREAM,
            begin=32000,
            end=60000,
        ),
    ),
    *_on(
        topics.TURN_WORK,
        {"turn": TURN},
        work_began=work.WorkBegan(job=JOB, worker="box", engine="pocketsphinx"),
        frames_missing=work.FramesMissing(job=JOB, stream=STREAM, first=3, last=9),
        wake_confirmed=work.WakeConfirmed(
            job=JOB, phrase="hey mycroft", engine="openwakeword", score=0.875, end=32000
        ),
        partial=work.Partial(job=JOB, text="turn on the"),
        speech_ended=work.SpeechEnded(
            job=JOB, position=40000, decided_at=44800, why="grammar-complete"
        ),
        heard=work.Heard(
            job=JOB,
            text="turn on the light",
            source="grammar",
            confidence=0.9375,
            engine="pocketsphinx",
            alternatives=(
                work.Alternative(text="turn on the light", source="grammar", confidence=0.9375),
                work.Alternative(text="turn on the lie", source="dictation", confidence=0.25),
            ),
            audio_s=2.5,
            engine_ms=40.5,
            tail_ms=8.25,
        ),
        heard_nothing=work.Heard(
            job=JOB, text="", source="nothing", confidence=0.0, engine="", rejected=True
        ),
        speech_began=work.SpeechBegan(job=JOB, engine="espeak", engine_ms=1.5),
        speech_synthesized=work.SpeechSynthesized(job=JOB, samples=48000, frames=94),
        work_failed=work.WorkFailed(
            job=JOB, code="busy", text="64 jobs are running", retryable=True
        ),
    ),
    *_on(
        topics.PLAYBACK_AUDIO,
        {"group": "kitchen", "playback": PLAYBACK},
        frame=AudioFrame(0, 0, 0, bytes(1024)),
        last=AudioFrame(1, 512, 0, b"\x01\x80", last=True),
    ),
    *_on(
        topics.HUB_PRESENCE,
        {},
        welcome=presence.Welcome(
            hub="home", epoch=EPOCH_US, site="Haus", protocol=V1, software="0.1.0"
        ),
        welcome_opus=presence.Welcome(
            hub="home",
            epoch=EPOCH_US,
            site="Haus",
            protocol=V1,
            software="0.1.0",
            codecs=("opus",),
        ),
        farewell=presence.Farewell(hub="home", epoch=EPOCH_US, reason="stopped"),
    ),
    *_on(
        topics.HUB_LEASE,
        {},
        held=presence.HubLease(hub="home", instance="a1", term=3, number=7),
        released=presence.HubLease(hub="home", instance="a1", term=3, released=True),
    ),
    *_on(
        topics.EVENT,
        {"kind": "turn-ended"},
        turn_started=event.TurnStarted(
            turn=TURN, room="kitchen", satellite="kitchen", cause="phrase", phrase="hey mycroft"
        ),
        partly_heard=event.PartlyHeard(turn=TURN, room="kitchen", text="turn on"),
        heard=event.CommandHeard(
            turn=TURN, room="kitchen", text="turn on the light", confidence=0.5, source="grammar"
        ),
        understood=event.Understood(
            turn=TURN, room="kitchen", intent="HassTurnOn", slots={"name": "light"}
        ),
        reply_began=event.ReplyBegan(turn=TURN, room="kitchen", text="Turned on the light"),
        turn_ended=event.TurnEnded(
            turn=TURN,
            room="kitchen",
            satellite="kitchen",
            outcome="answered",
            transcript="turn on the light",
            intent="HassTurnOn",
            slots={"name": "light"},
            reply="Turned on the light",
            timings={"nlu": 1.5},
            trace={"engine": "pocketsphinx", "alternatives": ["turn on the lie", None]},
        ),
        satellite_joined=event.SatelliteJoined(satellite="kitchen", room="kitchen"),
        satellite_left=event.SatelliteLeft(satellite="kitchen", room="kitchen", reason="lost"),
        worker_joined=event.WorkerJoined(worker="box", device="cpu", engines=("espeak",)),
        worker_left=event.WorkerLeft(worker="box", reason="stopped"),
        room_ducked=event.RoomDucked(room="hall", level_db=-20.0, lease_s=10.0),
        device_changed=event.DeviceChanged(device="lamp", room="hall", state={"on": True}),
        timer_started=timer.TimerStarted(timer=PASTA),
        timer_changed=timer.TimerChanged(timer=MORNINGS),
        timer_ringing=timer.TimerRinging(timer=MORNINGS),
        timer_ended=timer.TimerEnded(timer=PASTA, reason="unheard"),
        list_changed=timer.ListChanged(list="shopping", items=("milk", "eggs")),
    ),
    *_on(topics.ASK_SAY, {}, ask_say=ask.AskSay(text="Dinner is ready", room="kitchen")),
    *_on(
        topics.ASK_ANNOUNCE,
        {},
        ask_announce=ask.AskAnnounce(
            text="Dinner is ready", except_rooms=("office",), priority="urgent"
        ),
    ),
    *_on(
        topics.ASK_VOLUME,
        {},
        ask_volume=ask.AskVolume(room="hall", percent=40),
        ask_quiet=ask.AskVolume(room="", do_not_disturb=True, for_s=3600.0),
    ),
    *_on(
        topics.ASK_INTENT,
        {},
        ask_intent=ask.AskIntent(text="turn on the lamp", room="hall", speak=True),
    ),
    *_on(
        topics.ASK_TIMER,
        {},
        ask_timer=timer.AskTimer(action="start", minutes=10.0, name="pasta", room="kitchen"),
        ask_alarm=timer.AskTimer(action="start", kind="alarm", at="07:30", days=("mon", "tue")),
        ask_cancel=timer.AskTimer(action="cancel", timer="timer-1", all=True),
    ),
    *_on(topics.ASK_LIST, {}, ask_list=timer.AskList(action="add", item="milk")),
    *_on(
        topics.ASK_QUESTION,
        {},
        ask_question=ask.AskQuestion(
            text="Which music?",
            room="kitchen",
            answers=(ask.ExpectedAnswer(id="jazz", sentences=("[some] jazz",)),),
        ),
    ),
    *_on(
        topics.ANSWER,
        {"asker": "node-red"},
        answer=ask.Answer(
            ok=True, turn=TURN, intent="HassTurnOn", slots={"name": "lamp"}, reply="Turned it on"
        ),
        timers=ask.Answer(ok=True, timers=(PASTA, MORNINGS), items=("milk",)),
        answered=ask.Answer(ok=True, turn=TURN, answer="jazz", sentence="some jazz"),
        refusal=ask.Answer(ok=False, error="no room is called attic; known: hall, kitchen"),
    ),
    *_on(
        topics.HOME_STATE,
        {"device": "lamp"},
        dimmed=event.DeviceState(on=True, brightness=40),
        off=event.DeviceState(on=False),
    ),
    *_on(
        topics.PAIR_ASK,
        {"request": "pair-0011223344556677"},
        hello=pairing.PairHello(
            kind="satellite",
            device="kitchen",
            label="47",
            room="Küche",
            host="raspberrypi",
            software="0.1.0",
            serial="device-00112233",
            share=b"\x41" + bytes(range(32)),
        ),
        proof=pairing.PairProof(proof=bytes(range(32))),
    ),
    *_on(
        topics.PAIR_ANSWER,
        {"request": "pair-0011223344556677"},
        share=pairing.PairShare(hub="home", share=b"\x42" + bytes(range(32))),
        granted=pairing.PairGranted(sealed=bytes(range(64))),
        refused=pairing.PairRefused(code="wrong-code", text="the code is another"),
    ),
]
