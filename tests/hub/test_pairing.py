"""Pairing at the hub: windows, tries, who is let in and who is not; on a real file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.devices import Device, Devices
from antiphon_hub.identity.pairing import GRACE_S, House, Pairing
from antiphon_hub.identity.rights import Account
from antiphon_hub.identity.window import TRIES
from antiphon_link.handshake import DeviceSide
from antiphon_protocol.messages.pairing import (
    Membership,
    PairGranted,
    PairHello,
    PairProof,
    PairRefused,
    PairShare,
)
from antiphon_protocol.pairing_code import label_of
from antiphon_protocol.topic import Role

CODE = "47829131"
WRONG = "47829132"


class World:
    def __init__(self, folder: Path) -> None:
        self.now_s = 1.7e9
        self.told: list[bool] = []
        self.log: list[tuple[str, str, str]] = []
        self.file = folder / "devices.sqlite"
        self.devices = Devices(self.file, clock=self.clock)
        self.pairing = self.another()
        self._requests = 0

    def another(self) -> Pairing:
        """What another program has that uses the same file."""
        return Pairing(
            Devices(self.file, clock=self.clock),
            House(hub="home", site="Home", authority="PEM"),
            tell_broker=self.told.append,
            clock=self.clock,
            audit=lambda *entry: self.log.append(entry),
        )

    def clock(self) -> float:
        return self.now_s

    def come(
        self, code: str, device: str = "kitchen", serial: str = "one"
    ) -> Membership | PairRefused:
        """A satellite with this code asks to be let in."""
        self._requests += 1
        request = f"pair-{self._requests}"
        side = DeviceSide(code, "satellite", device, serial)
        hello = PairHello(
            kind="satellite",
            device=device,
            serial=serial,
            label=label_of(code),
            room="kitchen",
            share=side.share,
        )
        answer = self.pairing.hello(request, hello)
        if isinstance(answer, PairRefused):
            return answer
        assert isinstance(answer, PairShare)
        proof = PairProof(proof=side.prove(answer.share))
        end = self.pairing.proof(request, proof)
        return side.open(end.sealed, request) if isinstance(end, PairGranted) else end


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.devices.close()


def code_of(answer: Membership | PairRefused) -> str:
    return answer.code if isinstance(answer, PairRefused) else "granted"


def test_without_a_window_nobody_comes_in(world: World) -> None:
    assert code_of(world.come(CODE)) == "closed"
    assert not world.pairing.state().is_open


def test_one_device_comes_in_and_the_window_is_closed(world: World) -> None:
    code = world.pairing.open(5, by="Ada")
    assert world.pairing.state().code == code
    assert world.told[-1], "the broker knows the account for pairing"
    came = world.come(code)
    assert isinstance(came, Membership)
    assert (came.username, came.authority) == ("satellite-kitchen", "PEM")
    assert [device.id for device in world.pairing.devices()] == ["satellite-kitchen"]
    assert world.pairing.state().outcome == "satellite-kitchen was let in"
    assert world.pairing.state().code == ""
    assert code_of(world.come(code, "hall", "two")) == "closed"
    assert world.told[-1], "the answer has yet to be read"
    world.now_s += GRACE_S
    world.pairing.refresh()
    assert not world.told[-1]
    assert not any(came.password in str(entry) for entry in world.log)


def test_the_code_that_the_device_shows_will_do_too(world: World) -> None:
    assert world.pairing.open(5, "4782 9131") == CODE
    assert code_of(world.come(CODE)) == "granted"


@pytest.mark.parametrize("typed", ["12345", "x", "4782 913l"])
def test_what_is_no_code_opens_nothing(world: World, typed: str) -> None:
    with pytest.raises(IdentityError, match="8 digits"):
        world.pairing.open(5, typed)
    assert not world.pairing.state().is_open


def test_guessing_closes_the_window(world: World) -> None:
    world.pairing.open(5, CODE)
    assert [code_of(world.come(WRONG)) for _ in range(TRIES)] == ["wrong-code"] * TRIES
    assert code_of(world.come(CODE)) == "closed"
    assert world.pairing.state().outcome == "closed: the code was wrong too often"
    assert not world.told[-1]


def test_who_never_proves_uses_up_tries_too(world: World) -> None:
    world.pairing.open(5, CODE)
    for number in range(TRIES):
        share = DeviceSide(WRONG, "satellite", "x", "y").share
        hello = PairHello(kind="satellite", device="x", serial="y", label="47", share=share)
        assert isinstance(world.pairing.hello(f"r{number}", hello), PairShare)
    assert code_of(world.come(CODE)) == "closed"


def test_a_device_with_another_code_costs_no_try(world: World) -> None:
    world.pairing.open(5, CODE)
    for _ in range(TRIES + 1):
        assert code_of(world.come("11111111")) == "other-code"
    assert code_of(world.come(CODE)) == "granted"


def test_the_window_ends_by_itself(world: World) -> None:
    world.pairing.open(5, CODE)
    world.now_s += 300
    assert not world.pairing.state().is_open
    assert code_of(world.come(CODE)) == "closed"
    world.pairing.refresh()
    assert world.pairing.state().outcome == "nobody came in time"
    assert not world.told[-1]


def test_a_new_window_forgets_the_old_code(world: World) -> None:
    world.pairing.open(5, CODE)
    world.pairing.open(5, "47000000")
    assert code_of(world.come(CODE)) == "wrong-code"
    world.pairing.close(by="Ada")
    assert code_of(world.come("47000000")) == "closed"


def test_the_same_device_may_come_again_and_its_old_password_ends(world: World) -> None:
    passwords = set()
    for _ in range(2):
        world.pairing.open(5, CODE)
        came = world.come(CODE)
        assert isinstance(came, Membership)
        passwords.add(came.password)
    assert len(passwords) == 2
    assert len(world.pairing.devices()) == 1


def test_another_device_of_that_id_is_told_so(world: World) -> None:
    world.pairing.open(5, CODE)
    world.come(CODE)
    world.pairing.open(5, CODE)
    refused = world.come(CODE, serial="two")
    assert isinstance(refused, PairRefused)
    assert refused.code == "taken"
    assert "another satellite is called kitchen (room kitchen)" in refused.text
    assert world.pairing.revoke("satellite-kitchen", by="Ada")
    world.pairing.open(5, CODE)
    assert code_of(world.come(CODE, serial="two")) == "granted"


def test_what_another_program_does_is_noticed(world: World) -> None:
    world.pairing.open(5, CODE)
    world.come(CODE)
    world.now_s += GRACE_S
    world.pairing.refresh()
    told = len(world.told)
    assert world.pairing.refresh() == []
    assert len(world.told) == told, "nothing changed"
    elsewhere = world.another()
    elsewhere.open(5, CODE)
    world.pairing.refresh()
    assert world.told[told:], "the window is open now"
    elsewhere.revoke("satellite-kitchen")
    gone = world.pairing.refresh()
    assert gone == [Account(role=Role.SATELLITE, id="kitchen")]


def test_a_program_gets_an_account_without_a_code(world: World) -> None:
    account = Account(role=Role.ANYONE, id="node-red", outside=("zigbee2mqtt/#",))
    made = world.pairing.add_program(account, by="Ada")
    assert made.username == "anyone-node-red"
    assert ("Ada", "let in", "anyone-node-red") in world.log
    assert not world.pairing.revoke("anyone-nodered")


def test_a_browser_is_let_in_by_the_console_and_takes_nobodys_place(world: World) -> None:
    world.pairing.open(5, CODE)
    world.come(CODE)
    kitchen = Device(account=Account(role=Role.SATELLITE, id="kitchen"), serial="one")
    with pytest.raises(IdentityError, match="another satellite is called kitchen"):
        world.pairing.admit(kitchen, by="Eve")
    phone = Device(account=Account(role=Role.SATELLITE, id="phone"), serial="two")
    first = world.pairing.admit(phone, by="Ada")
    again = world.pairing.admit(phone, by="Ada")
    assert (first.username, first.password != again.password) == ("satellite-phone", True)
    network = world.devices.password_lines(browsers=False)
    assert "satellite-kitchen:" in network
    assert "satellite-phone:" not in network, "from the network it stays outside"
    assert world.devices.password_lines(browsers=True).startswith("satellite-phone:")
