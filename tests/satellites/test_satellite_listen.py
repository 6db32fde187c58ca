"""What the ear is made of: levels, noise floor, pre-roll, voice gate, calls."""

import math
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_ears.vad.fake import FakeVadEngine
from antiphon_ears.wake.fake import FakeWakeEngine, marker
from antiphon_ears.wake.joint import JointEngine
from antiphon_ears.wake.trigger import REFRACTORY_SAMPLES
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ
from antiphon_satellite.levels import SILENCE_DBFS, amplified, level_dbfs
from antiphon_satellite.listen.ear import Call, Ear
from antiphon_satellite.listen.gate import OPEN_AFTER_S, Gate
from antiphon_satellite.listen.microphone import FRAME_S, FRAME_US, PcmFrame
from antiphon_satellite.listen.noise import QUIETEST_DBFS, RISE_DB_PER_S, NoiseFloor
from antiphon_satellite.listen.preroll import PREROLL_FRAMES, Measured, PreRoll

SILENCE = bytes(FRAME_BYTES)
LOUD = array("h", [8000, -8000] * (FRAME_SAMPLES // 2)).tobytes()
pcm16 = st.lists(st.integers(-32768, 32767), min_size=1, max_size=600)


def frames(pcm: bytes) -> list[PcmFrame]:
    pcm += bytes(-len(pcm) % FRAME_BYTES)
    pieces = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    return [PcmFrame(piece, 1_000_000 + n * FRAME_US) for n, piece in enumerate(pieces)]


def calls(ear: Ear, pcm: bytes, *, attentive: bool = True) -> list[Call]:
    heard = [ear.take(frame, attentive=attentive) for frame in frames(pcm)]
    return [call for call in heard if call is not None]


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * SAMPLE_RATE_HZ) * 2)


# -- levels ---------------------------------------------------------------------------------------


def test_levels_are_relative_to_full_scale() -> None:
    assert level_dbfs(SILENCE) == SILENCE_DBFS == level_dbfs(b"")
    assert level_dbfs(array("h", [-32768] * 64).tobytes()) == 0.0
    sine = array("h", [round(32767 * math.sin(n / 5)) for n in range(16000)]).tobytes()
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.02)


@given(pcm16, st.floats(-60.0, 12.0))
def test_amplified_samples_are_the_product_clipped(samples: list[int], gain_db: float) -> None:
    gain_db = round(gain_db)
    loud = array("h", amplified(array("h", samples).tobytes(), gain_db))
    factor = 10 ** (gain_db / 20)
    assert list(loud) == [
        n if gain_db == 0 else max(-32768, min(32767, round(n * factor))) for n in samples
    ]


# -- noise floor ----------------------------------------------------------------------------------


@given(st.lists(st.floats(-200.0, 0.0), min_size=1, max_size=200))
def test_the_floor_stays_within_what_was_heard(levels: list[float]) -> None:
    floor = NoiseFloor()
    for level in levels:
        before = floor.dbfs
        floor.take(level, FRAME_S)
        assert QUIETEST_DBFS <= floor.dbfs <= max(QUIETEST_DBFS, *levels)
        assert before == SILENCE_DBFS or floor.dbfs <= before + RISE_DB_PER_S * FRAME_S


def test_speech_hardly_lifts_the_floor_and_a_pause_restores_it() -> None:
    floor = NoiseFloor()
    for level, seconds in ((-50.0, 5.0), (-15.0, 1.0)):
        for _ in range(int(seconds / FRAME_S)):
            floor.take(level, FRAME_S)
    assert -50.0 < floor.dbfs <= -47.9
    for _ in range(int(1.0 / FRAME_S)):
        floor.take(-50.0, FRAME_S)
    assert floor.dbfs == pytest.approx(-50.0, abs=0.1)


# -- pre-roll -------------------------------------------------------------------------------------


@given(st.integers(0, 3 * PREROLL_FRAMES), st.integers(-10_000, 150_000))
def test_the_ring_holds_the_newest_two_seconds(pushed: int, position: int) -> None:
    ring = PreRoll()
    every = [PcmFrame(n.to_bytes(4, "little"), n) for n in range(pushed)]
    for frame in every:
        ring.push(Measured(frame, -20.0, -60.0))
    assert list(ring.frames) == every[-PREROLL_FRAMES:] if pushed else not ring.frames
    assert ring.position == pushed * FRAME_SAMPLES
    assert ring.position - ring.begin == len(ring.frames) * FRAME_SAMPLES <= 2 * SAMPLE_RATE_HZ
    ends = [(n + 1) * FRAME_SAMPLES for n in range(pushed)]
    kept = [end for end in ends if end > max(position, ring.begin)]
    assert [one.frame.at_us for one in ring.since(position)] == [
        end // FRAME_SAMPLES - 1 for end in kept
    ]


# -- gate -----------------------------------------------------------------------------------------


class Probabilities:
    """An engine that says what a test wants, one probability a frame."""

    name = "scripted"
    window_samples = FRAME_SAMPLES

    def __init__(self, values: Sequence[float]) -> None:
        self._values = iter(values)

    def open(self) -> "Probabilities":
        return self

    def feed(self, pcm: bytes) -> Sequence[float]:
        assert len(pcm) == FRAME_BYTES
        return [next(self._values)]

    def reset(self) -> None:
        pass


