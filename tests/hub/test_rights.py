"""Who may write and read what: every role, topic and direction, on the real Mosquitto."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.authority import Authority
from antiphon_hub.identity.devices import Credentials, Device, Devices
from antiphon_hub.identity.gatekeeper import ACL, BROWSERS, PASSWORDS, Gatekeeper
from antiphon_hub.identity.rights import (
    OWN_PLACE,
    PAIRING,
    PAIRING_ACCOUNT,
    Account,
    acl,
    require_outside,
    rules,
)
from antiphon_hub.mosquitto import Mosquitto
from antiphon_hub.mosquitto_conf import LOOPBACK, Guard, MosquittoSettings
from antiphon_link.broker import BrokerAddress
from antiphon_protocol.errors import TopicError
from antiphon_protocol.topics import EVERY_SATELLITE, ROOT, TOPICS, Role, Topic
from tests.support.mosquitto import free_port

SATELLITE = Account(role=Role.SATELLITE, id="box")
WORKER = Account(role=Role.WORKER, id="box")
PROGRAM = Account(role=Role.ANYONE, id="box", outside=("zigbee2mqtt/#",))
HUB = Account(role=Role.HUB, id="box")
BROWSER = Account(role=Role.SATELLITE, id="page")
ACCOUNTS = (SATELLITE, WORKER, PROGRAM, HUB, BROWSER, PAIRING_ACCOUNT)
"""Most of one id, so that a rule for one of them that counts for another is found."""

SENTINEL = {
    SATELLITE: f"{ROOT}/sat/box/do",
    WORKER: f"{ROOT}/worker/box/do",
    PROGRAM: f"{ROOT}/event/sentinel",
    HUB: "sentinel",
    BROWSER: f"{ROOT}/sat/page/do",
    PAIRING_ACCOUNT: f"{ROOT}/pair/sentinel/answer",
}
"""What each of them may read."""
OUTSIDE = ("zigbee2mqtt/lock/set", "antiphon/2/ask/say", "antiphon", "other", f"{ROOT}/new/topic")

real_broker = pytest.mark.skipif(
    shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None
    and "CI" not in os.environ,
    reason="Mosquitto is not installed: apt install mosquitto",
)


def paths() -> Iterator[tuple[Topic[Any] | None, str, str]]:
    """Every topic with the id that our accounts have, and with another's; and what is no topic."""
    for topic in TOPICS:
        groups = {EVERY_SATELLITE} if "group" in topic.places else set()
        for one in {"box", "page", "other", *groups} if topic.places else {""}:
            yield topic, one, topic.path(**dict.fromkeys(topic.places, one))
    yield from ((None, "", path) for path in OUTSIDE)


def allowed(account: Account, *, writing: bool) -> set[str]:
    """What the table says, in its own words."""
    found = set()
    for topic, one, path in paths():
        if account is HUB:
            found.add(path)
            continue
        if topic is None:
            if account is PROGRAM and path.startswith("zigbee2mqtt/"):
                found.add(path)
            continue
        own = OWN_PLACE.get(account.role) not in topic.places or one == account.id
        if account.role is Role.SATELLITE and "group" in topic.places:
            own = one in (account.id, EVERY_SATELLITE)
        if own and account.role in (topic.writers if writing else topic.readers):
            found.add(path)
    return found


# -- the rules ------------------------------------------------------------------------------------


def test_the_rules_name_each_accounts_own_topics() -> None:
    assert ("write", f"{ROOT}/sat/box/up/+") in rules(SATELLITE)
    assert ("read", f"{ROOT}/sat/+/up/+") in rules(WORKER)
    playbacks = [one for one in rules(SATELLITE) if f"{ROOT}/down/" in one[1]]
    assert playbacks == [("read", f"{ROOT}/down/{group}/+") for group in ("box", "all")]
    assert ("write", f"{ROOT}/down/+/+") in rules(WORKER)
    assert ("read", f"{ROOT}/answer/box") in rules(PROGRAM)
    assert ("readwrite", "zigbee2mqtt/#") in rules(PROGRAM)
    assert rules(PAIRING_ACCOUNT) == [
        ("write", f"{ROOT}/pair/+/ask"),
        ("read", f"{ROOT}/pair/+/answer"),
    ]


def test_no_rule_is_a_pattern_or_for_everybody() -> None:
    lines = acl(ACCOUNTS).splitlines()
    assert lines[1].startswith("user "), "what stands before the first user is for the anonymous"
    assert not [line for line in lines if line.split()[0] not in ("user", "topic", "#")]
    assert not [line for line in lines if "%" in line]


