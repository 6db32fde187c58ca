"""Where a paired device connects, and when a device must be paired; whatever the network says."""

import asyncio
import stat
from pathlib import Path

import msgspec
import pytest

from antiphon_link import joining, membership, resolve
from antiphon_link.broker import BrokerAddress, BrokerSettings
from antiphon_link.errors import LinkRefusedError, NotFoundError, PairingError, SettingsError
from antiphon_link.joining import Newcomer, ensure_member
from antiphon_protocol.discovery import HubRecord
from antiphon_protocol.messages.pairing import Membership
from antiphon_protocol.version import VersionRange

MEMBER = Membership(
    hub="home",
    site="Home",
    username="satellite-shelf",
    password="secret",  # noqa: S106 - an example
    authority="PEM",
)


def shown(code: str) -> None:
    raise AssertionError(f"the code {code} is not needed")


SHELF = Newcomer(kind="satellite", device="shelf", room="hall")


def record(*, tls: bool = True, paired: bool = True, hub: str = "home") -> HubRecord:
    return HubRecord(
        hub=hub, site="Home", port=8883, tls=tls, protocol=VersionRange(1, 1), paired=paired
    )


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[HubRecord]:
    """The hubs that announce themselves; discovery itself is another test's business."""
    hubs: list[HubRecord] = []

    async def search(hub: str) -> tuple[BrokerAddress, HubRecord]:
        await asyncio.sleep(0)
        for one in hubs:
            if hub in ("", one.hub):
                return BrokerAddress(host="10.0.0.7", port=one.port, tls=one.tls), one
        raise NotFoundError("none")

    monkeypatch.setattr(resolve, "search", search)
    monkeypatch.setattr(joining, "search", search)
    return hubs


# -- where a member connects ----------------------------------------------------------------------


@pytest.mark.parametrize(("tls", "paired"), [(True, True), (False, False), (False, True)])
async def test_a_member_is_never_talked_out_of_tls(
    network: list[HubRecord], *, tls: bool, paired: bool
) -> None:
    network.append(record(tls=tls, paired=paired))
    address = await resolve.resolver(BrokerSettings(), MEMBER)()
    assert address.tls
    assert (address.authority, address.username) == ("PEM", "satellite-shelf")


async def test_a_member_looks_for_its_own_house(network: list[HubRecord]) -> None:
    network.append(record(hub="neighbours"))
    with pytest.raises(NotFoundError):
        await resolve.resolver(BrokerSettings(), MEMBER)()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (BrokerSettings(address="10.0.0.9"), ("10.0.0.9", 8883, True, "satellite-shelf")),
        (BrokerSettings(address="10.0.0.9:9"), ("10.0.0.9", 9, True, "satellite-shelf")),
        (BrokerSettings(address="localhost"), ("localhost", 1883, False, "")),
        (BrokerSettings(address="127.0.0.1:5"), ("127.0.0.1", 5, False, "")),
        (BrokerSettings(address="[::1]"), ("::1", 1883, False, "")),
        (BrokerSettings(address="10.0.0.9", username="me"), ("10.0.0.9", 1883, False, "me")),
        (
            BrokerSettings(address="127.0.0.1:5", tls=True),
            ("127.0.0.1", 5, True, "satellite-shelf"),
        ),
    ],
)
async def test_what_is_configured_comes_first(
    settings: BrokerSettings, expected: tuple[str, int, bool, str]
) -> None:
    address = await resolve.resolver(settings, MEMBER)()
    assert (address.host, address.port, address.tls, address.username) == expected


async def test_a_stranger_is_told_how_to_become_a_member(network: list[HubRecord]) -> None:
    network.append(record())
    with pytest.raises(LinkRefusedError, match="start this one with --pair CODE"):
        await resolve.resolver(BrokerSettings())()
    account = BrokerSettings(username="me", password="x")  # noqa: S106 - no secret
    assert (await resolve.resolver(account)()).username == "me"


# -- when a device must be paired -----------------------------------------------------------------


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes with which pairing was begun; the exchange itself is another test's business."""
    codes: list[str] = []

    async def join(*_: object, code: str, show: object) -> Membership:
        await asyncio.sleep(0)
        codes.append(code)
        return MEMBER

    monkeypatch.setattr("antiphon_link.pairing.join", join)
    return codes


async def test_a_hub_that_wants_it_makes_a_device_pair_once(
    network: list[HubRecord], joined: list[str], tmp_path: Path
) -> None:
    network.append(record())
    for _ in range(2):
        await ensure_member(BrokerSettings(), tmp_path, SHELF, "", shown)
    assert joined == [""]
    assert membership.load(tmp_path, "satellite", "shelf") == MEMBER
    assert membership.load(tmp_path, "satellite", "hall") is None
    kept = tmp_path / "house.satellite-shelf.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_a_code_makes_a_member_pair_again(
    network: list[HubRecord], joined: list[str], tmp_path: Path
) -> None:
    membership.save(tmp_path, MEMBER)
    await ensure_member(BrokerSettings(), tmp_path, SHELF, "4782 9131", shown)
    await ensure_member(BrokerSettings(address="10.0.0.7"), tmp_path, SHELF, "show", shown)
    assert joined == ["47829131", ""]


async def test_an_open_house_or_none_or_an_account_wants_no_pairing(
    network: list[HubRecord], joined: list[str], tmp_path: Path
) -> None:
    await ensure_member(BrokerSettings(), tmp_path, SHELF, "", shown)
    network.append(record(paired=False))
    await ensure_member(BrokerSettings(), tmp_path, SHELF, "", shown)
    await ensure_member(BrokerSettings(address="localhost"), tmp_path, SHELF, "", shown)
    account = BrokerSettings(username="me", password="x")  # noqa: S106 - no secret
    await ensure_member(account, tmp_path, SHELF, "", shown)
    assert joined == []


async def test_what_is_no_code_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(PairingError, match=r"--pair: a code has 8 digits"):
        await ensure_member(BrokerSettings(), tmp_path, SHELF, "1234", shown)


# -- what is kept ---------------------------------------------------------------------------------


def test_a_damaged_membership_is_named(tmp_path: Path) -> None:
    path = tmp_path / "house.satellite-shelf.json"
    for damaged in (b"", b"{}", b"\xff", msgspec.json.encode({"hub": 1})):
        path.write_bytes(damaged)
        with pytest.raises(SettingsError, match="pair again"):
            membership.load(tmp_path, "satellite", "shelf")


def test_a_device_keeps_its_serial(tmp_path: Path) -> None:
    first = membership.serial(tmp_path / "state")
    assert membership.serial(tmp_path / "state") == first
    assert membership.serial(tmp_path / "other") != first
    (tmp_path / "state" / "serial").write_text("no slug!")
    assert membership.serial(tmp_path / "state") != first
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError):
        membership.serial(tmp_path / "file")
