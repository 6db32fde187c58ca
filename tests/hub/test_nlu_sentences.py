"""What people say in the example home: one line of sentences.yaml each."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from antiphon_hub.nlu.interpreter import Interpretation
from tests.support.example_home import house

LINES = yaml.safe_load(Path(__file__).with_name("sentences.yaml").read_text(encoding="utf-8"))


def _slots(text: str) -> dict[str, Any]:
    if text == "-":
        return {}
    pairs = (pair.split("=") for pair in (text.split(";") if ";" in text else text.split()))
    return {name: int(value) if value.lstrip("-").isdigit() else value for name, value in pairs}


@pytest.mark.parametrize(("room", "line"), [next(iter(line.items())) for line in LINES])
def test_it_means_what_it_should(room: str, line: str) -> None:
    text, wanted, slots, devices = (part.strip() for part in line.split("|"))
    found = house().interpret(text, room=room)
    if not isinstance(found, Interpretation):
        assert (found.code, bool(found.say)) == (wanted, True)
        return
    assert found.intent == wanted
    assert found.slots == _slots(slots)
    assert list(found.devices) == ([] if devices == "-" else devices.split())


def test_there_are_enough_of_them() -> None:
    assert len(LINES) >= 150
