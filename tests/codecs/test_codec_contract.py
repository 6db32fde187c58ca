"""One suite for every codec: what a maker makes, a joiner gives back, whatever happens between."""

import math
import random
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_codecs import codecs, libopus
from antiphon_codecs.codecs import MAKERS, OPUS, PCM
from antiphon_codecs.errors import CodecMissingError, PacketDamagedError
from antiphon_codecs.joiner import Joiner, joined
from antiphon_codecs.opus import PACKET_SAMPLES, OpusMaker, OpusTaker
from antiphon_codecs.pcm import PcmMaker
from antiphon_protocol.audio import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    SAMPLE_RATE_HZ,
    AudioFrame,
    Frame,
    OpusFrame,
)
from antiphon_protocol.limits import (
    AUDIO_FRAME_BYTES_MAX,
    OPUS_PACKET_BYTES_MAX,
    OPUS_PACKETS_MAX,
)
from antiphon_protocol.topics import SATELLITE_AUDIO, SATELLITE_OPUS
from tests.support.examples import examples

BEGAN_US = 1_750_000_000_000_000


def voice(samples: int, seed: int = 1) -> bytes:
    """Return something between a voice and a siren, never the same twice in a row."""
    chance = random.Random(seed)
    pitch = 0.0
    out = array("h")
    for at in range(samples):
        pitch += (120 + 80 * math.sin(at / 4000 + seed)) / SAMPLE_RATE_HZ
        tone = sum(math.sin(2 * math.pi * pitch * n) / n for n in range(1, 9))
        out.append(int(5000 * tone + chance.gauss(0, 60)))
    return out.tobytes()


VOICE = voice(2 * SAMPLE_RATE_HZ)


