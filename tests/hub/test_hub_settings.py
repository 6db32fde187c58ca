"""The hub's settings: what a room has of its own."""

import msgspec
import pytest

from antiphon_hub.settings import Settings
from antiphon_protocol.messages.work import Endpointing

LISTENING = {
    "silence_s": 0.6,
    "limit_s": 12.0,
    "rooms": {
        "Living Room": {"silence_s": 0.9, "no_speech_s": 8.0},
        "kitchen": {"complete_silence_s": 0.4},
    },
}


@pytest.mark.parametrize(
    ("room", "numbers"),
    [
        ("bath", (0.6, 0.25, 5.0)),
        ("living room", (0.9, 0.25, 8.0)),
        ("living-room", (0.9, 0.25, 8.0)),
        ("Kitchen", (0.6, 0.4, 5.0)),
        ("", (0.6, 0.25, 5.0)),
    ],
)
def test_a_room_has_numbers_of_its_own(room: str, numbers: tuple[float, ...]) -> None:
    settings = msgspec.convert({"listening": LISTENING}, Settings)
    found = settings.listening.endpointing(room)
    assert (found.silence_s, found.complete_silence_s, found.no_speech_s) == numbers
    assert found.limit_s == 12.0


def test_without_settings_the_numbers_are_the_protocols() -> None:
    assert Settings().listening.endpointing("kitchen") == Endpointing()


def test_a_misspelled_number_is_refused() -> None:
    rooms = {"kitchen": {"silence": 0.9}}
    with pytest.raises(msgspec.ValidationError, match=r"silence.*rooms"):
        msgspec.convert({"listening": {"rooms": rooms}}, Settings)
