"""Signals, service manager, the command dispatcher and the log's token bucket."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_link import command, logs, program
from antiphon_link.program import ServiceManager


class Systemd:
    """The other end of sd_notify(3)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def hears(self) -> str:
        return self._socket.recv(4096).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    name = f"@antiphon-test-{os.getpid()}" if request.param == "abstract" else f"{tmp_path}/notify"
    manager = Systemd(name)
    yield manager
    manager.close()


def test_the_service_manager_hears_of_each_state(systemd: Systemd) -> None:
    us = ServiceManager(systemd.address)
    us.ready("2 satellites")
    assert systemd.hears() == "READY=1\nSTATUS=2 satellites"
    us.status("idle")
    assert systemd.hears() == "STATUS=idle"
    us.alive()
    assert systemd.hears() == "WATCHDOG=1"
    us.stopping()
    assert systemd.hears() == "STOPPING=1"


@pytest.mark.slow
def test_what_lasts_is_left_alone_by_the_collector_until_it_is_replaced() -> None:
    class Home:
        def __init__(self) -> None:
            self.itself = self

    try:
        lasting, replaced = Home(), Home()
        program.settle()
        frozen, gone = gc.get_freeze_count(), weakref.ref(replaced)
        assert frozen > 10_000
        del replaced
        gc.collect()
        assert gone() is not None
        program.settle()
        assert gone() is None
        assert lasting.itself is lasting
        assert gc.get_freeze_count() < 1.1 * frozen
    finally:
        gc.freeze()


def test_a_status_cannot_say_anything_else(systemd: Systemd) -> None:
    ServiceManager(systemd.address).status("room\nSTOPPING=1")
    assert systemd.hears() == "STATUS=room STOPPING=1"


def test_the_address_is_the_environments(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.address)
    ServiceManager().alive()
    assert systemd.hears() == "WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_without_a_service_manager_nothing_happens(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    caplog.set_level("INFO")
    ServiceManager(address).ready("here")
    assert not caplog.records


@pytest.mark.parametrize(
    ("allowed_us", "watched", "every_s"),
    [
        ("10000000", "ours", 5.0),
        ("10000000", "", 5.0),
        ("10000000", "1", None),
        ("", "ours", None),
        ("soon", "ours", None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(
    allowed_us: str, watched: str, every_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", allowed_us)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if watched == "ours" else watched)
    assert ServiceManager("").watchdog_s == every_s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_the_program_which_ends_in_order(number: signal.Signals) -> None:
    said: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            said.append("goodbye")

    program.run(main())
    assert said == ["goodbye"]


def test_a_programs_error_is_its_callers() -> None:
    async def main() -> None:
        raise LookupError("no house")

    with pytest.raises(LookupError, match="no house"):
        program.run(main())


# -- the dispatcher -------------------------------------------------------------------------------

GREETER = EntryPoint("greet", "tests.link.test_link_program:greet", command.GROUP)
SPEAK = EntryPoint("speak", "nowhere_at_all:main", command.GROUP)
greeted: list[list[str]] = []


def greet() -> None:
    greeted.append(sys.argv)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*, group: str) -> list[EntryPoint]:
        assert group == "antiphon.commands"
        return [GREETER, SPEAK]

    monkeypatch.setattr(command, "entry_points", found)


def test_a_command_gets_its_arguments_and_loads_no_other(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["antiphon", "greet", "--loud", "--help"])
    monkeypatch.setitem(sys.modules, GREETER.module, sys.modules[__name__])
    command.main()
    assert greeted == [["antiphon greet", "--loud", "--help"]]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_what_is_installed_and_loads_nothing(
    arguments: list[str],
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["antiphon", *arguments])
    command.main()
    shown = capsys.readouterr().out
    assert shown.startswith("usage: antiphon COMMAND")
    assert "speak          text to speech into a WAV file" in shown
    assert "greet" in shown
    assert "hub" not in shown


def test_every_command_of_ours_says_what_it_is_for() -> None:
    ours = [one for one in entry_points(group=command.GROUP) if one.module.startswith("antiphon_")]
    assert {one.name for one in ours} == set(command.SAYINGS)


def test_a_wrong_name_is_wrong_use(
    installed: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["antiphon", "saok"])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "antiphon: no command 'saok' is installed here; there are: greet, speak" in said


def test_the_installed_command_runs() -> None:
    for arguments in (["--version"], ["--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "antiphon_link", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        assert done.stdout
        assert not done.stderr


# -- the log --------------------------------------------------------------------------------------


def test_a_rate_lets_a_burst_pass_and_then_so_many_a_second() -> None:
    rate = logs.Rate(per_s=2.0, burst=3)
    assert [rate.allows(100.0) for _ in range(5)] == [True, True, True, False, False]
    assert [rate.allows(100.5), rate.allows(100.5)] == [True, False]
    assert [rate.allows(1000.0) for _ in range(5)] == [True, True, True, False, False]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_a_rate_never_lets_more_pass_than_it_says(times_s: list[float]) -> None:
    rate = logs.Rate(per_s=0.5, burst=4)
    passed = sum(rate.allows(now) for now in sorted(times_s))
    assert passed <= 4 + 0.5 * max(times_s) + 1e-6


def test_under_systemd_the_journal_stamps_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import logging; from antiphon_link import logs; logs.set_up(verbose=False);"
    code += "logging.getLogger('x').info('here'); logging.getLogger('x').debug('not')"
    for journal, expected in (("8:123", "INFO x: here\n"), (None, None)):
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        if journal:
            monkeypatch.setenv("JOURNAL_STREAM", journal)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
        )
        if expected:
            assert done.stderr == expected
        else:
            assert done.stderr.endswith(" INFO x: here\n")
            assert len(done.stderr.splitlines()) == 1
