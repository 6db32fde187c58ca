import io
import struct
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_protocol.errors import WavError
from antiphon_protocol.wav import read_wav, write_wav
from tests.support.examples import examples

PCM = struct.pack("<800h", *range(-400, 400))


def wav(pcm: bytes = PCM, *, rate_hz: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate_hz)
        writer.writeframes(pcm)
    return buffer.getvalue()


def riff(fmt: bytes, data_bytes: int, data: bytes = b"") -> bytes:
    chunks = (
        b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", data_bytes)
    )
    return b"RIFF" + struct.pack("<I", 2**32 - 1) + chunks + data


def fmt(tag: int = 1, channels: int = 1, rate_hz: int = 16_000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block, block, bits)


EXTENSIBLE = fmt(tag=0xFFFE) + struct.pack("<HHI16s", 22, 16, 4, b"\x01" + bytes(15))

BAD = {
    "rate": (wav(rate_hz=44_100), "44100 Hz instead of 16000; convert it: sox "),
    "telephone": (wav(rate_hz=8000), "8000 Hz instead of 16000; convert it: sox "),
    "stereo": (wav(channels=2), "2 channels instead of 1; convert it"),
    "all-three": (
        wav(rate_hz=48_000, channels=2, width=3, pcm=bytes(600)),
        "48000 Hz instead of 16000, 2 channels instead of 1, 24 bits instead of 16; convert it",
    ),
    "eight-bit": (wav(width=1), "8 bits instead of 16; convert it"),
    "float": (
        riff(fmt(tag=3, bits=32), 400, bytes(400)),
        "floating-point samples instead of plain",
    ),
    "extensible": (riff(EXTENSIBLE, 400, bytes(400)), "an extensible header instead of plain"),
    "mulaw": (riff(fmt(tag=7, bits=8), 400, bytes(400)), "compressed samples, format tag 7,"),
    "zero-channels": (riff(fmt(channels=0), 400, bytes(400)), "not a WAV file"),
    "truncated": (
        wav()[:-100],
        "cut short: its header promises 1600 bytes of samples, it holds 1500",
    ),
    "header-only": (wav()[:44], "cut short: its header promises 1600 bytes of samples, it holds 0"),
    "in-header": (wav()[:30], "not a WAV file (it ends inside its header)"),
    "empty": (wav(b""), "holds no samples; record it again"),
    "no-bytes": (b"", "not a WAV file (it ends inside its header)"),
    "text": (b"turn on the light\n" * 40, "not a WAV file (file does not start with RIFF id)"),
    "mp3": (b"\xff\xfb\x90\x64" * 400, "not a WAV file"),
    "avi": (b"RIFF\x00\x01\x00\x00AVI LIST" + bytes(200), "not a WAV file (not a WAVE file)"),
    "lying-header": (
        riff(fmt(), 2**32 - 2, PCM),
        "cut short: its header promises 4294967294 bytes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_its_remedy(name: str, tmp_path: Path) -> None:
    content, mistake = BAD[name]
    path = tmp_path / f"{name}.wav"
    path.write_bytes(content)
    with pytest.raises(WavError) as error:
        read_wav(path)
    assert str(error.value).startswith(f"{path}: ")
    assert mistake in str(error.value)
    assert "it" in str(error.value).partition("; ")[2], "a remedy"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WavError, match=r"missing\.wav: cannot be read: No such file or directory"):
        read_wav(tmp_path / "missing.wav")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "not-a-file.wav"
    make(path)
    with pytest.raises(WavError, match="is no file; name one WAV file"):
        read_wav(path)


def test_three_hours_are_refused_without_reading_them(tmp_path: Path) -> None:
    data_bytes = 3 * 3600 * 16_000 * 2
    path = tmp_path / "long day.wav"
    with path.open("wb") as file:
        file.write(riff(fmt(), data_bytes))
        file.truncate(44 + data_bytes)
    tracemalloc.start()
    try:
        with pytest.raises(WavError) as error:
            read_wav(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert "10800 s of audio, at most 600 s are taken; cut it: sox '" in str(error.value)
    assert "long day.wav' part.wav trim 0 600" in str(error.value)


def test_a_lying_header_sets_no_memory_aside(tmp_path: Path) -> None:
    path = tmp_path / "lie.wav"
    path.write_bytes(BAD["lying-header"][0])
    tracemalloc.start()
    try:
        with pytest.raises(WavError):
            read_wav(path)
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


def test_a_good_file_gives_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "good.wav"
    path.write_bytes(write_wav(PCM))
    assert read_wav(path) == PCM


def test_what_stands_behind_the_samples_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "listed.wav"
    path.write_bytes(write_wav(PCM) + b"LIST\x04\x00\x00\x00INFO")
    assert read_wav(path) == PCM


@pytest.mark.parametrize("seconds", [0, 600, 601])
def test_ten_minutes_are_taken_and_no_more(seconds: int, tmp_path: Path) -> None:
    path = tmp_path / "minutes.wav"
    path.write_bytes(write_wav(bytes(seconds * 32_000 + 2)))
    if seconds == 0:
        assert len(read_wav(path)) == 2
        return
    with pytest.raises(WavError, match=f"{seconds} s of audio"):
        read_wav(path)


def test_another_rate_can_be_written() -> None:
    with wave.open(io.BytesIO(write_wav(PCM, 22_050))) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (
            22_050,
            1,
            2,
        )


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_samples_or_a_wav_error(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(
        data.draw(st.sampled_from([wav(PCM[:64]), *(one for one, _ in BAD.values())]))
    )
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            index = data.draw(st.integers(0, min(len(content), 60) - 1))
            content[index] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.wav"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        pcm = read_wav(path)
    except WavError:
        return
    assert 0 < len(pcm) <= len(content)
