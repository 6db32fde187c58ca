"""The broker that the settings name, or the one that the hub would start; and hubs nearby."""

import asyncio
import contextlib
import os
from typing import Final

from antiphon_hub.errors import BrokerChildError
from antiphon_hub.mosquitto import choose_listeners, find_binary
from antiphon_hub.mosquitto_conf import MosquittoSettings, checked
from antiphon_hub.settings import Settings
from antiphon_link.broker import DEFAULT_PORT, DEFAULT_TLS_PORT, BrokerAddress
from antiphon_link.discovery import find_hub
from antiphon_link.errors import LinkError, NotFoundError
from antiphon_link.link import Link
from antiphon_tools.doctor.finding import Finding, absence
from antiphon_tools.doctor.run import run

CONNECT_TIMEOUT_S: Final = 5.0
FIND_TIMEOUT_S: Final = 2.0
_VERSION_TIMEOUT_S: Final = 5.0


async def examine_broker(settings: Settings) -> list[Finding]:
    """Connect to the configured broker; without one, look at what the hub's own needs."""
    try:
        address = settings.broker.resolve()
    except LinkError as error:
        return [Finding("broker", "settings", "missing", str(error), "mend [broker]")]
    if address is not None:
        return [await _reach(address)]
    return [await _mosquitto(), _own_broker(settings.mosquitto)]


async def _reach(address: BrokerAddress) -> Finding:
    async def resolve() -> BrokerAddress:
        return address

    name, account = str(address), address.username or "no account"
    link = Link(resolve, client_id=f"doctor-{os.getpid()}", name="doctor")
    remedy = "start that broker, or correct [broker] address, username, password and tls"
    running = asyncio.create_task(link.run(), name="doctor: link")
    connected = asyncio.create_task(link.wait_connected(), name="doctor: wait")
    try:
        await asyncio.wait(
            (running, connected),
            timeout=CONNECT_TIMEOUT_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if running.done():
            await running
        if connected.done():
            return Finding("broker", name, "ok", f"speaks MQTT 5 with us ({account})")
    except LinkError as error:
        return Finding("broker", name, "missing", str(error), remedy)
    finally:
        for task in (running, connected):
            task.cancel()
        await asyncio.wait((running, connected))
    detail = f"does not answer within {CONNECT_TIMEOUT_S:g} s"
    return Finding("broker", name, "missing", detail, remedy)


async def _mosquitto() -> Finding:
    try:
        binary = find_binary()
        ended = await run([binary, "-h"], _VERSION_TIMEOUT_S)
    except (BrokerChildError, OSError) as error:
        return Finding("broker", "mosquitto", "missing", str(error), "apt install mosquitto")
    said = (ended.output.strip().splitlines() or [ended.reason])[0]
    return Finding("broker", "mosquitto", "ok", f"{said.removeprefix('mosquitto ')} at {binary}")


def _own_broker(mosquitto: MosquittoSettings) -> Finding:
    try:
        port = choose_listeners(checked(mosquitto)).port
    except BrokerChildError as error:
        return Finding("broker", "own broker", "missing", str(error), "mend [mosquitto]")
    whom = "paired devices of the network" if mosquitto.paired else "the whole network"
    reach = whom if mosquitto.lan else "this machine alone"
    usual = DEFAULT_TLS_PORT if mosquitto.tls else DEFAULT_PORT
    if port == (mosquitto.port or usual):
        return Finding("broker", "own broker", "ok", f"port {port} is free, for {reach}")
    return absence(
        "broker",
        "own broker",
        f"port {usual} is taken, a free one would be used, for {reach}",
        f'is a hub or a broker running? Use it: [broker] address = "localhost:{usual}"',
        needed=False,
    )


async def examine_neighbourhood() -> Finding:
    """Look for a hub that announces itself."""
    with contextlib.suppress(NotFoundError):
        try:
            hub = await find_hub(FIND_TIMEOUT_S)
        except OSError as error:
            remedy = "allow multicast (UDP port 5353), or name the broker: --broker HOST:PORT"
            return absence("network", "mDNS", f"cannot be used: {error}", remedy, needed=False)
        where = f"{hub.addresses[0]}:{hub.record.port}"
        return Finding("network", "hub", "ok", f"{hub.record.hub} ({hub.record.site}) at {where}")
    return absence(
        "network",
        "hub",
        "none announces itself now",
        "start one: antiphon hub --lan (satellites elsewhere find it only then)",
        needed=False,
    )
