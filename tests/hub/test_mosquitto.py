"""The hub's own broker: its settings as a table, and the real Mosquitto."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import stat
import statistics
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from antiphon_hub.errors import BrokerChildError
from antiphon_hub.mosquitto import Mosquitto, choose_listeners, find_binary
from antiphon_hub.mosquitto_conf import (
    LIMITS,
    LOOPBACK,
    Guard,
    Listeners,
    Machine,
    MosquittoSettings,
    checked,
    configuration,
)
from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connection, Delivery, Publication
from antiphon_link.errors import LinkError, LinkRefusedError
from antiphon_link.mqtt import connect
from antiphon_protocol.limits import CONTEXT_BYTES_MAX
from tests.support.mosquitto import free_port

V6 = Machine(ipv6=True, root=False)

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None
    and "CI" not in os.environ,
    reason="Mosquitto is not installed: apt install mosquitto",
)


class Inbox:
    """Keeps what the broker delivers."""

    def __init__(self) -> None:
        self.deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

    def dispatch(self, delivery: Delivery) -> None:
        self.deliveries.put_nowait(delivery)


async def echoes(
    address: BrokerAddress, payload: bytes = b"hello", timeout_s: float = 10.0
) -> None:
    """Connect, subscribe, publish, and get it back.

    Raises:
        LinkError: the broker does not let us.
    """
    inbox = Inbox()
    async with asyncio.timeout(timeout_s):
        async with connect(address, "echo", None, inbox) as connection:
            await connection.subscribe([("echo", 1)])
            sent = connection.publish(Publication(path="echo", payload=payload, qos=1))
            assert (await inbox.deliveries.get()).payload == payload
            if sent is not None:
                await sent


@asynccontextmanager
async def serving(settings: MosquittoSettings, state_dir: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(settings, state_dir)
    await broker.start()
    task = asyncio.create_task(broker.run())
    try:
        yield broker
    finally:
        task.cancel()
        await asyncio.wait([task])
        await broker.stop()  # a task that was cancelled before its first step never ended anything


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost, made by Debian's openssl."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (MosquittoSettings(lan=True, cert_file="/c", key_file="/k"), "the hub's own certificate"),
        (MosquittoSettings(username="home"), "username and password"),
        (MosquittoSettings(password="secret"), "username and password"),  # noqa: S106 - no secret
        (MosquittoSettings(username="a:b", password="c"), "no colon"),  # noqa: S106 - no secret
        (MosquittoSettings(username="a\nallow_anonymous true", password="c"), "control"),  # noqa: S106 - no secret
        (MosquittoSettings(cert_file="cert.pem"), "cert_file and key_file"),
        (MosquittoSettings(cert_file="a\nb", key_file="c"), "cert_file: no line breaks"),
        (MosquittoSettings(username="a", password_file="/nowhere/at-all"), "password_file: "),  # noqa: S106 - a path
    ],
)
def test_settings_that_cannot_work_are_refused(settings: MosquittoSettings, complaint: str) -> None:
    with pytest.raises(BrokerChildError, match=complaint):
        checked(settings)


def test_an_open_broker_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    checked(MosquittoSettings(lan=True, anonymous=True))
    assert [r.getMessage() for r in caplog.records] == [
        "the broker is open: everybody in the network can hear and command the house"
    ]


def test_the_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    settings = MosquittoSettings(username="home", password_file=str(tmp_path / "password"))
    assert checked(settings).password == "secret"  # noqa: S105 - an example


def test_by_default_the_broker_listens_to_this_machine_alone() -> None:
    text = configuration(MosquittoSettings(), Listeners(1883, 1883), Path("p"), V6)
    assert "listener 1883 127.0.0.1\n" in text
    assert "allow_anonymous true\n" in text
    assert text.count("listener ") == 1


@pytest.mark.parametrize(("ipv6", "line"), [(True, "listener 1883\n"), (False, "1883 0.0.0.0\n")])
def test_in_the_network_it_listens_on_both_protocols_where_there_are_both(
    *, ipv6: bool, line: str
) -> None:
    settings = MosquittoSettings(lan=True, username="home", password="x")  # noqa: S106 - no secret
    machine = Machine(ipv6=ipv6, root=False)
    text = configuration(settings, Listeners(1883, 1883), Path("/p"), machine)
    assert line in text
    assert "allow_anonymous false\npassword_file /p\n" in text


def test_without_tls_the_warning_names_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    checked(MosquittoSettings(lan=True, username="home", password="x"))  # noqa: S106 - no secret
    assert "without [mosquitto] username, devices are paired" in caplog.text


GUARD = Guard(Path("/g/p"), Path("/g/b"), Path("/g/a"), Path("/g/c"), Path("/g/k"))


def test_in_the_network_only_paired_devices_may_join_and_only_encrypted() -> None:
    settings = checked(MosquittoSettings(lan=True))
    text = configuration(settings, Listeners(8883, 4000, 4001), Path("/p"), V6, GUARD)
    shown = {
        section.splitlines()[0]: section.splitlines()[1:] for section in text.split("listener ")[1:]
    }
    known = ["allow_anonymous false", "password_file /g/p", "acl_file /g/a"]
    browsers = ["allow_anonymous false", "password_file /g/b", "acl_file /g/a"]
    tls = ["certfile /g/c", "keyfile /g/k", "tls_version tlsv1.2"]
    assert shown["8883"] == ["max_connections 512", *known, *tls]
    assert shown["4000 127.0.0.1"] == ["allow_anonymous true"]
    assert shown["4001 127.0.0.1"] == browsers
    with pytest.raises(BrokerChildError, match="nobody who keeps"):
        configuration(settings, Listeners(8883, 4000), Path("/p"), V6)


def test_with_tls_only_loopback_is_plain() -> None:
    settings = MosquittoSettings(
        lan=True, anonymous=True, cert_file="/c", key_file="/k", ca_file="/a"
    )
    text = configuration(settings, Listeners(8883, 4000), Path("p"), V6)
    assert "certfile /c\nkeyfile /k\ncafile /a\nrequire_certificate true\n" in text
    assert text.endswith("listener 4000 127.0.0.1\nallow_anonymous true\n")


def test_every_limit_is_set_and_the_largest_message_fits() -> None:
    text = configuration(MosquittoSettings(), Listeners(1883, 1883), Path("p"), V6)
    assert all(f"\n{name} {value}\n" in text for name, value in LIMITS.items())
    assert LIMITS["max_packet_size"] > CONTEXT_BYTES_MAX


def test_a_taken_port_is_named_and_the_usual_one_gives_way() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = int(other.getsockname()[1])
        with pytest.raises(BrokerChildError, match=f"port {taken} is taken"):
            choose_listeners(MosquittoSettings(port=taken))
    assert choose_listeners(MosquittoSettings()).port > 0


def test_no_two_listeners_share_a_port() -> None:
    usual = MosquittoSettings(lan=True, port=1883)
    with contextlib.suppress(BrokerChildError):  # somebody else's broker has it just now
        ports = choose_listeners(usual, guarded=True)
        assert len({ports.port, ports.own_port, ports.guarded_port}) == 3


def test_a_missing_broker_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon_hub.mosquitto.SEARCH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BrokerChildError, match="apt install mosquitto"):
        find_binary()


# -- the real broker ------------------------------------------------------------------------------


async def test_it_serves_and_its_files_are_for_our_eyes_only(tmp_path: Path) -> None:
    settings = MosquittoSettings(port=free_port(), username="home", password="x y")  # noqa: S106 - no secret
    async with serving(settings, tmp_path / "state") as broker:
        await echoes(broker.address)
        for name in ("mosquitto.conf", "mosquitto.passwords"):
            mode = (tmp_path / "state" / name).stat().st_mode
            assert stat.S_IMODE(mode) == 0o600
        assert b"x y" not in (tmp_path / "state" / "mosquitto.passwords").read_bytes()


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    settings = MosquittoSettings(username="home", password="right")  # noqa: S106 - no secret
    async with serving(settings, tmp_path) as broker:
        wrong = BrokerAddress(
            host=LOOPBACK,
            port=broker.address.port,
            username="home",
            password="wrong",  # noqa: S106 - no secret
        )
        with pytest.raises(LinkRefusedError):
            await echoes(wrong)


async def test_loopback_is_not_reachable_from_the_network(tmp_path: Path) -> None:
    async with serving(MosquittoSettings(), tmp_path) as broker:
        assert broker.pid is not None
        listening = [
            c for c in psutil.Process(broker.pid).net_connections() if c.status == "LISTEN"
        ]
        assert {c.laddr.ip for c in listening} == {LOOPBACK}


async def test_in_the_network_it_serves_every_interface(tmp_path: Path) -> None:
    async with serving(MosquittoSettings(lan=True, anonymous=True), tmp_path) as broker:
        assert broker.pid is not None
        listening = [
            c for c in psutil.Process(broker.pid).net_connections() if c.status == "LISTEN"
        ]
        assert "0.0.0.0" in {c.laddr.ip for c in listening}  # noqa: S104 - the promise
        await echoes(broker.address)


async def test_it_speaks_tls_to_others_and_plain_to_its_own(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    settings = MosquittoSettings(port=free_port(), cert_file=str(cert), key_file=str(key))
    async with serving(settings, tmp_path / "state") as broker:
        await echoes(broker.address)
        await echoes(
            BrokerAddress(host="localhost", port=broker.listeners.port, tls=True, ca_file=str(cert))
        )
        with pytest.raises((LinkError, TimeoutError)):
            await echoes(BrokerAddress(host=LOOPBACK, port=broker.listeners.port), timeout_s=0.3)


async def test_a_message_of_the_largest_kind_passes(tmp_path: Path) -> None:
    async with serving(MosquittoSettings(), tmp_path) as broker:
        await echoes(broker.address, bytes(CONTEXT_BYTES_MAX))


async def test_it_comes_back_on_the_same_port_when_killed(tmp_path: Path) -> None:
    async with serving(MosquittoSettings(), tmp_path) as broker:
        first = broker.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(10):
            while True:
                try:
                    await echoes(broker.address, timeout_s=0.5)
                    break
                except (LinkError, TimeoutError):
                    await asyncio.sleep(0.01)
        assert broker.pid not in (None, first)


async def test_it_ends_when_its_task_is_cancelled(tmp_path: Path) -> None:
    async with serving(MosquittoSettings(), tmp_path) as broker:
        pid = broker.pid
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert broker.pid is None


async def test_a_refused_certificate_is_told_in_the_brokers_own_words(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    settings = MosquittoSettings(
        cert_file=str(tmp_path / "cert.pem"), key_file=str(tmp_path / "cert.pem")
    )
    broker = Mosquitto(settings, tmp_path)
    with pytest.raises(BrokerChildError, match=r"did not start: .*certificate"):
        await broker.start()
    assert broker.pid is None


async def test_a_state_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerChildError, match=r"state_dir"):
        await Mosquitto(MosquittoSettings(), tmp_path / "file").start()


async def test_before_its_start_it_has_no_address(tmp_path: Path) -> None:
    broker = Mosquitto(MosquittoSettings(), tmp_path)
    await broker.stop()
    with pytest.raises(BrokerChildError, match="not started"):
        _ = broker.address
    with pytest.raises(BrokerChildError, match="not started"):
        await broker.run()


async def test_the_second_of_two_frames_does_not_wait_for_an_acknowledgement(
    tmp_path: Path,
) -> None:
    async with (
        serving(MosquittoSettings(), tmp_path) as broker,
        connect(broker.address, "speaker", None, Inbox()) as speaker,
    ):
        # On each new connection the kernel delays its first acknowledgements.
        took_s = [await _two_frames(broker.address, speaker, f"new-{n}") for n in range(5)]
    assert statistics.median(took_s) < 0.02, "40 ms: Nagle's algorithm (set_tcp_nodelay)"


async def _two_frames(address: BrokerAddress, speaker: Connection, listener_id: str) -> float:
    """Return how long two frames take that leave 2 ms apart, seconds."""
    loop = asyncio.get_running_loop()
    inbox = Inbox()
    frame = Publication(path=listener_id, payload=bytes(640), qos=0)
    async with connect(address, listener_id, None, inbox) as listener:
        await listener.subscribe([(listener_id, 0)])
        began = loop.time()
        speaker.publish(frame)
        await asyncio.sleep(0.002)  # two writes to the network, not one
        speaker.publish(frame)
        await inbox.deliveries.get()
        await inbox.deliveries.get()
        return loop.time() - began
