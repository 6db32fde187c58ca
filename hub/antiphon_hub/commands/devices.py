"""`antiphon devices`: let satellites, workers and programs into the house, and out again."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from antiphon_hub.errors import HubError
from antiphon_hub.gate import DEVICES, Gate, folder_of
from antiphon_hub.identity import window as windows
from antiphon_hub.identity.gatekeeper import ACL, PASSWORDS
from antiphon_hub.identity.pairing import Pairing
from antiphon_hub.identity.rights import Account
from antiphon_hub.settings import Settings
from antiphon_link import settings
from antiphon_link.errors import LinkError
from antiphon_protocol.pairing_code import shown
from antiphon_protocol.topic import Role

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Let satellites, workers and programs into the house, and out again.",
)

Config = Annotated[Path | None, typer.Option(help="The hub's settings file, TOML.")]
StateDir = Annotated[Path | None, typer.Option(help="The hub's state directory.")]

BY = "antiphon devices"
_POLL_S = 0.5


@app.command()
def pair(
    code: Annotated[
        str, typer.Argument(help="The code that the device shows; without: one is made for it.")
    ] = "",
    minutes: Annotated[float, typer.Option(help="For how long.")] = windows.MINUTES,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Let one device in; waits until it came, or the time is over."""
    with _pairing(config, state_dir) as pairing:
        _require_running(_settings(config, state_dir).state_dir())
        chosen = pairing.open(minutes, code, by=BY)
        if not code:
            print(f"On the device, within {minutes:g} minutes:")
            print(f'    antiphon satellite --pair "{shown(chosen)}"      (or antiphon worker)')
        print("Waiting for it. Ctrl-C closes pairing again.", flush=True)
        try:
            while pairing.state().is_open:
                time.sleep(_POLL_S)
        except KeyboardInterrupt:
            pairing.close(by=BY)
        outcome = pairing.state().outcome or "nobody came in time"
        print(outcome)
        if not outcome.endswith("was let in"):
            sys.exit(1)


@app.command("list")
def list_(config: Config = None, state_dir: StateDir = None) -> None:
    """Show who has an account at the broker."""
    with _pairing(config, state_dir) as pairing:
        devices = pairing.devices()
        for device in devices:
            since = datetime.fromtimestamp(device.made_s).astimezone()
            where = device.room or ", ".join(device.account.outside)
            print(f"{device.id:<32} {where:<20} {device.host:<20} since {since:%Y-%m-%d %H:%M}")
        if not devices:
            print("No device is paired yet: antiphon devices pair")


@app.command()
def revoke(
    device: Annotated[str, typer.Argument(help="As `antiphon devices list` calls it.")],
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Put a device out of the house; it is cut off within a second."""
    with _pairing(config, state_dir) as pairing:
        if not pairing.revoke(device, by=BY):
            known = ", ".join(one.id for one in pairing.devices()) or "none"
            sys.exit(f"antiphon devices: no device is called {device}; there are: {known}")
        print(f"{device} is out of the house.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The program: home-assistant, zigbee2mqtt, ...")],
    topic: Annotated[
        list[str] | None,
        typer.Option(help="Topics of its own outside the house's, as zigbee2mqtt/#; repeat it."),
    ] = None,
    hub: Annotated[
        bool, typer.Option("--hub", help="It is a hub at a broker of your own: it may everything.")
    ] = False,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Make an account for a program that uses the house, and print its password once."""
    with _pairing(config, state_dir) as pairing:
        role = Role.HUB if hub else Role.ANYONE
        account = Account(role=role, id=name, outside=tuple(topic or ()))
        made = pairing.add_program(account, by=BY)
        print(f"username: {made.username}")
        print(f"password: {made.password}")
        if not hub:
            print(f"Answers to its requests go to antiphon/1/answer/{name} only.")


@app.command()
def export(config: Config = None, state_dir: StateDir = None) -> None:
    """Say how a Mosquitto of your own takes the same accounts and rights."""
    with _pairing(config, state_dir):
        folder = folder_of(_settings(config, state_dir).state_dir())
        print("# In your mosquitto.conf, below its `listener`; the hub keeps both files as they")
        print("# must be. Mosquitto reads them anew at `systemctl reload mosquitto`.")
        print("per_listener_settings true")
        print("allow_anonymous false")
        print(f"password_file {folder / PASSWORDS}")
        print(f"acl_file {folder / ACL}")


@contextmanager
def _pairing(config: Path | None, state_dir: Path | None) -> Iterator[Pairing]:
    """Open the devices beside a hub that may be running: it looks at them every second."""
    try:
        chosen = _settings(config, state_dir)
        _require_the_hubs(chosen.state_dir())
        gate = Gate(chosen, chosen.state_dir())
        gate.open(None)
        try:
            yield gate.pairing
        finally:
            gate.close()
    except (HubError, LinkError) as error:
        sys.exit(f"antiphon devices: {error}")


def _require_the_hubs(folder: Path) -> None:
    """Work on files of a hub, and leave none behind that it cannot read, as root would."""
    remedy = "name its --state-dir (a service's is /var/lib/antiphon-hub), or start it first"
    try:
        owner = (folder_of(folder) / DEVICES).stat().st_uid
    except FileNotFoundError:
        sys.exit(f"antiphon devices: no hub has run on {folder}; {remedy}")
    except PermissionError:
        owner = -1
    if owner != os.geteuid():
        sys.exit(
            f"antiphon devices: {folder} belongs to another account; run this as the hub's own: "
            "sudo -u antiphon antiphon devices ..."
        )


def _require_running(folder: Path) -> None:
    if not (folder / "hub.json").exists():
        sys.exit(f"antiphon devices: no hub runs on {folder} now, so nobody would let it in")


def _settings(config: Path | None, state_dir: Path | None) -> Settings:
    chosen = settings.load(config, Settings)
    if state_dir is None:
        return chosen
    hub = msgspec.structs.replace(chosen.hub, state_dir=str(state_dir))
    return msgspec.structs.replace(chosen, hub=hub)


def main() -> None:
    """Entry point."""
    app()
