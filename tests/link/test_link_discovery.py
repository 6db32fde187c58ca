import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon_link import discovery, resolve
from antiphon_link.broker import BrokerAddress, BrokerSettings
from antiphon_link.discovery import FoundHub, announced, find_hub
from antiphon_link.errors import LinkDownError, LinkRefusedError, NotFoundError
from antiphon_protocol.discovery import HubRecord
from antiphon_protocol.version import OURS, VersionRange
from tests.support import netns
from tests.support.mosquitto import binary, free_port

LOOPBACK = ["127.0.0.1"]
ROOT = Path(__file__).parents[2]


def record(port: int = 1883, protocol: VersionRange = OURS) -> HubRecord:
    return HubRecord(
        hub="house", site="Haus", port=port, tls=True, protocol=protocol, fingerprint="ab" * 32
    )


async def test_a_hub_is_found_as_it_announced_itself() -> None:
    async with announced(record(), ["192.0.2.7", "2001:db8::7"], LOOPBACK):
        found = await find_hub(interfaces=LOOPBACK)
    assert found == FoundHub(record(), ("192.0.2.7", "2001:db8::7"))


async def test_no_hub_is_an_error_with_a_remedy() -> None:
    with pytest.raises(NotFoundError) as error:
        await find_hub(timeout_s=0.2, interfaces=LOOPBACK)
    assert "no hub answered within 0.2 s" in str(error.value)
    assert "antiphon hub --lan" in str(error.value)
    assert "--broker HOST:PORT" in str(error.value)


async def test_a_hub_that_left_is_not_found() -> None:
    async with announced(record(), ["192.0.2.7"], LOOPBACK):
        await find_hub(interfaces=LOOPBACK)
    with pytest.raises(NotFoundError):
        await find_hub(timeout_s=0.3, interfaces=LOOPBACK)


@pytest.mark.slow
async def test_a_damaged_record_hides_no_good_one(caplog: pytest.LogCaptureFixture) -> None:
    class Damaged(HubRecord, frozen=True, kw_only=True):
        def txt(self) -> dict[str, str]:
            return {"hub": "IN CAPITALS"}

    bad = Damaged(hub="bad", site="", port=1, tls=False, protocol=OURS)
    async with announced(bad, ["192.0.2.8"], LOOPBACK):
        with pytest.raises(NotFoundError):
            await find_hub(timeout_s=1.0, interfaces=LOOPBACK)
        assert "not an Antiphon service record" in caplog.text
        async with announced(record(), ["192.0.2.7"], LOOPBACK):
            assert (await find_hub(interfaces=LOOPBACK)).record.hub == "house"


# -- which address ------------------------------------------------------------------------------


@asynccontextmanager
async def listener() -> AsyncIterator[int]:
    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[FoundHub]:
    """What discovery finds; the network is the other tests' business."""
    hubs: list[FoundHub] = []

    async def find(*, hub: str = "") -> FoundHub:
        return hubs[0]

    monkeypatch.setattr("antiphon_link.discovery.find_hub", find)
    return hubs


async def test_a_configured_address_asks_nobody() -> None:
    resolved = await resolve.resolver(BrokerSettings(address="box:1884", username="me"))()
    assert resolved == BrokerAddress(host="box", port=1884, username="me")


async def test_the_first_address_that_answers_is_taken(found: list[FoundHub]) -> None:
    async with listener() as port:
        # 127.0.0.2 is this machine, too, but nobody listens there.
        found.append(FoundHub(record(port), ("127.0.0.2", "127.0.0.1")))
        resolved = await resolve.resolver(BrokerSettings(username="me"))()
    assert resolved == BrokerAddress(host="127.0.0.1", port=port, username="me", tls=True)


async def test_a_hub_whose_broker_answers_nowhere_is_named(found: list[FoundHub]) -> None:
    port = free_port()
    found.append(FoundHub(record(port), ("127.0.0.1", "127.0.0.2")))
    with pytest.raises(LinkDownError, match=f"none of 127.0.0.1, 127.0.0.2, port {port}"):
        await resolve.resolver(BrokerSettings())()


async def test_a_hub_of_another_age_is_refused(found: list[FoundHub]) -> None:
    found.append(FoundHub(record(protocol=VersionRange(7, 9)), ("127.0.0.1",)))
    with pytest.raises(LinkRefusedError, match=r"hub house: .* update this program"):
        await resolve.resolver(BrokerSettings())()


# -- two machines ---------------------------------------------------------------------------------


@pytest.fixture
def machines() -> Iterator[tuple[netns.Machine, netns.Machine]]:
    reason = netns.why_not() or (None if binary() else "mosquitto is not installed")
    if reason is not None:
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(f"must run in CI: {reason}")
        pytest.skip(reason)
    with netns.two_machines() as both:
        yield both


@pytest.mark.system
async def test_a_program_on_another_machine_finds_the_house_unconfigured(
    machines: tuple[netns.Machine, netns.Machine], tmp_path: Path
) -> None:
    home, room = machines
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {port} {home.address}\nallow_anonymous true\nset_tcp_nodelay true\n"
    )
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
    assert mosquitto is not None
    # A container's address comes first, as it may in a real house: nobody can reach it.
    addresses = ["127.0.0.1", home.address]
    broker = subprocess.Popen(  # noqa: ASYNC220 - a fork, over at once
        home.command(mosquitto, "-c", str(config)), stderr=subprocess.DEVNULL
    )
    hub = await asyncio.create_subprocess_exec(
        *home.command(sys.executable, "-m", "tests.link.announcer", str(port), *addresses),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert hub.stdin is not None
        assert hub.stdout is not None
        assert await hub.stdout.readline() == b"announced\n"
        finder = await asyncio.create_subprocess_exec(
            *room.command(sys.executable, "-m", "tests.link.finder"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await asyncio.wait_for(finder.communicate(), 30)
        assert (finder.returncode, said) == (0, b"found you\n"), complained.decode()
        hub.stdin.close()
        assert await asyncio.wait_for(hub.wait(), 10) == 0
    finally:
        broker.terminate()
        broker.wait(timeout=10)
        if hub.returncode is None:
            hub.kill()
            await hub.wait()


def test_looking_for_a_hub_takes_no_longer_than_a_reconnect_may() -> None:
    assert discovery.FIND_TIMEOUT_S <= 5.0
