"""A house in the network: devices are paired over TLS, and put out again; by real programs."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Delivery
from antiphon_link.errors import LinkDownError, LinkRefusedError
from antiphon_link.mqtt import connect
from antiphon_protocol.pairing_code import shown
from tests.support import netns
from tests.support.house import START_S, House, Program, open_house, satellite_settings
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

IN_THE_NETWORK = {"workers": {"local": 0}, "mosquitto": {"lan": True}}


def port_of(house: House) -> int:
    fact = msgspec.json.decode((house.state_dir / "hub.json").read_bytes())
    return int(fact["port"])


def device_settings(house: House, name: str, kind: str) -> str:
    """Settings of a device that reaches the hub as from another machine: with TLS."""
    address = f"127.0.0.1:{port_of(house)}"
    tree: dict[str, Any] = satellite_settings(address, name)
    if kind == "worker":
        tree = {"broker": {"address": address}, "worker": {"id": name}}
        tree["engines"] = {"stt": ["fake"], "tts": ["fake"], "wake": [], "vad": "energy"}
    tree["broker"]["tls"] = True
    section: dict[str, Any] = tree[kind]
    section["state_dir"] = str(house.folder / f"{kind}-{name}")
    return house.config(f"{kind}-{name}", tree)


async def devices(house: House, *arguments: str) -> tuple[int | None, str]:
    """Run `antiphon devices`; returns its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon_link", "devices", *arguments),
        *("--config", str(house.folder / "hub.toml"), "--state-dir", str(house.state_dir)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(START_S):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


async def shows_a_code(device: Program) -> str:
    await eventually(lambda: "devices pair" in device.log, START_S)
    found = re.search(r"devices pair (\d{8})", device.log)
    assert found is not None
    return found[1]


def membership(house: House, kind: str, name: str) -> Mapping[str, Any]:
    path = house.folder / f"{kind}-{name}" / f"house.{kind}-{name}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    kept: Mapping[str, Any] = msgspec.json.decode(path.read_bytes())
    return kept


async def test_a_satellite_is_let_in_by_its_code_and_put_out_again(tmp_path: Path) -> None:
    async with open_house(tmp_path, IN_THE_NETWORK) as house, house.facts() as facts:
        config = device_settings(house, "shelf", "satellite")
        satellite = await house.program("satellite", "--config", config, "--pair", "show")
        code = await shows_a_code(satellite)
        assert await devices(house, "pair", shown(code)) == (
            0,
            "Waiting for it. Ctrl-C closes pairing again.\nsatellite-shelf was let in\n",
        )
        await eventually(lambda: "SatelliteJoined" in str(facts.events), START_S)
        password = membership(house, "satellite", "shelf")["password"]
        assert "satellite-shelf" in (await devices(house, "list"))[1]

        await satellite.end()
        again = await house.program("satellite", "--config", config)
        await eventually(lambda: str(facts.events).count("SatelliteJoined") == 2, START_S)

        assert (await devices(house, "revoke", "satellite-shelf"))[0] == 0
        async with asyncio.timeout(START_S):
            assert await again.process.wait() == 1
        assert "was revoked: pair it again" in again.log
        await eventually(lambda: "reason='lost'" in str(facts.events), START_S)
        assert not [secret for secret in (code, password) if secret in house.hub.log]
        assert "Traceback" not in house.logs


async def test_a_worker_is_let_in_by_the_hubs_code(tmp_path: Path) -> None:
    async with open_house(tmp_path, IN_THE_NETWORK) as house:
        opening = await house.program(
            *("devices", "pair", "--config", str(house.folder / "hub.toml")),
            *("--state-dir", str(house.state_dir)),
        )
        await eventually(lambda: "--pair" in opening.log, START_S)
        found = re.search(r'--pair "(\d{4} \d{4})"', opening.log)
        assert found is not None
        config = device_settings(house, "cellar", "worker")
        worker = await house.program("worker", "--config", config, "--pair", found[1])
        await eventually(lambda: "worker cellar is ready" in worker.log, START_S)
        async with asyncio.timeout(START_S):
            assert await opening.process.wait() == 0
        assert membership(house, "worker", "cellar")["hub"] == "test"
        assert "Traceback" not in house.logs


async def test_strangers_stay_outside(tmp_path: Path) -> None:
    async with open_house(tmp_path, IN_THE_NETWORK) as house:
        port = port_of(house)
        plain = BrokerAddress(host="127.0.0.1", port=port)
        unknown = BrokerAddress(host="127.0.0.1", port=port, tls=True, unverified=True)
        untrusted = BrokerAddress(host="127.0.0.1", port=port, tls=True)
        for address, error in (
            (plain, LinkDownError),
            (unknown, LinkRefusedError),
            (untrusted, LinkDownError),
        ):
            with pytest.raises(error):
                await try_once(address)


async def try_once(address: BrokerAddress) -> None:
    async with connect(address, "stranger", None, Nobody()):
        pass


class Nobody:
    def dispatch(self, delivery: Delivery) -> None:
        raise AssertionError(f"a stranger heard {delivery.path}")


# -- another machine ------------------------------------------------------------------------------


@pytest.fixture
def machines() -> Iterator[tuple[netns.Machine, netns.Machine]]:
    reason = netns.why_not()
    if reason is not None:
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(f"must run in CI: {reason}")
        pytest.skip(reason)
    with netns.two_machines() as both:
        yield both


async def test_a_satellite_on_another_machine_finds_the_house_and_shows_its_code(
    machines: tuple[netns.Machine, netns.Machine], tmp_path: Path
) -> None:
    home, room = machines
    house = House(tmp_path, {**IN_THE_NETWORK, "discovery": {"announce": True}})
    try:
        await house.open(on=home.command())
        tree = satellite_settings("", "shelf")
        tree["satellite"] = {"id": "shelf", "room": "hall", "state_dir": str(tmp_path / "shelf")}
        config = house.config("shelf", tree)
        satellite = await house.program("satellite", "--config", config, on=room.command())
        code = await shows_a_code(satellite)
        assert (await devices(house, "pair", code))[0] == 0
        await eventually(lambda: "the hub is here" in satellite.log, START_S)
        assert "(TLS)" in satellite.log
        assert "Traceback" not in house.logs
    finally:
        await house.close()