def gate_states(values: Sequence[float], hangover_s: float = 0.5) -> list[bool]:
    gate = Gate(Probabilities(values), threshold=0.6, hangover_s=hangover_s)
    return [gate.feed(SILENCE) for _ in values]


def test_a_click_does_not_open_the_gate_and_speech_does() -> None:
    assert not any(gate_states([0.9, 0.9, 0.1] * 20))
    assert gate_states([0.9] * 5) == [False, False, False, True, True]


def test_a_doubtful_voice_keeps_it_open_and_does_not_open_it() -> None:
    assert not any(gate_states([0.5] * 50))
    assert all(gate_states([0.9] * 4 + [0.45] * 50)[4:])


@given(st.lists(st.floats(0.0, 1.0), max_size=200), st.floats(0.2, 3.0))
def test_it_opens_only_on_voice_and_closes_only_on_quiet(
    values: list[float], hangover_s: float
) -> None:
    states = [False, *gate_states(values, hangover_s)]
    for n in range(1, len(states)):
        if states[n] and not states[n - 1]:
            run = math.ceil(round(OPEN_AFTER_S / FRAME_S, 6))
            assert min(values[n - run : n]) >= 0.6
        if states[n - 1] and not states[n]:
            quiet = math.ceil(round(hangover_s / FRAME_S, 6))
            assert max(values[n - quiet : n]) < 0.4


# -- ear ------------------------------------------------------------------------------------------


def wake_ear(*engines: FakeWakeEngine) -> Ear:
    phrases = ["hey mycroft"]
    return Ear(JointEngine(engines).open(phrases))


def test_a_call_tells_where_it_began_and_ended_and_how_loud_it_was() -> None:
    ear = wake_ear(FakeWakeEngine())
    quiet = array("h", [30, -30] * 24_000).tobytes()
    (call,) = calls(ear, quiet + marker() + quiet)
    assert (call.cause, call.phrase, call.engine) == ("phrase", "hey mycroft", "fake")
    assert 48_000 < call.end <= 48_000 + 0.3 * SAMPLE_RATE_HZ + FRAME_SAMPLES
    assert call.end - call.begin == 1.5 * SAMPLE_RATE_HZ
    assert call.level_dbfs > -20
    assert call.noise_dbfs == pytest.approx(level_dbfs(quiet), abs=0.5)
    assert call.at_us == 1_000_000 + call.end // FRAME_SAMPLES * FRAME_US


def test_the_begin_lies_in_the_pre_roll_even_right_after_the_start() -> None:
    (call,) = calls(wake_ear(FakeWakeEngine(at=[8000])), silence(1.0))
    assert call.begin == 0
    assert 8000 <= call.end < 8000 + FRAME_SAMPLES


def test_two_engines_that_hear_the_same_phrase_make_one_call() -> None:
    near = FakeWakeEngine(at=[16_000, 16_000 + REFRACTORY_SAMPLES + 8000])
    ear = wake_ear(near, FakeWakeEngine(at=[20_000]))
    assert [call.end // SAMPLE_RATE_HZ for call in calls(ear, silence(5.0))] == [1, 3]


def test_inattentive_it_calls_nobody_and_begins_anew_afterwards() -> None:
    ear = wake_ear(FakeWakeEngine(at=[16_000]))
    assert not calls(ear, silence(3.0), attentive=False)
    assert [call.end // SAMPLE_RATE_HZ for call in calls(ear, silence(2.0))] == [4]


def test_the_rest_of_a_call_is_no_second_one() -> None:
    ear = Ear(JointEngine([FakeWakeEngine()]).open(["hey mycroft"]))
    begun, rest = marker(0.2), marker(0.3)
    assert len(calls(ear, silence(0.5) + begun)) == 1
    assert not calls(ear, marker(0.1), attentive=False)  # it asks the hub, and another answers
    assert not calls(ear, rest)
    assert not calls(ear, silence(REFRACTORY_SAMPLES / SAMPLE_RATE_HZ))
    assert len(calls(ear, marker(0.3))) == 1


def test_an_open_gate_calls_with_all_of_the_pre_roll() -> None:
    ear = Ear(gate=Gate(FakeVadEngine(), threshold=0.5, hangover_s=0.5))
    assert not calls(ear, silence(3.0))
    made = calls(ear, LOUD * 10)
    assert {call.cause for call in made} == {"voice"}
    assert made[0].begin == made[0].end - PREROLL_FRAMES * FRAME_SAMPLES
    assert ear.voice
    calls(ear, silence(1.0))
    assert not ear.voice


def test_a_pressed_button_reaches_back_half_a_second() -> None:
    ear = Ear()
    calls(ear, silence(3.0))
    call = ear.pressed(77)
    assert (call.cause, call.at_us) == ("button", 77)
    assert call.end - call.begin == SAMPLE_RATE_HZ // 2
    assert Ear().pressed(0).begin == 0