@pytest.mark.parametrize("good", ["zigbee2mqtt/#", "home/+/state", "a", "a b/c"])
def test_filters_outside_our_tree(good: str) -> None:
    assert require_outside(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        *("", "#", "+/1/#", "antiphon/#", "antiphon", "$SYS/#", "$share/x/antiphon/#"),
        *("a/#/b", "a+/b", "a#", " a", "a ", "a\ntopic readwrite #", "x" * 513),
    ],
)
def test_filters_that_reach_too_far(bad: str) -> None:
    with pytest.raises(TopicError):
        require_outside(bad)


# -- the real broker ------------------------------------------------------------------------------


class House:
    """A broker that knows devices; only this machine can reach it."""

    def __init__(self, folder: Path) -> None:
        self.devices = Devices(folder / "devices.sqlite", clock=lambda: 1.7e9)
        self.authority = authority = Authority(folder, "home", ["localhost"])
        self.gatekeeper = Gatekeeper(folder, self.devices, self._reload)
        guard = Guard(
            passwords=folder / PASSWORDS,
            browsers=folder / BROWSERS,
            acl=folder / ACL,
            certificate=authority.certificate,
            key=authority.key,
        )
        self.broker = Mosquitto(MosquittoSettings(lan=True, port=free_port()), folder, guard)
        self.known = {
            account: self.devices.admit(
                Device(account=account, serial="s", browser=account is BROWSER)
            )
            for account in ACCOUNTS
            if account is not PAIRING_ACCOUNT
        }
        self.gatekeeper.update(True)

    @property
    def address(self) -> BrokerAddress:
        """As a device in the network sees it."""
        port = self.broker.listeners.port
        return BrokerAddress(host=LOOPBACK, port=port, tls=True, authority=self.authority.pem)

    def _reload(self) -> None:
        self.broker.reload()

    def client(self, account: Account | None) -> aiomqtt.Client:
        """A client of that account, or of nobody's on the open port of this machine."""
        listeners, credentials, context = self.broker.listeners, Credentials("", ""), None
        port = listeners.own_port
        if account is BROWSER:
            port, credentials = listeners.guarded_port, self.known[BROWSER]
        elif account is not None:
            port, context = listeners.port, self.address.tls_context()
            credentials = self.known.get(account, Credentials(PAIRING, PAIRING))
        return aiomqtt.Client(
            LOOPBACK,
            port,
            username=credentials.username or None,
            password=credentials.password or None,
            tls_context=context,
            protocol=aiomqtt.ProtocolVersion.V5,
            max_queued_incoming_messages=4096,
            timeout=10,
        )


