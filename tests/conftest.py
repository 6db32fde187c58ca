"""Fixtures for all tests, and hypothesis without chance: a failure here is one everywhere."""

import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.mosquitto import Broker, binary, mosquitto

settings.register_profile(
    "antiphon",
    deadline=None,  # the machine may be busy; pytest-timeout watches
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("antiphon"), max_examples=25)
settings.load_profile("antiphon")


@pytest.fixture
def needs_mosquitto() -> None:
    """Skip where Mosquitto is not installed; in CI that is a failure."""
    if binary() is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is not installed: apt install mosquitto")
        pytest.skip("mosquitto is not installed: apt install mosquitto")


@pytest.fixture
async def broker(tmp_path: Path, needs_mosquitto: None) -> AsyncIterator[Broker]:
    """Run a fresh Mosquitto on a free port of the loopback interface; it accepts connections."""
    async with mosquitto(tmp_path) as one:
        yield one


def pytest_collection_finish() -> None:
    """Let the collector leave alone what lasts: looking through ten thousand tests takes long."""
    gc.collect()
    gc.freeze()
