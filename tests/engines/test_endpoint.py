"""When a command has ended: by table, and for any course of voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.endpoint import NO_NEW_WORDS_S, Ending, Endpoint, Window
from antiphon_engines.stt.port import SttPartial
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import Endpointing

WINDOW = 512
WINDOW_S = WINDOW / SAMPLE_RATE_HZ
RULE = Endpointing(silence_s=0.7, complete_silence_s=0.3, no_speech_s=3.0, limit_s=10.0)

Part = tuple[str, float]
"""What is heard, and for how many seconds: voice, soft (20 dB and more below), quiet, breath."""
SOUNDS = {
    "voice": (0.95, -20.0),
    "tv": (0.9, -45.0),
    "quiet": (0.02, -60.0),
    "breath": (0.42, -22.0),
    "click": (0.9, -20.0),
}


def partial(text: str, *, may_end: bool = False, must_end: bool = False) -> SttPartial:
    return SttPartial(text=text, may_end=may_end or must_end, must_end=must_end)


def hear(
    parts: list[Part],
    *,
    rule: Endpointing = RULE,
    begin: int = 0,
    wake_end_s: float = 0.0,
    texts: dict[float, SttPartial] | None = None,
) -> tuple[Ending | None, float]:
    """Play the parts; return the ending and when it was decided, seconds from the begin."""
    endpoint = Endpoint(
        rule, begin=begin, wake_end=begin + int(wake_end_s * SAMPLE_RATE_HZ) if wake_end_s else 0
    )
    at = 0
    said = dict(texts or {})
    for sound, seconds in parts:
        voice, level = SOUNDS[sound]
        for _ in range(round(seconds / WINDOW_S)):
            for due_s in [one for one in said if one * SAMPLE_RATE_HZ <= at]:
                endpoint.read(said.pop(due_s))
            window = Window(
                begin=begin + at, end=begin + at + WINDOW, voice=voice, level_dbfs=level
            )
            at += WINDOW
            if ending := endpoint.hear(window):
                return ending, at / SAMPLE_RATE_HZ
    return None, at / SAMPLE_RATE_HZ


LIGHT = partial("turn on the light", may_end=True)
STOP = partial("stop", must_end=True)

CASES: dict[str, tuple[list[Part], float, dict[float, SttPartial], str, float]] = {
    # parts, wake end, texts, why, decided at (seconds, within two windows)
    "silence after a command": ([("voice", 1.0), ("quiet", 3)], 0, {}, "silence", 1.7),
    "a pause inside goes on": (
        [("voice", 1.0), ("quiet", 0.6), ("voice", 0.5), ("quiet", 3)],
        0,
        {},
        "silence",
        2.8,
    ),
    "a complete sentence needs less": (
        [("voice", 0.5), ("quiet", 3)],
        0,
        {0.3: STOP},
        "grammar-complete",
        0.8,
    ),
    "one that could go on gets half of the gain": (
        [("voice", 1.0), ("quiet", 3)],
        0,
        {0.6: LIGHT},
        "grammar-complete",
        1.5,
    ),
    "an open sentence gets all": (
        [("voice", 1.0), ("quiet", 3)],
        0,
        {0.6: partial("turn on the")},
        "silence",
        1.7,
    ),
    "nobody speaks": ([("quiet", 9)], 0, {}, "no-speech", 3.0),
    "a click is nobody": ([("quiet", 1), ("click", 0.064), ("quiet", 9)], 0, {}, "no-speech", 3.0),
    "the wake phrase alone is no command": (
        [("voice", 0.9), ("quiet", 9)],
        0.9,
        {},
        "no-speech",
        3.9,
    ),
    "an engine that fired before the phrase's last sound": (
        [("voice", 1.1), ("quiet", 9)],
        0.8,
        {},
        "no-speech",
        3.8,
    ),
    "command after a pause behind the wake phrase": (
        [("voice", 0.9), ("quiet", 1.5), ("voice", 0.8), ("quiet", 3)],
        0.9,
        {},
        "silence",
        3.9,
    ),
    "command without a pause": ([("voice", 2.0), ("quiet", 3)], 0.9, {}, "silence", 2.7),
    "a short command right behind, known by its text": (
        [("voice", 1.15), ("quiet", 3)],
        0.9,
        {1.1: STOP},
        "grammar-complete",
        1.85,
    ),
    "a short answer of its own": (
        [("quiet", 0.3), ("voice", 0.2), ("quiet", 3)],
        0,
        {0.4: STOP},
        "grammar-complete",
        0.8,
    ),
    "the television goes on": ([("voice", 1.0), ("tv", 5)], 0, {}, "silence", 1.7),
    "a loud room, and no new words": (
        [("voice", 8)],
        0,
        {1.0: LIGHT},
        "grammar-complete",
        1.0 + NO_NEW_WORDS_S,
    ),
    "breath is voice only while there is voice": (
        [("breath", 1), ("voice", 0.5), ("breath", 0.5), ("quiet", 2)],
        0,
        {},
        "silence",
        2.7,
    ),
    "who never stops is stopped": ([("voice", 20)], 0, {}, "limit", 10.0),
    "the limit counts from the wake phrase": ([("voice", 20)], 1.0, {}, "limit", 11.0),
}


@pytest.mark.parametrize("begin", [0, 12_345])
@pytest.mark.parametrize("name", CASES)
def test_table(name: str, begin: int) -> None:
    parts, wake_end_s, texts, why, decided_s = CASES[name]
    ending, at_s = hear(parts, wake_end_s=wake_end_s, texts=texts, begin=begin)
    assert ending is not None
    assert ending.why == why
    assert at_s == pytest.approx(decided_s, abs=2.5 * WINDOW_S)
    assert ending.decided_at == begin + round(at_s * SAMPLE_RATE_HZ)


def test_the_position_is_behind_the_last_voiced_sample() -> None:
    ending, _ = hear([("quiet", 0.32), ("voice", 0.64), ("quiet", 2)])
    assert ending is not None
    assert ending.position == round(0.96 * SAMPLE_RATE_HZ)


def test_a_stream_that_ends_is_an_ending() -> None:
    endpoint = Endpoint(RULE, begin=0)
    endpoint.hear(Window(begin=0, end=WINDOW, voice=0.9, level_dbfs=-20))
    assert endpoint.stream_ended() == Ending(WINDOW, WINDOW, "stream-ended")


def test_text_is_wanted_once_silence_could_end_it() -> None:
    endpoint = Endpoint(RULE, begin=0)
    wanted = []
    for index in range(20):
        voice = 0.9 if index < 5 else 0.0
        window = Window(begin=index * WINDOW, end=(index + 1) * WINDOW, voice=voice, level_dbfs=-20)
        endpoint.hear(window)
        wanted.append(endpoint.wants_text)
    assert wanted.index(True) == 5 + int(0.3 / WINDOW_S)
    assert all(wanted[wanted.index(True) :])


courses = st.lists(
    st.tuples(st.floats(0, 1), st.floats(-90, 0), st.booleans(), st.booleans()), max_size=600
)
rules = st.builds(
    Endpointing,
    silence_s=st.floats(0.1, 2),
    complete_silence_s=st.floats(0.1, 1),
    no_speech_s=st.floats(0.5, 6),
    limit_s=st.floats(1, 8),
)


@given(courses, rules, st.integers(0, 40_000), st.integers(0, 60_000))
def test_it_always_ends_in_time_and_after_its_own_voice(
    course: list[tuple[float, float, bool, bool]], rule: Endpointing, begin: int, wake_end: int
) -> None:
    endpoint, at = Endpoint(rule, begin=begin, wake_end=wake_end), begin
    start = max(begin, wake_end)
    for voice, level, may_end, must_end in course:
        endpoint.read(partial("words", may_end=may_end, must_end=must_end))
        ending = endpoint.hear(Window(begin=at, end=at + WINDOW, voice=voice, level_dbfs=level))
        at += WINDOW
        if ending is None:
            assert at - start < rule.limit_s * SAMPLE_RATE_HZ
            continue
        assert begin <= ending.position <= ending.decided_at == at
        if ending.why == "no-speech":
            assert not endpoint.spoken
            assert at - start >= rule.no_speech_s * SAMPLE_RATE_HZ
        if ending.why == "silence":
            assert ending.decided_at - ending.position >= rule.silence_s * SAMPLE_RATE_HZ - 1
        return
