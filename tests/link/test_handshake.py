"""The key exchange of pairing, and the code it begins with."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_link.errors import PairingError
from antiphon_link.handshake import DeviceSide, HubSide
from antiphon_protocol.errors import DecodeError
from antiphon_protocol.messages.pairing import Membership, PairHello
from antiphon_protocol.pairing_code import label_of, new_code, parse_code, shown
from tests.support.examples import examples

CODE = "47829131"
KITCHEN: dict[str, Any] = {"kind": "satellite", "device": "kitchen", "serial": "device-1"}
MEMBERSHIP = Membership(
    hub="home", site="Home", username="satellite-kitchen", password="x" * 32, authority="PEM"
)


def hello(share: bytes, **changes: Any) -> PairHello:
    return PairHello(label=label_of(CODE), share=share, **{**KITCHEN, **changes})


def test_who_has_the_code_gets_the_membership() -> None:
    device = DeviceSide(CODE, **KITCHEN)
    hub = HubSide(CODE, hello(device.share))
    assert hub.accepts(device.prove(hub.share))
    assert device.open(hub.seal(MEMBERSHIP, "pair-1"), "pair-1") == MEMBERSHIP


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("47829132", {}),
        (CODE, {"device": "hall"}),
        (CODE, {"kind": "worker"}),
        (CODE, {"serial": "device-2"}),
    ],
)
def test_another_code_or_another_device_has_another_key(code: str, changes: dict[str, Any]) -> None:
    device = DeviceSide(code, **KITCHEN)
    hub = HubSide(CODE, hello(device.share, **changes))
    assert not hub.accepts(device.prove(hub.share))
    with pytest.raises(PairingError, match="not from who has the code"):
        device.open(hub.seal(MEMBERSHIP, "pair-1"), "pair-1")


def test_what_was_sealed_is_for_one_exchange_and_unchanged() -> None:
    device = DeviceSide(CODE, **KITCHEN)
    hub = HubSide(CODE, hello(device.share))
    device.prove(hub.share)
    sealed = hub.seal(MEMBERSHIP, "pair-1")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for wrong, request in ((sealed, "pair-2"), (changed, "pair-1"), (b"", "pair-1")):
        with pytest.raises(PairingError):
            device.open(wrong, request)
    assert MEMBERSHIP.password.encode() not in sealed


def test_our_own_share_reflected_is_none() -> None:
    device = DeviceSide(CODE, **KITCHEN)
    with pytest.raises(PairingError):
        device.prove(device.share)


@settings(max_examples=examples(30), deadline=None)
@given(st.binary(min_size=1, max_size=64))
def test_a_share_that_is_none_is_a_declared_error_or_opens_nothing(share: bytes) -> None:
    for damaged in (share, b"A" + share, b"B" + share, b"A" + bytes(32), b"B" + bytes(32)):
        device = DeviceSide(CODE, **KITCHEN)
        try:
            hub = HubSide(CODE, hello(damaged))
        except PairingError:
            continue
        with contextlib.suppress(PairingError):  # a random point may lie on the curve
            assert not hub.accepts(device.prove(damaged))
        assert not hub.accepts(bytes(32))


def test_what_is_no_point_is_refused_by_both() -> None:
    for damaged in (b"A", b"B" + bytes(5), b"A" + b"\xff" * 32, b"C" + bytes(32)):
        with pytest.raises(PairingError):
            DeviceSide(CODE, **KITCHEN).prove(damaged)
        with pytest.raises(PairingError):
            HubSide(CODE, hello(damaged))


def test_the_wire_binds_what_it_must() -> None:
    device = DeviceSide(CODE, **KITCHEN)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(hello(device.share)), type=PairHello)
    assert HubSide(CODE, again).accepts(device.prove(HubSide(CODE, again).share)) is False
    hub = HubSide(CODE, again)
    fresh = DeviceSide(CODE, **KITCHEN)
    assert not hub.accepts(fresh.prove(hub.share)), "a proof is of one exchange"


@pytest.mark.parametrize("typed", ["47829131", "4782 9131", " 4782-9131\n", "47.82.91.31"])
def test_a_code_may_be_typed_as_people_do(typed: str) -> None:
    assert parse_code(typed) == CODE


@pytest.mark.parametrize("typed", ["", "4782913", "478291311", "4782913a", "४७८२९१३१", "--------"])
def test_what_is_no_code(typed: str) -> None:
    with pytest.raises(DecodeError, match="8 digits"):
        parse_code(typed)


def test_new_codes_are_codes_and_differ() -> None:
    codes = {new_code() for _ in range(50)}
    assert len(codes) > 45
    assert all(parse_code(shown(code)) == code for code in codes)
