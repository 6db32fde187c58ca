"""The microphone port's promises, kept by each source that can run here; and the sources' own."""

import asyncio
import importlib.util
import itertools
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ
from antiphon_protocol.errors import WavError
from antiphon_protocol.wav import write_wav
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import ScriptFullError, SoundDeviceError
from antiphon_satellite.listen.microphone import FRAME_US, Microphone, PcmFrame
from antiphon_satellite.listen.scripted import ScriptedMicrophone
from antiphon_satellite.listen.sources import open_microphone
from antiphon_satellite.listen.wav import WavMicrophone
from antiphon_satellite.settings import MicrophoneSection
from tests.support import virtual_time

SOUND = b"".join((n % 20_000 + 1).to_bytes(2, "little") for n in range(3 * FRAME_SAMPLES + 100))

needs_arecord = pytest.mark.skipif(
    shutil.which("arecord") is None, reason="arecord is not installed: apt install alsa-utils"
)
needs_sounddevice = pytest.mark.skipif(
    importlib.util.find_spec("sounddevice") is None, reason="pip install sounddevice"
)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    path.write_bytes(write_wav(SOUND))
    return path


@pytest.fixture
def alsa_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give ALSA a capture device that reads a file."""
    recorded = tmp_path / "captured.raw"
    recorded.write_bytes(SOUND * 50)
    config = tmp_path / "asound.conf"
    config.write_text(
        f'pcm.tape {{ type file; slave.pcm "null"; file "/dev/null"; infile "{recorded}"; }}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"/usr/share/alsa/alsa.conf:{config}")
    return "tape"


async def take(microphone: Microphone, count: int) -> list[PcmFrame]:
    taken: list[PcmFrame] = []
    async with aclosing(microphone.frames()) as frames:
        async for frame in frames:
            taken.append(frame)
            if len(taken) == count:
                break
    return taken


Maker = Callable[[], Microphone]


@pytest.fixture(
    params=[
        "wav",
        "wav-fast",
        "scripted",
        pytest.param("alsa", marks=needs_arecord),
    ]
)
def make(request: pytest.FixtureRequest, wav: Path) -> Maker:
    """Return a maker of one source."""
    match request.param:
        case "wav":
            return lambda: WavMicrophone([wav], fast=False, then_silence=True)
        case "wav-fast":
            return lambda: WavMicrophone([wav], fast=True, then_silence=True)
        case "scripted":
            return lambda: ScriptedMicrophone(4.0)
        case _:
            device = request.getfixturevalue("alsa_device")
            return lambda: open_microphone(MicrophoneSection(source=f"alsa:{device}"))


async def test_every_source_gives_whole_frames_with_their_time(make: Maker) -> None:
    began_us = now_us()
    frames = await take(make(), 5)
    assert [len(frame.pcm) for frame in frames] == [FRAME_BYTES] * 5
    times = [frame.at_us for frame in frames]
    assert times == sorted(times)
    assert began_us - FRAME_US - 1 <= times[0]
    assert times[-1] <= now_us() - FRAME_US


async def test_every_source_can_be_closed_and_read_anew(make: Maker) -> None:
    microphone = make()
    assert len(await take(microphone, 2)) == 2
    assert len(await take(microphone, 2)) == 2
    assert microphone.name
    assert microphone.dropped == 0


# -- files ----------------------------------------------------------------------------------------


def test_files_are_heard_one_after_the_other_and_then_silence(wav: Path) -> None:
    frames = virtual_time.run(take(WavMicrophone([wav, wav], fast=True, then_silence=True), 12))
    padded = SOUND + bytes(-len(SOUND) % FRAME_BYTES)
    heard = b"".join(frame.pcm for frame in frames)
    assert heard == padded * 2 + bytes(4 * FRAME_BYTES)


def test_a_file_can_be_the_end_of_it(wav: Path) -> None:
    microphone = WavMicrophone([wav], fast=True, then_silence=False)
    assert len(virtual_time.run(take(microphone, 100))) == 4


def test_real_time_is_thirty_two_milliseconds_a_frame(wav: Path) -> None:
    async def timed() -> list[float]:
        loop, times = asyncio.get_running_loop(), []
        microphone = WavMicrophone([wav], fast=False, then_silence=True)
        async with aclosing(microphone.frames()) as frames:
            async for _ in frames:
                times.append(loop.time())
                if len(times) == 100:
                    return times
        return times

    times = virtual_time.run(timed())
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert steps == pytest.approx([FRAME_SAMPLES / SAMPLE_RATE_HZ] * 99)


def test_a_wrong_file_is_told_before_anything_starts(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.wav"
    wrong.write_bytes(write_wav(SOUND, 44_100))
    with pytest.raises(WavError, match=r"44100 Hz.*sox"):
        open_microphone(MicrophoneSection(source=f"wav:{wrong}"))
    with pytest.raises(WavError, match="cannot be read"):
        open_microphone(MicrophoneSection(source=f"wav:{tmp_path / 'none.wav'}"))


# -- script ---------------------------------------------------------------------------------------


def test_what_is_said_is_heard_in_order_and_said_to_the_end() -> None:
    async def story() -> tuple[list[PcmFrame], list[str]]:
        microphone, order = ScriptedMicrophone(), []

        async def say(name: str, pcm: bytes) -> None:
            await microphone.say(pcm)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            group.create_task(say("first", SOUND))
            group.create_task(say("second", b"\1\0" * 10))
            taking = group.create_task(take(microphone, 8))
        return taking.result(), order

    frames, order = virtual_time.run(story())
    assert b"".join(frame.pcm for frame in frames)[: len(SOUND)] == SOUND
    assert frames[4].pcm == (b"\1\0" * 10).ljust(FRAME_BYTES, b"\0")
    assert frames[5].pcm == bytes(FRAME_BYTES)
    assert order == ["first", "second"]


def test_a_script_holds_ten_minutes() -> None:
    async def story() -> None:
        microphone = ScriptedMicrophone()
        with pytest.raises(ScriptFullError, match="600 s"):
            await microphone.say(bytes(2 * SAMPLE_RATE_HZ * 601))

    virtual_time.run(story())


# -- devices --------------------------------------------------------------------------------------


@needs_arecord
async def test_alsa_gives_what_the_device_captured(alsa_device: str) -> None:
    frames = await take(open_microphone(MicrophoneSection(source=f"alsa:{alsa_device}")), 6)
    assert b"".join(frame.pcm for frame in frames) == (SOUND * 2)[: 6 * FRAME_BYTES]


@needs_arecord
async def test_a_missing_alsa_device_is_a_clear_error() -> None:
    microphone = open_microphone(MicrophoneSection(source="alsa:nothing-here"))
    with pytest.raises(SoundDeviceError, match=r"alsa:nothing-here.*arecord -L.*--microphone"):
        await take(microphone, 1)


@needs_sounddevice
async def test_a_missing_portaudio_device_is_a_clear_error() -> None:
    microphone = open_microphone(MicrophoneSection(source="portaudio:nothing-here"))
    with pytest.raises(SoundDeviceError, match="portaudio"):
        await take(microphone, 1)


async def test_without_alsa_utils_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SoundDeviceError, match="install Debian's alsa-utils"):
        await take(open_microphone(MicrophoneSection(source="alsa")), 1)


@pytest.mark.parametrize("source", ["wav", "wav:", "jack", "alsa2:x"])
def test_an_unknown_source_is_a_clear_error(source: str) -> None:
    with pytest.raises(SoundDeviceError, match=r"no such source; use auto, portaudio"):
        open_microphone(MicrophoneSection(source=source))