def signed_in(who: Credentials, *where: Any, **how: Any) -> aiomqtt.Client:
    return aiomqtt.Client(*where, username=who.username, password=who.password, **how)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    made = House(folder)
    await made.broker.start()
    task = asyncio.create_task(made.broker.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
        await made.broker.stop()
        made.devices.close()


async def heard(client: aiomqtt.Client, last: str) -> set[str]:
    """The topics that arrive, up to the last one."""
    found: set[str] = set()
    async with asyncio.timeout(20):
        async for message in client.messages:
            if message.payload != b"last":
                found.add(str(message.topic))
            elif str(message.topic) == last:
                break
    return found


@real_broker
async def test_everybody_reads_what_the_table_says_and_nothing_else(tmp_path: Path) -> None:
    async with (
        house(tmp_path) as home,
        home.client(SATELLITE) as satellite,
        home.client(WORKER) as worker,
        home.client(PROGRAM) as program,
        home.client(HUB) as own,
        home.client(BROWSER) as page,
        home.client(PAIRING_ACCOUNT) as pairing,
        home.client(None) as hub,
    ):
        clients = dict(zip(ACCOUNTS, (satellite, worker, program, own, page, pairing), strict=True))
        for client in clients.values():
            await client.subscribe([("#", 1), ("$SYS/#", 1)])
        for _, _, path in paths():
            await hub.publish(path, b"x", qos=1)
        for account, client in clients.items():
            await hub.publish(SENTINEL[account], b"last", qos=1)
            assert await heard(client, SENTINEL[account]) == allowed(account, writing=False)


@real_broker
async def test_everybody_writes_what_the_table_says_and_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(None) as hub:
        await hub.subscribe("#", qos=1)
        for account in ACCOUNTS:
            async with home.client(account) as client:
                for _, _, path in paths():
                    with contextlib.suppress(aiomqtt.MqttError):  # refused by its acknowledgement
                        await client.publish(path, b"x", qos=1)
            await hub.publish("last", b"last", qos=1)
            assert await heard(hub, "last") == allowed(account, writing=True), account


@real_broker
async def test_a_will_says_no_more_than_its_owner_may(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(None) as hub:
        await hub.subscribe("#", qos=1)
        for path in (f"{ROOT}/sat/other/presence", f"{ROOT}/sat/box/presence"):
            dying = aiomqtt.Client(
                LOOPBACK,
                home.address.port,
                tls_context=home.address.tls_context(),
                username=SATELLITE.username,
                password=home.known[SATELLITE].password,
                protocol=aiomqtt.ProtocolVersion.V5,
                will=aiomqtt.Will(path, b"last", 1),
            )
            await dying.__aenter__()
            socket = dying._client.socket()
            assert socket is not None
            socket.shutdown(2)
        assert await heard(hub, f"{ROOT}/sat/box/presence") == set()


@real_broker
async def test_who_is_revoked_is_cut_off_and_stays_out(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(WORKER) as stays:
        goes = await home.client(SATELLITE).__aenter__()
        await goes.subscribe("#")
        assert home.devices.revoke(SATELLITE.username)
        home.gatekeeper.update(True)
        async with asyncio.timeout(10):
            with pytest.raises(aiomqtt.MqttError):
                await anext(goes.messages)
        with pytest.raises(aiomqtt.MqttError):
            await home.client(SATELLITE).__aenter__()
        await stays.publish(f"{ROOT}/worker/box/presence", b"", qos=1)


@real_broker
async def test_nobody_gets_in_without_an_account_or_after_pairing_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        async with home.client(PAIRING_ACCOUNT):
            pass
        home.gatekeeper.update(False)
        async with asyncio.timeout(10):
            while True:  # the broker reads its files when it comes to it
                try:
                    async with home.client(PAIRING_ACCOUNT):
                        await asyncio.sleep(0.01)
                except aiomqtt.MqttError:
                    break
        guarded = home.broker.listeners.guarded_port
        context = home.address.tls_context()
        from_the_network, through_the_console = home.known[SATELLITE], home.known[BROWSER]
        for stranger in (
            aiomqtt.Client(LOOPBACK, guarded),
            aiomqtt.Client(LOOPBACK, home.address.port, tls_context=context),
            signed_in(from_the_network, LOOPBACK, guarded),
            signed_in(through_the_console, LOOPBACK, home.address.port, tls_context=context),
        ):
            with pytest.raises(aiomqtt.MqttError):
                await stranger.__aenter__()


# -- devices --------------------------------------------------------------------------------------


def test_a_second_device_of_one_id_is_told_whose_it_is(tmp_path: Path) -> None:
    devices = Devices(tmp_path / "devices.sqlite", clock=lambda: 1.7e9)
    first = Device(account=SATELLITE, room="kitchen", host="pi", serial="one")
    before = devices.admit(first)
    again = devices.admit(first)
    assert again.username == before.username
    assert again.password != before.password
    with pytest.raises(IdentityError, match=r"another satellite is called box \(room kitchen"):
        devices.admit(Device(account=SATELLITE, serial="two"))
    assert devices.admit(Device(account=WORKER, serial="two")), "a worker may have the id too"
    assert devices.revoke(SATELLITE.username)
    assert devices.admit(Device(account=SATELLITE, serial="two"))
    devices.close()
    kept = (tmp_path / "devices.sqlite").read_bytes()
    assert before.password.encode() not in kept
    assert again.password.encode() not in kept


@pytest.mark.parametrize(
    ("name", "outside"), [("a b", ()), ("", ()), ("a:b", ()), ("ok", ("antiphon/#",))]
)
def test_accounts_that_cannot_be(tmp_path: Path, name: str, outside: tuple[str, ...]) -> None:
    devices = Devices(tmp_path / "devices.sqlite", clock=lambda: 1.7e9)
    account = Account(role=Role.ANYONE, id=name, outside=outside)
    with pytest.raises(IdentityError):
        devices.admit(Device(account=account))
    assert devices.all() == []
    devices.close()


def test_no_satellite_is_called_as_all_of_them_are(tmp_path: Path) -> None:
    devices = Devices(tmp_path / "devices.sqlite", clock=lambda: 1.7e9)
    with pytest.raises(IdentityError, match="no satellite may be called 'all'"):
        devices.admit(Device(account=Account(role=Role.SATELLITE, id=EVERY_SATELLITE)))
    devices.admit(Device(account=Account(role=Role.WORKER, id=EVERY_SATELLITE)))
    devices.close()
