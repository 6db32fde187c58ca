"""When a command has ended: by table, and for any course of voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon_engines.awaiting import WITHIN_S
from antiphon_engines.endpoint import (
    ANSWER_SILENCE_S,
    FAINT_S,
    LAST_WORD_S,
    NO_NEW_WORDS_S,
    RHYTHM,
    RHYTHM_MAX_S,
    SETTLED_S,
    STALE_SILENCE_S,
    Ending,
    Endpoint,
    Window,
)
from antiphon_engines.nearness import UNKNOWN_DBFS
from antiphon_engines.stt.port import SttPartial
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import Endpointing, Expectation

WINDOW = 512
WINDOW_S = WINDOW / SAMPLE_RATE_HZ
RULE = Endpointing(
    silence_s=0.7,
    complete_silence_s=0.3,
    may_go_on_silence_s=0.4,
    unfinished_silence_s=1.0,
    no_speech_s=3.0,
    limit_s=10.0,
)

Part = tuple[str, float]
"""What is heard, and for how many seconds: voice, soft (20 dB and more below), quiet, breath."""
SOUNDS = {
    "voice": (0.95, -20.0),
    "tv": (0.9, -45.0),
    "quiet": (0.02, -60.0),
    "breath": (0.42, -22.0),
    "click": (0.9, -20.0),
    "radio": (0.9, -33.0),
}


def partial(
    text: str, *, may_end: bool = False, must_end: bool = False, prompt: bool = False
) -> SttPartial:
    return SttPartial(text=text, may_end=may_end or must_end, must_end=must_end, prompt=prompt)


def hear(
    parts: list[Part],
    *,
    rule: Endpointing = RULE,
    begin: int = 0,
    wake_end_s: float = 0.0,
    texts: dict[float, SttPartial] | None = None,
    room: Part = ("quiet", 0.0),
    grammar: bool = True,
    call_dbfs: float = UNKNOWN_DBFS,
) -> tuple[Ending | None, float]:
    """Play the parts; return the ending and when it was decided, seconds from the begin."""
    wake_end = begin + int(wake_end_s * SAMPLE_RATE_HZ) if wake_end_s else 0
    endpoint = Endpoint(rule, begin=begin, wake_end=wake_end, grammar=grammar, call_dbfs=call_dbfs)
    for _ in range(round(room[1] / WINDOW_S)):
        endpoint.hear_room(SOUNDS[room[0]][1])
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
    "one that could go on needs a little more": (
        [("voice", 1.0), ("quiet", 3)],
        0,
        {0.6: LIGHT},
        "grammar-complete",
        1.4,
    ),
    "an unfinished one waits for its name": (
        [("voice", 1.0), ("quiet", 3)],
        0,
        {0.6: partial("turn on the")},
        "silence",
        2.0,
    ),
    "a hesitation before a name": (
        [("voice", 1.0), ("quiet", 0.9), ("voice", 0.5), ("quiet", 3)],
        0,
        {0.6: partial("turn on the"), 2.2: STOP},
        "grammar-complete",
        2.7,
    ),
    "a word that came with the last sound is no word": (
        [("voice", 1.0), ("quiet", 3)],
        0,
        {0.6: LIGHT, 0.97: partial("turn on the light and")},
        "silence",
        1.0 + 0.4 + FAINT_S,
    ),
    "words while only the television talks are not the person's": (
        [("voice", 1.0), ("tv", 5)],
        0,
        {0.6: STOP, 1.3: partial("stop the")},
        "grammar-complete",
        1.0 + 2 * WINDOW_S + 0.3 + FAINT_S,  # levels are held for two windows
    ),
    "who paused may pause again": (
        [("voice", 0.5), ("quiet", 0.38), ("voice", 0.5), ("quiet", 3)],
        0,
        {0.3: partial("turn on the"), 1.2: LIGHT},
        "grammar-complete",
        1.38 + RHYTHM * 0.38,
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
    "the television goes on": ([("voice", 1.0), ("tv", 5)], 0, {}, "silence", 1.7 + FAINT_S),
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


@pytest.mark.parametrize(
    ("expect", "text", "decided_s"),
    [
        ("command", None, 1.2),
        ("answer", None, 0.95),
        ("yes-no", partial("no", may_end=True), 0.9),
        ("yes-no", partial("yes", must_end=True), 0.8),
        ("answer", partial("the"), 0.95),
    ],
)
def test_an_answer_of_one_syllable_ends_within_600_ms(
    expect: Expectation, text: SttPartial | None, decided_s: float
) -> None:
    rule = replace(RULE, expect=expect)
    texts = {} if text is None else {0.4: text}
    _, at_s = hear([("quiet", 0.3), ("voice", 0.2), ("quiet", 3)], rule=rule, texts=texts)
    assert at_s == pytest.approx(decided_s, abs=2.5 * WINDOW_S)


ASKED = replace(RULE, expect="answer")
CALLED_DBFS = -18.0


@pytest.mark.parametrize(
    ("parts", "texts", "why", "decided_s"),
    [
        # the television's words are not the answer, and end nothing
        (
            [("radio", 1.0), ("voice", 0.3), ("radio", 4)],
            {0.5: STOP, 1.2: partial("yes", must_end=True)},
            "grammar-complete",
            1.3 + 0.3 + FAINT_S,
        ),
        # a word that stood before the answer began: the answer's own may come yet
        (
            [("radio", 1.0), ("voice", 0.3), ("radio", 4)],
            {0.5: STOP},
            "grammar-complete",
            1.3 + STALE_SILENCE_S + FAINT_S,
        ),
        # the word's end changes the text, though the television drowns it
        (
            [("radio", 1.0), ("voice", 0.3), ("quiet", 4)],
            {0.5: STOP, 1.1: partial("three", must_end=True), 1.55: partial("six", must_end=True)},
            "grammar-complete",
            1.55 + SETTLED_S,
        ),
        # in a quiet room all is as it was
        (
            [("quiet", 0.5), ("voice", 0.3), ("quiet", 3)],
            {0.7: partial("yes", must_end=True)},
            "grammar-complete",
            0.8 + 0.3,
        ),
        # softly, in a quiet room: late, not lost
        ([("quiet", 0.5), ("radio", 0.3), ("quiet", 3)], {0.7: STOP}, "grammar-complete", 1.5),
        # nobody spoke up for long: what is softer counts, its words from then on
        ([("radio", 9)], {0.5: STOP}, "grammar-complete", WITHIN_S + NO_NEW_WORDS_S),
        (
            [("radio", 9)],
            {0.5: STOP, 3.3: partial("yes", must_end=True)},
            "grammar-complete",
            3.3 + ANSWER_SILENCE_S,
        ),
        ([("quiet", 9)], {}, "no-speech", 3.0),
    ],
)
def test_who_was_asked_is_told_from_the_television_by_how_loud_the_call_was(
    parts: list[Part], texts: dict[float, SttPartial], why: str, decided_s: float
) -> None:
    rule = replace(ASKED, no_speech_s=3.0 if parts == [("quiet", 9)] else 5.0)
    ending, at_s = hear(parts, rule=rule, texts=texts, call_dbfs=CALLED_DBFS)
    assert ending is not None
    assert ending.why == why
    assert at_s == pytest.approx(decided_s, abs=3.5 * WINDOW_S)


SPOKEN: list[Part] = [("voice", 1.024), ("quiet", 3.0)]


@pytest.mark.parametrize(
    ("texts", "silence_s"),
    [
        # What the recogniser makes of silence is no word...
        ({0.5: partial("get a"), 1.3: partial("get a mocha", may_end=True, prompt=True)}, 1.0),
        # ...unless it is a slow one, or was as sure while the person spoke.
        ({0.5: partial("get a"), 1.3: partial("get a mocha", may_end=True)}, 0.4),
        (
            {
                0.5: partial("get a latte", may_end=True, prompt=True),
                1.3: partial("get a mocha", may_end=True, prompt=True),
            },
            0.4,
        ),
        # A word behind a whole sentence may be its last sound; in the place of one it is none.
        ({0.9: partial("get a latte", may_end=True), 1.1: partial("get a latte with")}, 0.55),
        ({0.9: partial("get a latte", may_end=True), 1.1: partial("get a double")}, 1.0),
        # Who has begun goes on, though the recogniser wavers.
        ({0.5: partial("get a"), 0.9: partial("")}, 1.0),
        ({0.5: partial("get a latte", may_end=True), 0.9: partial("")}, 0.7),
    ],
)
def test_who_looks_for_a_word_is_waited_for(
    texts: dict[float, SttPartial], silence_s: float
) -> None:
    ending, at_s = hear(SPOKEN, texts=texts)
    assert ending is not None
    assert at_s == pytest.approx(1.024 + silence_s, abs=2 * WINDOW_S)


def test_dictation_knows_of_no_unfinished_sentence() -> None:
    parts: list[Part] = [("voice", 1.0), ("quiet", 3)]
    _, with_grammar_s = hear(parts, texts={0.6: partial("turn on the")})
    _, without_s = hear(parts, texts={0.6: partial("turn on the")}, grammar=False)
    assert with_grammar_s == pytest.approx(2.0, abs=2.5 * WINDOW_S)
    assert without_s == pytest.approx(1.7, abs=2.5 * WINDOW_S)


@pytest.mark.parametrize(
    ("expect", "may_follow", "needed_s"),
    [
        ("command", True, NO_NEW_WORDS_S),
        ("command", False, LAST_WORD_S),
        ("yes-no", True, NO_NEW_WORDS_S),
        ("yes-no", False, ANSWER_SILENCE_S),
    ],
)
def test_behind_the_last_word_a_loud_room_counts_for_less(
    expect: Expectation, may_follow: bool, needed_s: float
) -> None:
    text = partial("yes", may_end=True, must_end=not may_follow)
    _, decided_s = hear([("voice", 8)], rule=replace(RULE, expect=expect), texts={1.0: text})
    assert decided_s == pytest.approx(1.0 + needed_s, abs=2.5 * WINDOW_S)


def test_who_called_from_afar_is_told_from_the_television_that_ran_before() -> None:
    parts: list[Part] = [("voice", 1.0), ("radio", 6)]
    _, alone_s = hear(parts, texts={0.6: STOP})
    _, with_room_s = hear(parts, texts={0.6: STOP}, room=("radio", 1.0))
    assert alone_s == pytest.approx(0.6 + LAST_WORD_S, abs=2.5 * WINDOW_S)
    assert with_room_s == pytest.approx(1.0 + 0.3 + FAINT_S, abs=3.5 * WINDOW_S)


windows = st.tuples(
    st.floats(0, 1),
    st.floats(-90, 0),
    st.sampled_from([None, partial("turn"), LIGHT, STOP, partial("turn on the light and")]),
)
courses = st.lists(windows, max_size=500)
rules = st.builds(
    Endpointing,
    silence_s=st.floats(0.1, 2),
    complete_silence_s=st.floats(0.1, 1),
    may_go_on_silence_s=st.floats(0.1, 1),
    unfinished_silence_s=st.floats(0.1, 2),
    no_speech_s=st.floats(0.5, 6),
    limit_s=st.floats(1, 8),
    expect=st.sampled_from(["command", "answer", "yes-no"]),
)
Course = list[tuple[float, float, SttPartial | None]]


def played(
    course: Course,
    rule: Endpointing,
    begin: int = 0,
    wake_end: int = 0,
    call_dbfs: float = UNKNOWN_DBFS,
) -> tuple[Endpoint, Ending | None]:
    endpoint, at = Endpoint(rule, begin=begin, wake_end=wake_end, call_dbfs=call_dbfs), begin
    for voice, level, text in course:
        endpoint.read(text)
        window = Window(begin=at, end=at + WINDOW, voice=voice, level_dbfs=level)
        at += WINDOW
        if ending := endpoint.hear(window):
            return endpoint, ending
    return endpoint, None


called = st.sampled_from([UNKNOWN_DBFS, -40.0, CALLED_DBFS])


@given(courses, rules, st.integers(0, 40_000), st.integers(0, 60_000), called)
def test_it_always_ends_in_time_and_after_its_own_voice(
    course: Course, rule: Endpointing, begin: int, wake_end: int, call_dbfs: float
) -> None:
    endpoint, ending = played(course, rule, begin, wake_end, call_dbfs)
    start, heard_to = max(begin, wake_end), begin + WINDOW * len(course)
    if ending is None:
        assert heard_to - start < rule.limit_s * SAMPLE_RATE_HZ
        return
    assert begin <= ending.position <= ending.decided_at <= heard_to
    assert ending.decided_at - start < rule.limit_s * SAMPLE_RATE_HZ + WINDOW
    if ending.why == "no-speech":
        assert not endpoint.spoken
        assert ending.decided_at - start >= rule.no_speech_s * SAMPLE_RATE_HZ
    if ending.why in ("silence", "grammar-complete"):
        assert endpoint.spoken


@given(courses, rules)
def test_it_never_ends_in_the_persons_voice_nor_before_the_least_silence(
    course: Course, rule: Endpointing
) -> None:
    _, ending = played(course, rule)
    if ending is None or ending.why not in ("silence", "grammar-complete"):
        return
    silence_s = (ending.decided_at - ending.position) / SAMPLE_RATE_HZ
    shortest_s = min(
        rule.silence_s,
        rule.complete_silence_s,
        rule.may_go_on_silence_s,
        rule.unfinished_silence_s,
        ANSWER_SILENCE_S,
    )
    last_word_s = LAST_WORD_S if rule.expect == "command" else ANSWER_SILENCE_S
    assert silence_s >= shortest_s - 1e-9 or ending.decided_at >= last_word_s * SAMPLE_RATE_HZ


@given(courses, rules, st.floats(1, 3))
def test_who_allows_longer_silence_never_gets_an_earlier_end(
    course: Course, rule: Endpointing, factor: float
) -> None:
    longer = replace(
        rule,
        silence_s=rule.silence_s * factor,
        complete_silence_s=rule.complete_silence_s * factor,
        may_go_on_silence_s=rule.may_go_on_silence_s * factor,
        unfinished_silence_s=rule.unfinished_silence_s * factor,
    )
    _, early = played(course, rule)
    _, late = played(course, longer)
    if late is not None:
        assert early is not None
        assert early.decided_at <= late.decided_at


@given(courses, rules, called)
def test_silence_after_speech_ends_it_within_the_longest_silence(
    course: Course, rule: Endpointing, call_dbfs: float
) -> None:
    quiet = [(0.0, -90.0, course[-1][2] if course else None)] * 250
    endpoint, ending = played([*course, *quiet], rule, call_dbfs=call_dbfs)
    assert ending is not None
    longest_s = max(
        rule.silence_s,
        rule.complete_silence_s,
        rule.may_go_on_silence_s + FAINT_S,
        rule.unfinished_silence_s,
        RHYTHM * RHYTHM_MAX_S,
        STALE_SILENCE_S,
    )
    if endpoint.spoken and ending.why != "limit":
        silence = ending.decided_at - max(ending.position, WINDOW * len(course))
        assert silence <= (longest_s + FAINT_S) * SAMPLE_RATE_HZ + WINDOW
