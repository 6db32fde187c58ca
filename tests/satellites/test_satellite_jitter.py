"""The jitter buffer: order out of disorder, silence for holes, bounds for all."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX
from antiphon_satellite.speak.jitter import START_S, Jitter

RATE_HZ = 16_000
START_SAMPLES = int(START_S * RATE_HZ)


def stream(lengths: list[int]) -> list[AudioFrame]:
    """Return frames whose samples count up from 1, the last one marked."""
    frames, position = [], 0
    for n, length in enumerate(lengths):
        pcm = array("h", [(position + k) % 32_000 + 1 for k in range(length)]).tobytes()
        frames.append(AudioFrame(n, position, 0, pcm, last=n == len(lengths) - 1))
        position += length
    return frames


def drain(jitter: Jitter) -> bytes:
    out = b""
    while (pcm := jitter.take()) is not None:
        out += pcm
    return out


lengths_of_frames = st.lists(st.integers(1, 600), min_size=1, max_size=40)


@given(lengths_of_frames, st.data())
def test_any_order_gives_the_same_sound(lengths: list[int], data: st.DataObject) -> None:
    frames = stream(lengths)
    jitter = Jitter(RATE_HZ)
    for frame in data.draw(st.permutations(frames)):
        jitter.put(frame)
    assert drain(jitter) == b"".join(frame.pcm for frame in frames)
    assert jitter.ended
    assert (jitter.missing_samples, jitter.rejected) == (0, 0)
    assert jitter.samples == sum(lengths)


@given(lengths_of_frames, st.data())
def test_lost_frames_are_silence_of_their_length(lengths: list[int], data: st.DataObject) -> None:
    frames = stream([*lengths, 1])
    lost = data.draw(st.sets(st.sampled_from(range(len(lengths)))))
    jitter = Jitter(RATE_HZ)
    out = b""
    for frame in frames:
        if frame.sequence not in lost:
            jitter.put(frame)
        if data.draw(st.booleans()):
            out += drain(jitter)
    out += drain(jitter)
    wanted = b"".join(bytes(len(f.pcm)) if f.sequence in lost else f.pcm for f in frames)
    assert out == wanted
    assert jitter.ended
    assert jitter.missing_samples == sum(lengths[n] for n in lost)


@given(
    st.lists(
        st.builds(
            AudioFrame,
            st.one_of(st.integers(0, 20), st.integers(0, 2**32 - 1)),
            st.one_of(st.integers(0, 5000), st.integers(0, 2**40 - 1)),
            st.just(0),
            st.integers(1, 100).map(lambda n: b"ab" * n),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_is_sent_it_plays_no_longer_than_its_limit(frames: list[AudioFrame]) -> None:
    jitter = Jitter(RATE_HZ)
    played = 0
    for frame in frames:
        jitter.put(frame)
        played += len(drain(jitter)) // 2
    assert played == jitter.samples <= PLAYBACK_SECONDS_MAX * RATE_HZ + 60 * 100


def test_it_starts_with_sixty_milliseconds_in_hand() -> None:
    jitter = Jitter(RATE_HZ)
    first, second = stream([START_SAMPLES - 1, 1, 5])[:2]
    jitter.put(first)
    assert jitter.take() is None
    jitter.put(second)
    assert jitter.take() == first.pcm
    assert jitter.take() == second.pcm
    assert jitter.take() is None
    assert not jitter.ended


def test_a_short_sound_starts_when_its_end_is_there() -> None:
    jitter = Jitter(RATE_HZ)
    jitter.put(AudioFrame(0, 0, 0, b"xy", last=True))
    assert drain(jitter) == b"xy"
    assert jitter.ended


def test_once_started_a_frame_in_order_is_given_out_at_once() -> None:
    jitter = Jitter(RATE_HZ)
    first, second, *_ = stream([START_SAMPLES, 10, 10])
    jitter.put(first)
    drain(jitter)
    jitter.put(second)
    assert jitter.take() == second.pcm


def test_frames_that_come_twice_or_late_are_refused_and_counted() -> None:
    jitter = Jitter(RATE_HZ)
    frames = stream([START_SAMPLES, 10, 10])
    jitter.put(frames[0])
    jitter.put(frames[0])
    drain(jitter)
    jitter.put(frames[0])
    assert jitter.rejected == 2
    jitter.put(AudioFrame(1, int(PLAYBACK_SECONDS_MAX * RATE_HZ), 0, b"ab"))
    assert jitter.rejected == 3
    jitter.put(frames[2])
    jitter.put(AudioFrame(3, 99, 0, b"ab"))
    assert jitter.rejected == 4
