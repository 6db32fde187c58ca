"""Children that stay up: real processes, except for the rules of when to start again."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub import supervise
from antiphon_hub.errors import ChildError
from antiphon_hub.supervise import Child, Lines, deaths_in_row, restart_wait_s

SLEEPER = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal as s, time; s.signal(15, s.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


async def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - a process id changes without an event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(argv: Sequence[str], **env: str) -> AsyncIterator[Child]:
    child = Child(argv, name="sleeper", env=env)
    task = asyncio.create_task(child.run())
    try:
        await until(lambda: bool(child.last_lines))
        yield child
    finally:
        task.cancel()
        await asyncio.wait([task])


# -- the rules ------------------------------------------------------------------------------------


def test_the_first_death_costs_nothing_and_the_next_ones_ever_more() -> None:
    assert [restart_wait_s(deaths) for deaths in range(1, 9)] == [
        0.0,
        0.2,
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        10.0,
    ]


@given(st.integers(min_value=1, max_value=10**9))
def test_no_wait_is_longer_than_the_cap(deaths: int) -> None:
    assert 0.0 <= restart_wait_s(deaths) <= supervise.WAIT_CAP_S
    assert restart_wait_s(deaths) <= restart_wait_s(deaths + 1)


@given(st.integers(min_value=0, max_value=1000), st.floats(min_value=0, max_value=1e6))
def test_a_child_that_was_steady_starts_the_count_anew(deaths: int, lived_s: float) -> None:
    expected = 1 if lived_s >= supervise.STEADY_S else deaths + 1
    assert deaths_in_row(deaths, lived_s) == expected


@given(st.binary(max_size=20_000), st.integers(min_value=1, max_value=5000))
def test_lines_are_bounded_printable_and_independent_of_how_bytes_arrive(
    data: bytes, step: int
) -> None:
    lines, got = Lines(), []
    for at in range(0, len(data), step):
        got += lines.feed(data[at : at + step])
    got += lines.end()
    assert all(0 < len(line) <= supervise.LINE_BYTES_MAX for line in got)
    assert all(line.isprintable() for line in got)
    if all(len(part) <= supervise.LINE_BYTES_MAX for part in data.split(b"\n")):
        whole = Lines()
        assert got == whole.feed(data) + whole.end()


# -- real children --------------------------------------------------------------------------------


async def test_a_killed_child_is_started_again_within_100_ms() -> None:
    loop = asyncio.get_running_loop()
    took_s = []
    for _ in range(3):  # the best of three: a busy machine may hold one up
        async with running(SLEEPER) as child:
            first = child.pid
            assert first is not None
            killed = loop.time()
            os.kill(first, signal.SIGKILL)
            await until(lambda c=child, pid=first: c.pid not in (None, pid))  # type: ignore[misc]
            took_s.append(loop.time() - killed)
            assert child.counts == {"starts": 2}
    assert min(took_s) < 0.1, took_s


async def test_a_child_that_dies_again_and_again_is_started_ever_more_slowly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    argv = [sys.executable, "-S", "-c", "import sys; print('no', flush=True); sys.exit(3)"]
    async with running(argv) as child:
        await until(lambda: child.counts["starts"] >= 3)
    waits = [r.getMessage() for r in caplog.records if "starting it again" in r.getMessage()]
    assert waits[0] == "sleeper ended with status 3; starting it again in 0.0 s"
    assert waits[1] == "sleeper ended with status 3; starting it again in 0.2 s"


async def test_cancelling_ends_the_child_in_order() -> None:
    async with running(SLEEPER) as child:
        pid = child.pid
    assert child.pid is None
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert child.counts["kills"] == 0


async def test_a_child_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "TERM_GRACE_S", 0.05)
    async with running(STUBBORN) as child:
        pid = child.pid
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert child.counts["kills"] == 1


async def test_a_grandchild_that_holds_the_output_does_not_hold_us() -> None:
    script = (
        "import subprocess, sys; print('up', flush=True);"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(5)'])"
    )
    child = Child([sys.executable, "-c", script], name="parent")
    async with asyncio.timeout(4):
        await child.start()
        assert await child.wait() == 0
    assert list(child.last_lines) == ["up"]


async def test_its_words_reach_our_log_under_its_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    script = (
        "import sys, os; print('out'); sys.stdout.flush(); os.write(2, b'err' + os.environb[b'X'])"
    )
    child = Child([sys.executable, "-S", "-c", script], name="speaker", env={"X": "or"})
    await child.start()
    await child.wait()
    said = [(r.name, r.getMessage()) for r in caplog.records]
    assert said == [
        ("antiphon_hub.supervise.speaker", "out"),
        ("antiphon_hub.supervise.speaker", "error"),
    ]


async def test_the_service_manager_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("WATCHDOG_USEC", "1")
    script = "import os; print([n for n in os.environ if n.startswith(('NOTIFY', 'WATCH'))])"
    child = Child([sys.executable, "-S", "-c", script], name="child")
    await child.start()
    await child.wait()
    assert list(child.last_lines) == ["[]"]


async def test_waiting_for_its_end_and_ending_it_may_overlap() -> None:
    child = Child(SLEEPER, name="sleeper")
    await child.start()
    ended = asyncio.create_task(child.wait())
    await until(lambda: bool(child.last_lines))
    await child.stop()
    assert await ended == -signal.SIGTERM


async def test_a_flood_of_words_is_counted_instead_of_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    child = Child([sys.executable, "-S", "-c", "print('x\\n' * 20000)"], name="flood")
    await child.start()
    await child.wait()
    logged = sum(r.name.endswith("flood") for r in caplog.records)
    assert logged + child.counts["lines_dropped"] == 20000
    assert logged < 1000


async def test_a_program_that_is_not_there_is_named() -> None:
    child = Child(["antiphon-no-such-program"], name="nobody")
    with pytest.raises(ChildError, match=r"nobody cannot be started.*antiphon-no-such-program"):
        await child.start()
    assert child.pid is None
    await child.stop()


async def test_waiting_for_what_was_never_started_is_an_error() -> None:
    with pytest.raises(ChildError, match="never started"):
        await Child(SLEEPER, name="sleeper").wait()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_child_dies_with_us_even_when_we_are_killed(loop: str, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio
        from {loop} import new_event_loop
        from antiphon_hub.supervise import Child

        async def main():
            child = Child({SLEEPER!r}, name="sleeper")
            task = asyncio.create_task(child.run())
            while not child.last_lines:
                await asyncio.sleep(0.01)
            print(child.pid, flush=True)
            await task

        asyncio.Runner(loop_factory=new_event_loop).run(main())
        """)
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert psutil.wait_procs([child], timeout=5)[0] == [child]


def test_a_child_whose_parent_died_before_it_began_does_not_begin(tmp_path: Path) -> None:
    """A stranger's process id stands for a parent that is gone: its children have another one."""
    begun = tmp_path / "begun"
    child = Child(["/usr/bin/touch", str(begun)], name="late")
    ours = child._dying_with_us()
    assert str(os.getpid()) in ours
    orphan = [word if word != str(os.getpid()) else "1" for word in ours]
    subprocess.run(orphan, check=True, timeout=10)
    assert not begun.exists()
    subprocess.run(ours, check=True, timeout=10)
    assert begun.exists()
