"""What only a real broker can show: accounts, TLS, dead connections, the cost of one exchange."""

import asyncio
import gc
import json
import logging
import shutil
import socket
import statistics
import struct
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import pytest
import uvloop

from antiphon_link import backoff, mqtt
from antiphon_link.broker import BrokerAddress
from antiphon_link.client import PACKETS_AT_A_TIME
from antiphon_link.errors import LinkDownError, LinkError, LinkRefusedError, SettingsError
from antiphon_link.link import Link
from antiphon_link.routes import Routes
from antiphon_protocol import topics
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.messages.ask import AskSay
from antiphon_protocol.messages.satellite import Release
from tests.link.linked import at, running
from tests.support.mosquitto import Broker, free_port, mosquitto
from tests.support.proxy import Proxy
from tests.support.waiting import eventually

ANSWER_S = 5.0
NAGLE_MS = 30.0
"""Linux's shortest delayed acknowledgement is 40 ms: what waits for one takes longer."""
PLUGINS = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
CONNACK = bytes.fromhex("2003000000")
PINGRESP = bytes.fromhex("d000")
PASSWORD = "open sesame"  # noqa: S105 - of a broker that lives for one test


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_TIMEOUT_S", 0.5)


async def ended(link: Link) -> LinkError:
    """Run the link; return the error that ends it."""
    async with asyncio.timeout(10):
        with pytest.raises(LinkError) as error:
            await link.run()
    return error.value


# -- accounts -------------------------------------------------------------------------------------


def run_tool(name: str, *arguments: str) -> None:
    tool = shutil.which(name)
    assert tool is not None, f"{name} is not installed"
    subprocess.run([tool, *arguments], check=True, capture_output=True)


