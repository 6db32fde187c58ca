"""The speaker port's promises, kept by each sink that can run here; and the sinks' own."""

import asyncio
import importlib.util
import io
import itertools
import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.satellite import CueName
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.settings import SpeakerSection
from antiphon_satellite.speak.aplay import AplaySpeaker
from antiphon_satellite.speak.cues import CUES, cue_pcm
from antiphon_satellite.speak.paced import PacedSpeaker, Sounded, wav_speaker
from antiphon_satellite.speak.sinks import open_speaker
from antiphon_satellite.speak.speaker import Speaker
from tests.support import virtual_time

SOUND = b"".join((n % 20_000 + 1).to_bytes(2, "little") for n in range(SAMPLE_RATE_HZ // 10))

needs_aplay = pytest.mark.skipif(
    shutil.which("aplay") is None, reason="aplay is not installed: apt install alsa-utils"
)
needs_sounddevice = pytest.mark.skipif(
    importlib.util.find_spec("sounddevice") is None, reason="pip install sounddevice"
)

Maker = Callable[[], tuple[Speaker, Callable[[], bytes]]]


@pytest.fixture
def alsa_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give ALSA a playback device `tape` that writes a file."""
    played = tmp_path / "played.raw"
    config = tmp_path / "asound.conf"
    config.write_text(
        f'pcm.tape {{ type file; slave.pcm "null"; file "{played}"; format "raw"; }}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"/usr/share/alsa/alsa.conf:{config}")
    return played


@pytest.fixture(params=["memory", "wav", "null", pytest.param("alsa", marks=needs_aplay)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Return a maker of one sink, and of what came out of it."""
    match request.param:
        case "memory":
            kept: list[Sounded] = []
            speaker = PacedSpeaker("memory", kept.append, speed=10.0)
            return lambda: (speaker, lambda: kept[-1].pcm)
        case "wav":
            return lambda: (
                open_speaker(SpeakerSection(sink=f"wav:{tmp_path / 'out'}")),
                lambda: frames_of(tmp_path / "out" / "reply.wav"),
            )
        case "null":
            return lambda: (open_speaker(SpeakerSection(sink="null")), lambda: SOUND)
        case _:
            played: Path = request.getfixturevalue("alsa_file")
            return lambda: (open_speaker(SpeakerSection(sink="alsa:tape")), played.read_bytes)


def frames_of(path: Path) -> bytes:
    with wave.open(io.BytesIO(path.read_bytes())) as reader:
        assert reader.getframerate() == SAMPLE_RATE_HZ
        return reader.readframes(reader.getnframes())


async def test_every_sink_sounds_all_samples_and_says_when(make: Maker) -> None:
    speaker, sounded = make()
    await speaker.check()
    began_us = now_us()
    async with speaker.open("reply", SAMPLE_RATE_HZ) as output:
        assert output.first_at_us == 0
        for at in range(0, len(SOUND), 640):
            await output.write(SOUND[at : at + 640])
        await output.drain()
        assert began_us <= output.first_at_us <= now_us()
        assert output.underruns == 0
    # A device may fill up its last block with silence.
    assert sounded().rstrip(b"\0") == SOUND.rstrip(b"\0")


async def test_every_sink_can_be_left_in_mid_sound_and_used_again(make: Maker) -> None:
    speaker, _ = make()
    loop = asyncio.get_running_loop()
    async with speaker.open("reply", SAMPLE_RATE_HZ) as output:
        await output.write(SOUND[:640])
    async with speaker.open("reply", SAMPLE_RATE_HZ) as output:
        began_s = loop.time()
        await output.drain()
    assert loop.time() - began_s < 1.0, "nothing of the first sound is left"


def test_a_paced_sink_keeps_time_and_counts_running_dry() -> None:
    kept: list[Sounded] = []

    async def story() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        speaker = PacedSpeaker("memory", kept.append)
        began_s = loop.time()
        async with speaker.open("reply", SAMPLE_RATE_HZ) as output:
            await output.write(SOUND)
            await asyncio.sleep(0.5)
            await output.write(SOUND)
            await output.drain()
            return loop.time() - began_s, output.underruns

    seconds, underruns = virtual_time.run(story())
    assert seconds == pytest.approx(0.6)
    assert underruns == 1
    assert kept == [Sounded(sound="reply", rate_hz=16_000, pcm=SOUND * 2, drained=True)]


def test_what_was_stopped_is_marked_so() -> None:
    kept: list[Sounded] = []

    async def story() -> None:
        async with PacedSpeaker("memory", kept.append).open("reply", SAMPLE_RATE_HZ) as output:
            await output.write(SOUND)

    virtual_time.run(story())
    assert [one.drained for one in kept] == [False]


@needs_aplay
async def test_a_missing_alsa_device_is_a_clear_error() -> None:
    speaker = open_speaker(SpeakerSection(sink="alsa:nothing-here"))

    with pytest.raises(SoundDeviceError, match=r"alsa:nothing-here.*aplay -L.*--speaker"):
        await speaker.check()


@needs_aplay
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_aplay_that_ends_before_anybody_looks_says_why(
    monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    new_loop = pytest.importorskip(loop).new_event_loop
    start = AplaySpeaker._start

    async def slowly(speaker: AplaySpeaker, rate_hz: int) -> asyncio.subprocess.Process:
        process = await start(speaker, rate_hz)
        await process.wait()  # asyncio's returns once the pipes are closed, too
        return process

    monkeypatch.setattr(AplaySpeaker, "_start", slowly)
    told = pytest.raises(SoundDeviceError, match=r"alsa:nothing-here.*aplay -L.*--speaker")
    with asyncio.Runner(loop_factory=new_loop) as runner, told:
        runner.run(AplaySpeaker("nothing-here").check())


@needs_sounddevice
async def test_a_missing_portaudio_device_is_a_clear_error() -> None:
    speaker = open_speaker(SpeakerSection(sink="portaudio:nothing-here"))
    with pytest.raises(SoundDeviceError, match="portaudio"):
        await speaker.check()


async def test_without_alsa_utils_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    speaker = open_speaker(SpeakerSection(sink="alsa"))
    with pytest.raises(SoundDeviceError, match="install Debian's alsa-utils"):
        await speaker.check()


@pytest.mark.parametrize("sink", ["wav", "wav:", "jack", "none"])
def test_an_unknown_sink_is_a_clear_error(sink: str) -> None:
    with pytest.raises(SoundDeviceError, match=r"no such sink; use auto, portaudio"):
        open_speaker(SpeakerSection(sink=sink))


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SoundDeviceError, match="cannot make the folder"):
        wav_speaker(tmp_path / "file" / "folder")


@pytest.mark.parametrize("cue", CUES)
def test_cues_are_short_soft_and_start_and_end_in_silence(cue: CueName) -> None:
    pcm = cue_pcm(cue)
    samples = [int.from_bytes(pcm[n : n + 2], "little", signed=True) for n in range(0, len(pcm), 2)]
    assert 0.05 < len(samples) / SAMPLE_RATE_HZ < 0.6
    assert 3000 < max(samples) <= 0.2 * 32767
    assert abs(samples[0]) < 100
    assert abs(samples[-1]) < 100
    assert max(abs(b - a) for a, b in itertools.pairwise(samples)) < 3000
