"""One utterance: the same samples give the same facts, however they are grouped."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_ears.vad.fake import FakeVadEngine
from antiphon_ears.wake.fake import FakeWakeEngine, marker
from antiphon_engines.endpoint import FAINT_S, Ending
from antiphon_engines.fake import FakeSttEngine, FakeSttOptions, FakeSttStream
from antiphon_engines.hearing import (
    FLOOR_DBFS,
    Event,
    Hearing,
    TextHeard,
    WakeAbsent,
    WakeFound,
    level_dbfs,
)
from antiphon_engines.stt.port import SttStream
from antiphon_protocol.messages.work import Endpointing, Transcribe, WakeCheck
from tests.support.examples import examples
from tests.support.worker_world import loud, quiet

SPEECH = quiet(0.3) + loud(1.2) + quiet(0.8)
CALL = quiet(0.4) + marker(0.4) + quiet(0.2) + SPEECH
UNFINISHED_S = Endpointing().unfinished_silence_s
CHECK = WakeCheck(phrases=("hey mycroft",), within_s=2.0)


class Ear:
    """A hearing with fakes, and what its recogniser was given."""

    def __init__(self, *, text: str = "turn on the light", **fields: object) -> None:
        job = Transcribe(job="j", turn="t", satellite="s", stream="x", **fields)  # type: ignore[arg-type]  # by name
        self.streams: list[FakeSttStream] = []
        self.phrases: list[str] = []
        self._engine = FakeSttEngine(FakeSttOptions(text=text))
        wake = FakeWakeEngine().open(job.wake.phrases) if job.wake else None
        self.hearing = Hearing(job, open_stt=self._open, vad=FakeVadEngine().open(), wake=wake)
        self.hearing.open()
        self.events: list[Event] = []

    def feed(self, pcm: bytes, sizes: list[int]) -> None:
        """Feed all of it, in helpings of so many samples, in turn."""
        at = turn = 0
        while at < len(pcm) and not self.hearing.ended:
            size = 2 * sizes[turn % len(sizes)]
            self.events += self.hearing.feed(pcm[at : at + size])
            at, turn = at + size, turn + 1
        if not self.hearing.ended:
            self.events += self.hearing.end()

    @property
    def ending(self) -> Ending:
        (ending,) = [event for event in self.events if isinstance(event, Ending)]
        return ending

    def _open(self, phrase: str) -> SttStream:
        self.phrases.append(phrase)
        self.streams.append(self._engine.open(language="en", context=None))
        return self.streams[-1]


@settings(max_examples=examples(30))
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=5), st.integers(0, 5000), st.booleans())
def test_grouping_changes_nothing(sizes: list[int], begin: int, wake: bool) -> None:
    fields = {"begin": begin, "wake": CHECK if wake else None, "wake_end": 0 if wake else begin}
    once, pieces = Ear(**fields), Ear(**fields)
    once.feed(CALL, [len(CALL)])
    pieces.feed(CALL, sizes)
    assert pieces.events == once.events
    assert pieces.hearing.audio_s == once.hearing.audio_s
    assert [one.pcm for one in pieces.streams] == [one.pcm for one in once.streams]


def test_the_recogniser_gets_the_stream_from_begin_to_the_decision() -> None:
    ear = Ear(begin=1000)
    ear.feed(SPEECH, [333])
    assert bytes(ear.streams[0].pcm) == SPEECH[2000 : 2 * ear.ending.decided_at]
    assert ear.hearing.audio_s == len(ear.streams[0].pcm) / 32_000


def test_what_talked_before_the_call_is_told_from_the_person() -> None:
    """The television is 12 dB below the person, who has called, and commands in one breath."""
    television = array("h", [1500, -1500] * 24_000).tobytes()
    pcm = television[:64_000] + loud(1.5) + television
    ends = []
    for wake_end in (0, 44_800):
        ear = Ear(text="stop", begin=32_000, wake_end=wake_end, context="home")
        ear.feed(pcm, [512])
        ends.append(ear.ending.decided_at / 16_000)
    told, not_told = ends[1], ends[0]
    assert told == pytest.approx(
        3.5 + UNFINISHED_S + FAINT_S, abs=0.1
    )  # the fake leaves it unfinished
    assert not_told > told + 0.5


def test_partials_come_when_the_text_changes() -> None:
    ear = Ear()
    ear.feed(SPEECH, [512])
    texts = [event.text for event in ear.events if isinstance(event, TextHeard)]
    assert texts == ["turn", "turn on", "turn on the", "turn on the light"]


def test_the_wake_phrase_is_confirmed_and_heard_from_a_second_back() -> None:
    ear = Ear(wake=CHECK)
    ear.feed(quiet(1.0) + CALL, [512])
    found = ear.events[0]
    assert isinstance(found, WakeFound)
    assert ear.phrases == ["hey mycroft"]
    heard_from = ear.ending.decided_at - len(ear.streams[0].pcm) // 2
    assert heard_from == pytest.approx(found.detection.end - 16_000, abs=1024)
    assert ear.ending.position == pytest.approx(1.0 * 16_000 + 2.5 * 16_000, abs=1024)


def test_without_the_wake_phrase_nothing_is_heard() -> None:
    ear = Ear(wake=CHECK)
    ear.feed(loud(5.0), [512])
    assert ear.events == [WakeAbsent()]
    assert not ear.streams


def test_silence_never_reaches_a_transcript() -> None:
    ear = Ear(endpointing=Endpointing(no_speech_s=1.0))
    ear.feed(quiet(3.0), [512])
    assert ear.ending.why == "no-speech"
    assert ear.hearing.finish().best is None


def test_a_stream_that_ends_early_gives_the_recogniser_its_last_samples() -> None:
    ear = Ear()
    ear.feed(loud(1.0) + b"\x01\x00" * 7, [512])
    assert ear.ending.why == "stream-ended"
    assert len(ear.streams[0].pcm) == 32_000 + 14
    best = ear.hearing.finish().best
    assert best is not None
    assert best.text == "turn on the light"


@pytest.mark.parametrize(
    ("pcm", "level"),
    [(quiet(0.1), FLOOR_DBFS), (loud(0.1), -14.75), (b"", FLOOR_DBFS), (b"\x00\x80" * 9, 0.0)],
    ids=["silence", "tone", "nothing", "full scale"],
)
def test_level(pcm: bytes, level: float) -> None:
    assert level_dbfs(pcm) == pytest.approx(level, abs=0.01)
