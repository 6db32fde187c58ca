"""A real house: what is told to other rooms is heard there in the voice that spoke it."""

from pathlib import Path

import numpy as np
import pytest

from antiphon_satellite.machine import State
from antiphon_tools import speech
from tests.support.house import a_voice, open_house
from tests.support.waiting import eventually
from tests.support.worker_world import quiet

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

ALIKE = 0.9
"""Correlation of a recording with itself, made louder and with soft ends."""


def likeness(heard: bytes, spoken: bytes) -> float:
    """Return how well the one fits the other, wherever it lies in it: 1 is the same."""
    one, other = (np.frombuffer(pcm, dtype="<i2").astype(float) for pcm in (heard, spoken))
    size = len(one) + len(other)
    product = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)
    norm = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    return float(np.max(np.abs(product)) / norm)


async def test_dinner_is_announced_by_who_cooked_it(tmp_path: Path) -> None:
    said = speech.say("tell everyone dinner is ready", a_voice())
    async with (
        open_house(tmp_path) as house,
        house.room("kitchen") as kitchen,
        house.room("office") as office,
    ):
        spoken = await kitchen.speak(quiet(0.4) + said + quiet(3.0), press_button=True)
        assert spoken.reply, house.hub.log
        await eventually(lambda: office.sounds)
        (heard,) = office.sounds
        assert heard.rate_hz == 16_000
        assert likeness(heard.pcm, said) > ALIKE
        assert likeness(spoken.reply, said) < ALIKE / 2, "the house itself has another voice"


async def test_two_rooms_talk(tmp_path: Path) -> None:
    call, message, answer = (
        speech.say(text, a_voice())
        for text in ("call the office", "are you coming down", "in five minutes")
    )
    async with (
        open_house(tmp_path) as house,
        house.room("kitchen") as kitchen,
        house.room("office") as office,
        house.facts() as facts,
    ):
        kitchen.press()
        await kitchen.say(quiet(0.4) + call)
        (asked,) = await eventually(lambda: facts.ended("kitchen"), 60.0)
        assert asked.reply == "What shall I tell the office?", asked
        await kitchen.wait_until(lambda: kitchen.state is State.LISTENING)
        await kitchen.say(quiet(0.3) + message)
        await office.wait_until(lambda: office.state is State.LISTENING)
        assert likeness(office.sounds[0].pcm, message) > ALIKE
        await office.say(quiet(0.3) + answer)
        await eventually(lambda: likeness(kitchen.sounds[-1].pcm, answer) > ALIKE, 60.0)
        assert [one.sound for one in office.sounds if one.sound.startswith("cue")] == []
