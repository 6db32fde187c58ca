"""A voice's own process: found missing, killed, stopped, told nonsense."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.errors import EngineError, EngineFailedError, EngineMissingError, ModelError
from antiphon_engines.tts import frames
from antiphon_engines.tts.espeak import EspeakEngine
from antiphon_engines.tts.host import HostedTts

MODULE = "antiphon_engines.tts.espeak_process"
LONG = "And so on, and so on. " * 80


@pytest.fixture
def espeak() -> EspeakEngine:
    return EspeakEngine.from_options({})


def speak(engine: HostedTts, text: str) -> bytes:
    return b"".join(engine.synthesize(text, language="en"))


def child_of(engine: HostedTts) -> "subprocess.Popen[bytes]":
    process = engine._process
    assert process is not None
    return process._child


def test_a_process_killed_while_it_speaks_is_said_and_replaced(espeak: EspeakEngine) -> None:
    pieces = iter(espeak.synthesize(LONG, language="en"))
    next(pieces)
    os.kill(child_of(espeak).pid, signal.SIGKILL)
    with pytest.raises(EngineFailedError, match="signal 9"):
        list(pieces)
    assert speak(espeak, "Back again.")
    espeak.close()


def test_a_process_that_died_while_idle_is_replaced_unseen(espeak: EspeakEngine) -> None:
    child = child_of(espeak)
    child.kill()
    child.wait()
    assert speak(espeak, "Back again.")
    espeak.close()


def test_the_process_ends_when_the_worker_is_gone(espeak: EspeakEngine) -> None:
    child = child_of(espeak)
    assert child.stdin
    child.stdin.close()
    assert child.wait(5) == 0
    espeak.close()


def test_closing_leaves_no_process(espeak: EspeakEngine) -> None:
    child = child_of(espeak)
    espeak.close()
    assert child.poll() is not None


def test_forgetting_an_engine_leaves_no_process() -> None:
    engine = EspeakEngine.from_options({})
    child = child_of(engine)
    del engine
    assert child.poll() is not None


def test_a_stopped_text_ends_at_once(espeak: EspeakEngine) -> None:
    whole = len(speak(espeak, LONG))
    pieces = espeak.synthesize(LONG, language="en")
    heard = len(next(iter(pieces)))
    del pieces
    child = child_of(espeak)
    assert len(speak(espeak, "Yes.")) < whole / 20
    assert heard < whole
    assert child_of(espeak) is child
    espeak.close()


def test_first_audio_comes_at_once(espeak: EspeakEngine) -> None:
    speak(espeak, "Warm.")
    waits_s = []
    for _ in range(10):
        begin_s = time.perf_counter()
        pieces = iter(espeak.synthesize("The kitchen light is on.", language="en"))
        next(pieces)
        waits_s.append(time.perf_counter() - begin_s)
        list(pieces)
    assert min(waits_s) < 0.005
    espeak.close()


def test_a_process_that_does_not_start_is_said() -> None:
    class Lonely(HostedTts):
        name = "lonely"

    with pytest.raises(EngineFailedError, match="ended with status"):
        Lonely("antiphon_engines.tts.no_such_module", {})


def test_an_engine_without_its_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "raise ImportError('No module named espeakng_loader')"
    (tmp_path / "espeakng_loader.py").write_text(text, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    monkeypatch.setenv("PYTHONPATH", path)
    with pytest.raises(EngineMissingError, match=r"pip install 'antiphon-hub\[espeak\]'"):
        EspeakEngine.from_options({})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"voice": "klingon"}, "no voice 'klingon'"),
        ({"voice": "en-us+nobody"}, "no variant 'nobody'"),
        ({"voice": "../../etc/passwd"}, "no voice"),
        ({"rate_wpm": 5}, "rate_wpm"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        EspeakEngine.from_options(options)


def test_options_change_the_voice() -> None:
    slow = EspeakEngine.from_options({"rate_wpm": 100})
    fast = EspeakEngine.from_options({"rate_wpm": 250, "voice": "en-gb", "pitch": 80})
    text = "The kitchen light is on."
    assert len(speak(slow, text)) > 1.5 * len(speak(fast, text))
    slow.close()
    fast.close()


def test_languages_choose_voices(espeak: EspeakEngine) -> None:
    german = b"".join(espeak.synthesize("eins zwei", language="de"))
    assert german != speak(espeak, "eins zwei")
    assert b"".join(espeak.synthesize("eins", language="de_CH"))
    with pytest.raises(ModelError, match="'xx'"):
        list(espeak.synthesize("eins", language="xx"))
    espeak.close()


def test_a_text_over_the_limit_is_refused(espeak: EspeakEngine) -> None:
    with pytest.raises(ModelError, match="split the text"):
        speak(espeak, "x" * 2001)
    espeak.close()


def test_the_worker_never_loads_the_library(espeak: EspeakEngine) -> None:
    speak(espeak, "Yes.")
    assert "espeakng_loader" not in sys.modules
    assert "espeak-ng" not in Path("/proc/self/maps").read_text(encoding="utf-8")
    espeak.close()


def reader(data: bytes) -> Callable[[int], bytes]:
    rest = bytearray(data)

    def read(size: int) -> bytes:
        if size > len(rest):
            raise EOFError
        some = bytes(rest[:size])
        del rest[:size]
        return some

    return read


def test_frames_travel_unchanged() -> None:
    for message in (frames.Open({"voice": "x"}), frames.Speak("a", "en", ""), frames.Stop()):
        assert frames.read_request(reader(frames.encode(message))) == message
    for answer in (
        frames.Opened(16_000, ("a",), ("en",)),
        frames.Audio(b"\1\2"),
        frames.Done(),
        frames.Refused("model", "no"),
        frames.Broken("ouch"),
    ):
        assert frames.read_answer(reader(frames.encode(answer))) == answer


@given(data=st.binary(max_size=64))
def test_any_bytes_give_a_frame_or_the_declared_error(data: bytes) -> None:
    for read in (frames.read_request, frames.read_answer):
        try:
            read(reader(data))
        except (EngineError, EOFError):
            continue
