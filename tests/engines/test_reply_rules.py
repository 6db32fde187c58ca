"""Sentences, frames, pacing and the cache of replies: the pure half of speaking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines import pacing, sentences
from antiphon_engines.framing import REPLY_FRAME_SAMPLES, Framer
from antiphon_engines.resample import Resampler
from antiphon_engines.speech_cache import SpeechCache, SpeechKey

TEXTS = {
    "one": ("The light is on.", ["The light is on."]),
    "two": ("The light is on. It is seven.", ["The light is on.", "It is seven."]),
    "title": ("Call Dr. Miller at once. He waits.", ["Call Dr. Miller at once.", "He waits."]),
    "decimal": ("It is 3.5 degrees outside.", ["It is 3.5 degrees outside."]),
    "number": ("Take bus no. 5 to town. Go now.", ["Take bus no. 5 to town.", "Go now."]),
    "no": ("The answer was no. Try again later.", ["The answer was no.", "Try again later."]),
    "initial": ("A song by J. S. Bach is playing.", ["A song by J. S. Bach is playing."]),
    "latin": ("Say a number, e.g. five, now.", ["Say a number, e.g. five, now."]),
    "marks": ("Which light do you mean? Say it!", ["Which light do you mean?", "Say it!"]),
    "quote": ('He said "I am home." Then he left.', ['He said "I am home."', "Then he left."]),
    "lines": ("First the kitchen\nThen the hall", ["First the kitchen", "Then the hall"]),
    "short": ("OK. The light is on.", ["OK. The light is on."]),
    "dots": ("Let me think about it… Here it is.", ["Let me think about it…", "Here it is."]),
    "nothing": (" \n ", []),
}


@pytest.mark.parametrize("name", TEXTS)
def test_sentences(name: str) -> None:
    text, expected = TEXTS[name]
    assert sentences.split(text) == expected


@given(st.text(alphabet=st.sampled_from("ab. ?!\n5…\"'Dr")))
def test_sentences_lose_nothing(text: str) -> None:
    assert "".join("".join(sentences.split(text)).split()) == "".join(text.split())


@given(st.lists(st.integers(0, 3000), max_size=20))
def test_frames_hold_all_samples_in_order_and_the_last_says_so(sizes: list[int]) -> None:
    framer = Framer()
    pcm = [bytes([index + 1]) * 2 * size for index, size in enumerate(sizes)]
    frames = [frame for piece in pcm for frame in framer.feed(piece)] + [framer.end()]
    assert b"".join(frame.pcm for frame in frames) == b"".join(pcm)
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
    position = 0
    for frame in frames:
        assert frame.position == position
        position += frame.samples
    assert all(frame.samples == REPLY_FRAME_SAMPLES for frame in frames[:-1])
    assert (framer.frames, framer.samples) == (len(frames), sum(sizes))


@given(st.integers(0, 10**7), st.floats(0, 600), st.floats(0.1, 5))
def test_pacing_keeps_the_lead(sent: int, elapsed_s: float, lead_s: float) -> None:
    wait_s = pacing.wait_s(sent_samples=sent, rate_hz=16_000, elapsed_s=elapsed_s, lead_s=lead_s)
    assert wait_s >= 0
    ahead_s = sent / 16_000 - elapsed_s
    assert wait_s == pytest.approx(max(0.0, ahead_s - lead_s), abs=1e-6)


def test_the_first_two_seconds_go_at_once() -> None:
    assert pacing.wait_s(sent_samples=32_000, rate_hz=16_000, elapsed_s=0.0, lead_s=2.0) == 0
    assert pacing.wait_s(sent_samples=33_600, rate_hz=16_000, elapsed_s=0.0, lead_s=2.0) > 0.09


def key(text: str) -> SpeechKey:
    return SpeechKey("fake", "", "en", text, 16_000)


def test_the_cache_drops_what_was_used_longest_ago() -> None:
    cache = SpeechCache(10)
    cache.put(key("a"), b"1234")
    cache.put(key("b"), b"1234")
    assert cache.get(key("a")) == b"1234"
    cache.put(key("c"), b"1234")
    assert cache.get(key("b")) is None
    assert cache.get(key("a")) == b"1234"
    assert (cache.hits, cache.misses, cache.dropped) == (2, 1, 1)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 30)), max_size=60))
def test_the_cache_never_holds_more_than_its_bound(puts: list[tuple[str, int]]) -> None:
    cache = SpeechCache(40)
    for text, size in puts:
        cache.put(key(text), bytes(size))
        assert cache.get(key(text)) == bytes(size)
        assert cache.kept_bytes <= 40


def test_one_sentence_over_the_whole_bound_is_not_kept() -> None:
    cache = SpeechCache(4)
    cache.put(key("a"), bytes(5))
    assert cache.get(key("a")) is None


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(22_050, 16_000), (16_000, 16_000), (8_000, 48_000)]
)
def test_resampling_keeps_the_duration_whatever_the_pieces(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    data = b"\x10\x00" * from_hz
    out = b"".join(resampler.feed(data[at : at + 999]) for at in range(0, len(data), 999))
    out += resampler.feed(b"", last=True)
    assert len(out) / 2 == pytest.approx(to_hz, abs=2)