def made(codec: str, sizes: Sequence[int], pcm: bytes = VOICE) -> list[Frame]:
    """Return a stream's frames, its samples given in pieces of those sizes."""
    maker, frames, at = MAKERS[codec](), [], 0
    for size in sizes:
        piece = pcm[at * SAMPLE_BYTES :][: size * SAMPLE_BYTES]
        frame = maker.make(piece, BEGAN_US + at * 1_000_000 // SAMPLE_RATE_HZ)
        at += len(piece) // SAMPLE_BYTES
        if frame is not None:
            frames.append(frame)
    return [*frames, maker.end(BEGAN_US + at * 1_000_000 // SAMPLE_RATE_HZ)]


def correlation(one: bytes, other: bytes) -> float:
    a, b = array("h", one), array("h", other)
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(
        sum(x * x for x in a) * sum(y * y for y in b)
    )


@pytest.fixture(params=sorted(MAKERS))
def codec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


PIECES = st.lists(st.integers(1, AUDIO_FRAME_BYTES_MAX // SAMPLE_BYTES), min_size=1, max_size=12)


@settings(max_examples=examples(30), deadline=None)
@given(sizes=PIECES)
@pytest.mark.parametrize("codec", sorted(MAKERS))
def test_every_sample_has_its_place_and_its_time(codec: str, sizes: list[int]) -> None:
    pcm = voice(sum(sizes), 3)[: 2 * sum(sizes)]
    frames = made(codec, sizes, pcm)
    assert [one.sequence for one in frames] == list(range(len(frames)))
    assert [one.last for one in frames] == [False] * (len(frames) - 1) + [True]
    begins = [sum(one.samples for one in frames[:n]) for n in range(len(frames) + 1)]
    assert [one.position for one in frames] == begins[:-1]
    assert begins[-1] == sum(sizes)
    for one in frames:
        true_us = BEGAN_US + one.position * 1_000_000 / SAMPLE_RATE_HZ
        assert abs(one.at_us - true_us) <= 2 * len(sizes)
    assert len(joined(frames)) == len(pcm)


def test_what_was_said_is_heard_and_at_the_same_sample(codec: str) -> None:
    spoken = VOICE[: 40 * FRAME_BYTES]
    frames = made(codec, [FRAME_SAMPLES] * 40)
    assert correlation(joined(frames), spoken) > 0.98
    shifted = joined(frames)[2 * 8 :] + bytes(2 * 8)
    assert correlation(shifted, spoken) < correlation(joined(frames), spoken)


def test_it_waits_for_less_than_a_packet(codec: str) -> None:
    maker = MAKERS[codec]()
    for number in range(1, 30):
        frame = maker.make(VOICE[(number - 1) * FRAME_BYTES :][:FRAME_BYTES], BEGAN_US)
        assert frame is not None
        behind = number * FRAME_SAMPLES - frame.position - frame.samples
        assert behind < PACKET_SAMPLES + 110


def test_the_same_frames_give_the_same_samples_in_any_order_and_twice(codec: str) -> None:
    frames = made(codec, [4096, *[FRAME_SAMPLES] * 20])
    shuffled = frames.copy()
    random.Random(4).shuffle(shuffled)
    assert joined(shuffled) == joined(frames) == joined(frames)


def test_a_stream_of_nothing_is_one_last_frame(codec: str) -> None:
    (only,) = made(codec, [])
    assert (only.samples, only.last) == (0, True)
    assert joined([only]) == b""


@settings(max_examples=examples(30), deadline=None)
@given(lost=st.sets(st.integers(0, 31), max_size=8))
@pytest.mark.parametrize("codec", sorted(MAKERS))
def test_what_is_missing_is_silence_and_what_follows_depends_on_nothing_before_it(
    codec: str, lost: set[int]
) -> None:
    frames = made(codec, [FRAME_SAMPLES] * 32)
    kept = [one for one in frames if one.sequence not in lost]
    pcm = joined(kept)
    for one in frames[:-1]:
        part = pcm[one.position * SAMPLE_BYTES :][: one.samples * SAMPLE_BYTES]
        if one.sequence in lost and len(part) == one.samples * SAMPLE_BYTES:
            assert not any(part)
    for first in (n + 1 for n in lost if n + 1 not in lost and n + 1 < len(frames)):
        run = [one for one in kept if one.sequence >= first]
        end = next((n for n in sorted(lost) if n > first), len(frames))
        run = [one for one in run if one.sequence < end]
        alone = joined(run)[run[0].position * SAMPLE_BYTES :]
        begin = run[0].position * SAMPLE_BYTES
        assert pcm[begin : begin + len(alone)] == alone


def test_streams_know_nothing_of_each_other(codec: str) -> None:
    frames, others = made(codec, [512] * 20), made(codec, [512] * 20, voice(10_240, 9))
    one, other = Joiner(), Joiner()
    both = [(one.put(a), other.put(b)) for a, b in zip(frames, others, strict=True)]
    assert b"".join(pcm for pcm, _ in both) == joined(frames)
    assert b"".join(pcm for _, pcm in both) == joined(others)


# -- what only Opus can get wrong -----------------------------------------------------------------


def test_opus_takes_a_tenth_of_the_bytes() -> None:
    frames = made(OPUS, [FRAME_SAMPLES] * 32)
    wire = sum(len(SATELLITE_OPUS.encode(one)) for one in frames if isinstance(one, OpusFrame))
    plain = made(PCM, [FRAME_SAMPLES] * 32)
    whole = sum(len(SATELLITE_AUDIO.encode(one)) for one in plain if isinstance(one, AudioFrame))
    assert wire * 5 < whole


def test_a_pre_roll_fits_the_limits_of_a_frame() -> None:
    frames = made(OPUS, [319, *[4096] * 8], voice(33_087))
    assert max(len(one.packets) for one in frames if isinstance(one, OpusFrame)) < OPUS_PACKETS_MAX
    for one in frames:
        assert isinstance(one, OpusFrame)
        assert SATELLITE_OPUS.decode(SATELLITE_OPUS.encode(one)) == one


@pytest.mark.parametrize(
    "packets",
    [
        (b"\x4b",),  # says that it has many frames, and ends before it says how many
        (bytes([0xFF]) * 1275,),
        (b"\x48",),  # 20 ms where 60 s are promised
    ],
)
def test_a_damaged_packet_is_one_declared_error_and_then_silence(
    packets: tuple[bytes, ...],
) -> None:
    damaged = OpusFrame(0, 0, 0, packets, 0, 8000)
    with pytest.raises(PacketDamagedError):
        OpusTaker().take(damaged)
    joiner = Joiner()
    assert joiner.put(damaged) == bytes(16_000)
    assert joiner.damaged_samples == 8000


def test_an_empty_packet_is_no_order_to_invent_something() -> None:
    with pytest.raises(PacketDamagedError, match="empty"):
        libopus.Decoder().decode(b"")


@settings(max_examples=examples(300), deadline=None)
@given(
    packets=st.lists(
        st.binary(min_size=1, max_size=OPUS_PACKET_BYTES_MAX),
        min_size=1,
        max_size=OPUS_PACKETS_MAX,
    ),
    skip=st.integers(0, 2000),
    samples=st.integers(1, AUDIO_FRAME_BYTES_MAX),
    position=st.integers(0, 100_000),
)
def test_any_bytes_give_samples_or_silence_and_never_more_than_the_frame_says(
    packets: list[bytes], skip: int, samples: int, position: int
) -> None:
    joiner = Joiner()
    frame = OpusFrame(0, position, 0, tuple(packets), skip, samples)
    assert len(joiner.put(frame)) == (position + samples) * SAMPLE_BYTES
    after = [
        OpusFrame(n + 1, position + samples, 0, one.packets, one.skip, one.samples)
        for n, one in enumerate(made(OPUS, [4096], voice(4096)))
        if isinstance(one, OpusFrame) and one.packets
    ]
    for one in after:
        assert len(joiner.put(one)) >= one.samples * SAMPLE_BYTES


@settings(max_examples=examples(200), deadline=None)
@given(data=st.data())
def test_a_flipped_bit_or_a_cut_is_survived(data: st.DataObject) -> None:
    frames = [one for one in made(OPUS, [FRAME_SAMPLES] * 8) if isinstance(one, OpusFrame)]
    hit = data.draw(st.integers(0, len(frames) - 1))
    packets = [bytearray(one) for one in frames[hit].packets]
    for packet in packets:
        at = data.draw(st.integers(0, len(packet) - 1))
        packet[at] ^= data.draw(st.integers(1, 255))
        del packet[data.draw(st.integers(1, len(packet))) :]
    one = frames[hit]
    frames[hit] = OpusFrame(
        one.sequence, one.position, 0, tuple(map(bytes, packets)), one.skip, one.samples, one.last
    )
    assert len(joined(frames)) == 8 * FRAME_BYTES


def test_without_the_library_pcm_works_and_opus_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(libopus, "LIBRARY", "libopus-of-nowhere.so.0")
    libopus._library.cache_clear()
    codecs.missing.cache_clear()
    try:
        with pytest.raises(CodecMissingError, match="apt install libopus0"):
            OpusMaker()
        assert codecs.decodable() == ()
        assert "apt install libopus0" in str(codecs.missing())
        assert (codecs.missing.cache_info().misses, codecs.missing.cache_info().hits) == (1, 1)
        with pytest.raises(CodecMissingError):
            joined([OpusFrame(0, 0, 0, (b"\x48",), 0, 1)])
        assert joined([PcmMaker().make(b"ab", 0)]) == b"ab"
    finally:
        libopus._library.cache_clear()
        codecs.missing.cache_clear()
