"""`antiphon demo` as a process: the whole way of spoken commands, on real parts."""

import asyncio
import json
import os
import re
import signal
import sys
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from antiphon_engines.stt.pocketsphinx import PocketsphinxEngine
from antiphon_engines.stt.port import SttContext
from antiphon_protocol.wav import read_wav, write_wav
from antiphon_tools.demo.script import TOUR
from antiphon_tools.speech import command, say
from tests.support.house import a_voice, alive
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

KEYS = {
    *("file", "said", "room", "transcript", "intent", "slots", "reply", "outcome", "code"),
    *("timings", "reply_wav", "right"),
}
STAGES = {"endpoint", "recognise_engine", "ours", "synthesize_engine", "total"}


async def antiphon(*arguments: str, temporary: Path | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon_link", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})},
    )


async def run(*arguments: str) -> tuple[int | None, list[Mapping[str, Any]], str]:
    """Return the exit status, the JSON lines of standard output, and standard error."""
    process = await antiphon(*arguments)
    out, err = await process.communicate()
    assert "Traceback" not in err.decode()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


def family(pid: int) -> list[int]:
    parent = psutil.Process(pid)
    return [pid, *(child.pid for child in parent.children(recursive=True))]


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def voiced_s(path: Path) -> float:
    """Return how much of a WAV is louder than a hiss, seconds."""
    with wave.open(str(path)) as reader:
        assert reader.getsampwidth() == 2
        rate_hz = reader.getframerate()
        samples = memoryview(reader.readframes(reader.getnframes())).cast("h")
    step = rate_hz // 50
    blocks = [samples[at : at + step] for at in range(0, len(samples), step)]
    return sum(max(map(abs, block)) > 500 for block in blocks) / 50


DECOYS = (
    "the kitchen light is off",
    "the hall light is on",
    "the reading lamp is on",
    "it's the first of april",
    "sorry i didn't catch that",
)


def words_of(reply: str) -> str:
    return " ".join(re.findall(r"[a-z']+", reply.lower()))


def transcribed(path: Path, replies: Sequence[str]) -> str:
    """Return which of the replies, or of the decoys, a WAV says to a recogniser."""
    choices = {*map(words_of, replies), *DECOYS}
    grammar = f"#JSGF V1.0;\ngrammar replies;\npublic <reply> = {' | '.join(sorted(choices))};\n"
    engine = PocketsphinxEngine.from_options({})
    engine.load_context(SttContext(id="replies", language="en", grammar=grammar))
    stream = engine.open(language="en", context="replies")
    stream.feed(read_wav(path))
    best = stream.finish().best
    engine.close()
    return best.text if best else ""


def recordings(folder: Path, *texts: str) -> list[str]:
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"command {number}.wav"
        path.write_bytes(write_wav(command(text, a_voice())))
        paths.append(str(path))
    return paths


def options(paths: Sequence[str]) -> list[str]:
    return [word for path in paths for word in ("--wav", path)]


async def test_recordings_are_answered_one_after_the_other(tmp_path: Path) -> None:
    paths = recordings(tmp_path, "turn on the kitchen light", "what time is it")
    out = tmp_path / "replies"
    status, lines, err = await run(
        "demo", "--once", "--json", "--room", "hall", "--out", str(out), *options(paths)
    )
    assert status == 0, err
    assert [line["file"] for line in lines] == paths
    for line in lines:
        assert set(line) == KEYS
        assert (line["room"], line["outcome"], line["code"]) == ("hall", "answered", "")
        assert set(line["timings"]) >= STAGES
        assert line["reply"]
        assert voiced_s(Path(line["reply_wav"])) > 0.5
    replies = [line["reply"] for line in lines]
    for line in lines:
        assert transcribed(Path(line["reply_wav"]), replies) == words_of(line["reply"])
    assert lines[0]["transcript"].replace(" the ", " ") == "turn on kitchen light"
    assert lines[0]["intent"] == "HassTurnOn"
    assert lines[0]["slots"]["name"] == "kitchen light"
    assert lines[1]["intent"] == "HassGetCurrentTime"
    assert {path.name for path in out.iterdir()} == {
        "command 0.reply.wav",
        "command 1.reply.wav",
    }


async def test_the_tour_is_answered_in_every_room(tmp_path: Path) -> None:
    status, lines, err = await run("demo", "--once", "--json", "--out", str(tmp_path))
    assert [(line["room"], line["said"], line["intent"]) for line in lines] == [
        (one.room, one.said, one.intent) for one in TOUR
    ]
    assert all(line["right"] for line in lines), lines
    assert all(voiced_s(Path(line["reply_wav"])) > 0.3 for line in lines)
    assert status == 0, err


async def test_a_recording_without_wake_word_is_told_and_the_next_one_answered(
    tmp_path: Path,
) -> None:
    plain = tmp_path / "plain.wav"
    plain.write_bytes(write_wav(say("turn on the kitchen light", a_voice())))
    (called,) = recordings(tmp_path, "what time is it")
    status, lines, _ = await run("demo", "--once", "--json", *options([str(plain), called]))
    assert status == 1
    assert [(line["outcome"], line["code"]) for line in lines] == [
        ("failed", "no-wake"),
        ("answered", ""),
    ]
    assert lines[0]["file"] == str(plain)


async def test_a_bad_recording_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (good,) = recordings(tmp_path, "what time is it")
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    status, lines, err = await run("demo", "--once", "--json", *options([good, str(bad)]))
    assert status == 1
    assert not lines
    assert err.startswith("antiphon demo: ")
    assert "bad.wav" in err


async def test_a_home_with_mistakes_is_told_in_the_hubs_words(tmp_path: Path) -> None:
    home = tmp_path / "home.yaml"
    home.write_text("rooms: 7\n", encoding="utf-8")
    (good,) = recordings(tmp_path, "what time is it")
    status, lines, err = await run("demo", "--once", "--home", str(home), "--wav", good)
    assert status == 1
    assert not lines
    assert "home.yaml" in err
    assert err.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_nobody_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    process = await antiphon("demo", "--once", temporary=tmp_path)
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while not (await process.stderr.readline()).startswith(b"in the kitchen"):
            pass
    pids = family(process.pid)
    assert len(pids) >= 4, "demo, hub, broker, worker"
    os.kill(process.pid, number)
    async with asyncio.timeout(5):
        _, err = await process.communicate()
    assert b"Traceback" not in err
    assert process.returncode == (-number if number is signal.SIGKILL else 130)
    await eventually(lambda: not alive(pids), 2)
    if number is not signal.SIGKILL:
        assert not files_in(tmp_path)