@pytest.fixture
async def guarded(tmp_path: Path, needs_mosquitto: None) -> AsyncIterator[Broker]:
    """A broker with one account."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    run_tool("mosquitto_passwd", "-b", str(passwords), "hub", PASSWORD)
    settings = [
        "allow_anonymous false",
        f"password_file {passwords}",
    ]
    async with mosquitto(tmp_path, settings=settings) as broker:
        yield broker


async def test_the_right_account_is_let_in(guarded: Broker) -> None:
    account = msgspec.structs.replace(guarded.address, username="hub", password=PASSWORD)
    link = Link(at(account), client_id="hub")
    async with running(link):
        await link.send(topics.ASK_SAY, AskSay(text="hi"))


@pytest.mark.parametrize(("username", "password"), [("hub", "wrong"), ("nobody", "x"), ("", "")])
async def test_a_wrong_account_ends_the_link_with_a_remedy(
    guarded: Broker, username: str, password: str
) -> None:
    account = msgspec.structs.replace(guarded.address, username=username, password=password)
    error = await ended(Link(at(account), client_id="hub"))
    assert isinstance(error, LinkRefusedError)
    assert f"broker 127.0.0.1:{guarded.address.port} refuses hub" in str(error)
    assert "check [broker] username, password and tls" in str(error)


async def test_what_an_account_may_not_read_is_named(tmp_path: Path, needs_mosquitto: None) -> None:
    if not PLUGINS:
        pytest.skip(
            "this Mosquitto has no dynamic security plugin; its ACL files let all subscribe"
        )
    rules = tmp_path / "rules.json"
    run_tool("mosquitto_ctrl", "dynsec", "init", str(rules), "hub", PASSWORD)
    tree = json.loads(rules.read_text())
    for role in tree["roles"]:
        role["acls"] = [one for one in role["acls"] if one["acltype"] != "subscribePattern"]
    rules.write_text(json.dumps(tree))
    settings = [
        "allow_anonymous false",
        f"plugin {PLUGINS[0]}",
        f"plugin_opt_config_file {rules}",
    ]
    async with mosquitto(tmp_path, settings=settings) as broker:
        account = msgspec.structs.replace(broker.address, username="hub", password=PASSWORD)
        link = Link(at(account), client_id="hub")
        link.on(topics.HOME_STATE, lambda _message, _envelope: None)
        error = await ended(link)
    assert isinstance(error, LinkRefusedError)
    assert "refuses hub to read antiphon/1/home/+/state: Not authorized" in str(error)


# -- TLS ------------------------------------------------------------------------------------------


def make_certificates(folder: Path) -> None:
    """Make an authority, and a certificate of it for 127.0.0.1."""
    ca, key, request = folder / "ca.pem", folder / "key.pem", folder / "request.pem"
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority = ["-addext", "keyUsage=critical,keyCertSign"]
    run_tool(
        "openssl",
        *new, "-x509", "-days", "2", "-subj", "/CN=Test CA", *authority,
        "-keyout", f"{folder}/ca-key.pem", "-out", f"{ca}",
    )  # fmt: skip
    run_tool("openssl", *new, "-subj", "/CN=broker", "-keyout", f"{key}", "-out", f"{request}")
    run_tool(
        "openssl",
        "x509", "-req", "-in", f"{request}", "-CA", f"{ca}", "-CAkey", f"{folder}/ca-key.pem",
        "-CAcreateserial", "-days", "2", "-extfile", f"{extensions}", "-out", f"{folder}/cert.pem",
    )  # fmt: skip


@pytest.fixture
async def sealed(tmp_path: Path, needs_mosquitto: None) -> AsyncIterator[Broker]:
    """A broker that speaks TLS only; its authority is in ca.pem."""
    make_certificates(tmp_path)
    settings = [f"certfile {tmp_path}/cert.pem", f"keyfile {tmp_path}/key.pem"]
    async with mosquitto(tmp_path, settings=settings, tls=True) as broker:
        yield broker


async def test_tls_with_the_right_authority(sealed: Broker, tmp_path: Path) -> None:
    address = msgspec.structs.replace(sealed.address, ca_file=str(tmp_path / "ca.pem"))
    link = Link(at(address), client_id="hub")
    heard: list[str] = []
    link.on(topics.ASK_SAY, lambda message, _: heard.append(message.text))
    async with running(link):
        for number in range(200):
            link.post(topics.ASK_SAY, AskSay(text=str(number) * 300))
        await eventually(lambda: len(heard) == 200)
    assert heard == [str(number) * 300 for number in range(200)]


# paho leaves the socket of a failed handshake to the garbage collector.
unclosed = pytest.mark.filterwarnings("ignore::ResourceWarning")


@unclosed
async def test_tls_with_an_unknown_authority_is_named(
    sealed: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    task = asyncio.create_task(Link(at(sealed.address), client_id="hub").run())
    try:
        await eventually(lambda: "certificate verify failed" in caplog.text)
    finally:
        task.cancel()
        await asyncio.wait([task])
    gc.collect()
    assert f"broker 127.0.0.1:{sealed.address.port} (TLS)" in caplog.text


async def test_a_plain_link_to_a_tls_port_goes_on_trying(sealed: Broker, impatient: None) -> None:
    plain = BrokerAddress(host=sealed.address.host, port=sealed.address.port)
    with pytest.raises(LinkDownError, match=f"broker 127.0.0.1:{plain.port}"):
        async with mqtt.connect(plain, "hub", None, Routes("hub", Counter())):
            pytest.fail("connected without TLS")


async def test_a_missing_authority_file_is_a_settings_error(tmp_path: Path) -> None:
    address = BrokerAddress(
        host="127.0.0.1", port=free_port(), tls=True, ca_file=str(tmp_path / "none.pem")
    )
    error = await ended(Link(at(address), client_id="hub"))
    assert isinstance(error, SettingsError)
    assert "none.pem" in str(error)
    assert "no readable CA certificate" in str(error)


# -- dead connections -----------------------------------------------------------------------------


async def test_a_silent_network_is_noticed_by_the_next_exchange(
    broker: Broker, impatient: None
) -> None:
    async with Proxy(broker.address).serving() as proxy:
        link = Link(at(proxy.address), client_id="hub")
        async with running(link):
            proxy.silence(silent=True)
            began_s = time.monotonic()
            with pytest.raises(LinkDownError):
                await link.send(topics.ASK_SAY, AskSay(text="hi"))
            assert time.monotonic() - began_s < mqtt.ANSWER_TIMEOUT_S + 1
            async with asyncio.timeout(1):
                await link.wait_disconnected()
            proxy.silence(silent=False)
            async with asyncio.timeout(5):
                await link.wait_connected()
            await link.send(topics.ASK_SAY, AskSay(text="hi"))


@pytest.mark.parametrize("fault", [Proxy.cut, Proxy.half_close])
async def test_a_cut_fails_what_waits_at_once(broker: Broker, fault: object) -> None:
    async with Proxy(broker.address).serving() as proxy:
        link = Link(at(proxy.address), client_id="hub")
        async with running(link):
            proxy.silence(silent=True)
            sending = asyncio.create_task(link.send(topics.ASK_SAY, AskSay(text="hi")))
            await asyncio.sleep(0)
            link.post(topics.ASK_SAY, AskSay(text="hi"))
            began_s = time.monotonic()
            assert callable(fault)
            fault(proxy)
            with pytest.raises(LinkDownError):
                await sending
            assert time.monotonic() - began_s < 1
            assert link.counts["posts_lost"] == 1


async def lose_by_reset(*, unread: int) -> None:
    """Be connected to a server that sends `unread` packets and resets, all at one moment.

    libuv reports such a socket's error once and watches it no more.
    """
    loop = asyncio.get_running_loop()
    troubles: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    link = None
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        link = Link(
            at(BrokerAddress(host="127.0.0.1", port=server.getsockname()[1])), client_id="hub"
        )
        task = asyncio.create_task(link.run())
        try:
            probe, _ = await loop.sock_accept(server)
            probe.close()
            peer, _ = await loop.sock_accept(server)
            await loop.sock_recv(peer, 4096)
            await loop.sock_sendall(peer, CONNACK)
            async with asyncio.timeout(5):
                await link.wait_connected()
            peer.send(PINGRESP * unread)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            link.post(topics.ASK_SAY, AskSay(text="hi"))
            async with asyncio.timeout(mqtt.ANSWER_TIMEOUT_S / 2):
                await link.wait_disconnected()
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert troubles == []


@pytest.mark.parametrize("unread", [0, 1, 20, 2 * PACKETS_AT_A_TIME + 1])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_reset_behind_unread_packets_is_noticed_at_once(
    new_loop: Callable[[], asyncio.AbstractEventLoop], unread: int
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(lose_by_reset(unread=unread))


async def test_an_unreachable_broker_is_named_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, needs_mosquitto: None
) -> None:
    broker = Broker(tmp_path)
    link = Link(at(broker.address), client_id="hub")
    task = asyncio.create_task(link.run())
    try:
        await eventually(lambda: "is not reachable" in caplog.text)
        await broker.start()
        async with asyncio.timeout(5):
            await link.wait_connected()
    finally:
        task.cancel()
        await asyncio.wait([task])
        broker.stop()
    assert f"broker 127.0.0.1:{broker.address.port} is not reachable" in caplog.text


async def test_a_stranger_that_speaks_no_mqtt_harms_nobody(impatient: None) -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        address = BrokerAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        with pytest.raises(LinkDownError, match=f"broker 127.0.0.1:{address.port}"):
            async with mqtt.connect(address, "hub", None, Routes("hub", Counter())):
                pytest.fail("connected to a web server")


async def test_a_flood_comes_whole_and_in_order(broker: Broker) -> None:
    link = Link(at(broker.address), client_id="hub")
    heard: list[int] = []
    link.on(topics.SATELLITE_AUDIO, lambda frame, _: heard.append(frame.sequence))
    async with running(link):
        for number in range(2000):
            frame = AudioFrame(number, 0, 0, bytes(640))
            await link.send(topics.SATELLITE_AUDIO, frame, satellite="a", stream="s")
        await eventually(lambda: 1999 in heard)
    assert heard == list(range(2000))


async def test_an_answer_that_nobody_waits_for_any_more_is_no_error(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    link = Link(at(broker.address), client_id="hub")
    async with running(link):
        connection = link._connection
        assert isinstance(connection, mqtt.MqttConnection)
        for ask in (connection.subscribe([("a/#", 1)]), connection.unsubscribe("a/#")):
            asking = asyncio.ensure_future(ask)
            await asyncio.sleep(0)  # it is sent
            asking.cancel()
            await asyncio.wait([asking])
        await connection.unsubscribe("b/#")
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_a_refused_message_is_told_to_its_sender(guarded: Broker, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("user hub\ntopic write antiphon/1/ask/#\n")
    settings = ["allow_anonymous false", f"password_file {tmp_path}/passwords"]
    settings.append(f"acl_file {tmp_path}/rules")
    async with mosquitto(tmp_path, settings=settings) as broker:
        account = msgspec.structs.replace(broker.address, username="hub", password=PASSWORD)
        link = Link(at(account), client_id="hub")
        async with running(link):
            await link.send(topics.ASK_SAY, AskSay(text="hi"))
            with pytest.raises(LinkRefusedError, match="sat/a/do: Not authorized; give its"):
                await link.send(topics.SATELLITE_DO, Release(stream="s"), satellite="a")
            await link.send(topics.ASK_SAY, AskSay(text="still here"))


@pytest.mark.parametrize("attempt", [0, 1, 5, 1000])
def test_waits_grow_up_to_a_cap(attempt: int) -> None:
    longest_s = backoff.wait_s(attempt, lambda: 0.999)
    assert backoff.wait_s(attempt, lambda: 0.0) <= longest_s <= backoff.CAP_S
    assert backoff.wait_s(attempt, lambda: 0.0) >= backoff.FIRST_S / 2


# -- the cost of one exchange ---------------------------------------------------------------------


async def median_exchange_ms(address: BrokerAddress, exchanges: int) -> float:
    """Return what it takes to be heard by oneself at QoS 1, milliseconds.

    Each message is written right behind the acknowledgement of the one before: this is where
    Nagle's algorithm waits for the other side's delayed acknowledgement.
    """
    link = Link(at(address), client_id="timer")
    heard: asyncio.Queue[object] = asyncio.Queue(maxsize=1)
    link.on(topics.SATELLITE_DO, lambda message, _: heard.put_nowait(message))
    took_ms = []
    async with running(link):
        for number in range(exchanges):
            began_s = time.perf_counter()
            await link.send(topics.SATELLITE_DO, Release(stream=f"s-{number}"), satellite="a")
            await heard.get()
            took_ms.append(1000 * (time.perf_counter() - began_s))
    return statistics.median(took_ms)


def nodelay_of(link: Link) -> int:
    connection = link._connection
    assert isinstance(connection, mqtt.MqttConnection)
    sock = connection.client._client.socket()
    assert sock is not None
    return int(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


async def test_an_exchange_does_not_wait_for_a_delayed_acknowledgement(broker: Broker) -> None:
    assert await median_exchange_ms(broker.address, 40) < NAGLE_MS / 2
    link = Link(at(broker.address), client_id="hub")
    async with running(link):
        assert nodelay_of(link) == 1


@pytest.mark.parametrize("options", [mqtt.SOCKET_OPTIONS, ()], ids=["as-it-is", "without"])
async def test_tcp_nodelay_is_what_makes_the_difference(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, options: Sequence[tuple[int, int, int]]
) -> None:
    monkeypatch.setattr(mqtt, "SOCKET_OPTIONS", options)
    link = Link(at(broker.address), client_id="hub")
    async with running(link):
        assert nodelay_of(link) == (1 if options else 0)
    median_ms = await median_exchange_ms(broker.address, 20)
    assert median_ms < NAGLE_MS / 2 if options else median_ms > NAGLE_MS


@pytest.mark.parametrize("steps", range(6))
async def test_who_is_ended_while_an_answer_comes_does_not_go_on(steps: int) -> None:
    """Each moment between an answer and its arrival; some are dropped by Python 3.11's wait_for."""
    answered = asyncio.Event()

    async def asks() -> None:
        await mqtt.heeding(asyncio.wait_for(answered.wait(), ANSWER_S))
        await asyncio.Event().wait()

    task = asyncio.create_task(asks())
    for _ in range(3):
        await asyncio.sleep(0)
    answered.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=ANSWER_S)
    assert task.cancelled()
