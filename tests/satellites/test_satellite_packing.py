"""How each stream travels: as is wanted, where everybody takes it, and why not."""

import logging

import pytest

from antiphon_codecs.codecs import OPUS, PCM
from antiphon_codecs.errors import CodecMissingError
from antiphon_codecs.opus import OpusMaker
from antiphon_codecs.pcm import PcmMaker
from antiphon_protocol.messages.satellite import Fault
from antiphon_satellite import packing
from antiphon_satellite.packing import Packing


class House:
    def __init__(self) -> None:
        self.wanted = OPUS
        self.taken: tuple[str, ...] = (OPUS,)
        self.told: list[Fault] = []
        self.packing = Packing(lambda: self.wanted, lambda: self.taken, self.told.append)


def test_it_travels_as_is_wanted_where_all_take_it() -> None:
    house = House()
    assert isinstance(house.packing.maker(), OpusMaker)
    house.wanted = PCM
    assert isinstance(house.packing.maker(), PcmMaker)
    assert not house.told


def test_a_house_that_cannot_take_it_gets_pcm_and_a_reason_once_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House()
    house.taken = ()
    with caplog.at_level(logging.WARNING):
        assert [house.packing.codec() for _ in range(3)] == [PCM, PCM, PCM]
        assert [fault.code for fault in house.told] == ["codec"]
        assert "cannot take opus" in house.told[0].text
        house.taken = (OPUS,)
        assert house.packing.codec() == OPUS
        house.taken = ()
        assert house.packing.codec() == PCM
    assert len(house.told) == len(caplog.records) == 2


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packing, "missing", lambda: CodecMissingError("no Opus here", "apt install libopus0")
    )
    house = House()
    assert isinstance(house.packing.maker(), PcmMaker)
    assert "apt install libopus0" in house.told[0].text
