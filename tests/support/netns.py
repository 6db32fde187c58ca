"""Two network namespaces joined by a cable: two machines, as far as the network can tell."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

TIMEOUT_S = 20.0


class Machine(msgspec.Struct, frozen=True):
    """One namespace and its address on the cable."""

    namespace: str
    address: str

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs there."""
        return [_ip(), "netns", "exec", self.namespace, *arguments]


def why_not() -> str | None:
    """Return why there can be no namespaces here, or None."""
    if shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") is None:
        return "no `ip` command: apt install iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"ant-try-{secrets.token_hex(3)}"
    try:
        _run("netns", "add", name)
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not permitted: {error.stderr.strip()}"
    _run("netns", "delete", name)
    return None


@contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Make two machines on one cable; nothing else of this machine is on it."""
    tag = secrets.token_hex(3)
    # Addresses for documentation (RFC 5737): no real network uses them.
    ends = [Machine(f"ant-{tag}-{side}", f"192.0.2.{side}") for side in (1, 2)]
    cables = [f"ant{tag}{side}" for side in (1, 2)]
    try:
        for one in ends:
            _run("netns", "add", one.namespace)
        _run("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for one, cable in zip(ends, cables, strict=True):
            _run("link", "set", cable, "netns", one.namespace)
            inside = ("-n", one.namespace)
            _run(*inside, "address", "add", f"{one.address}/24", "dev", cable)
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "link", "set", cable, "up")
            _run(*inside, "route", "add", "224.0.0.0/4", "dev", cable)
        yield ends[0], ends[1]
    finally:
        for one in ends:
            if Path(f"/run/netns/{one.namespace}").exists():
                _run("netns", "delete", one.namespace)
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("link", "delete", cables[0])  # it is gone with its namespace, if it got there


def _ip() -> str:
    path = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert path is not None
    return path


def _run(*arguments: str) -> None:
    subprocess.run(
        [_ip(), *arguments], check=True, capture_output=True, text=True, timeout=TIMEOUT_S
    )
