"""Pairing at the hub: opens and closes the window, talks with devices, keeps their accounts.

All methods are synchronous and may be called from any thread. Those that answer a device take some
hundredths of a second of arithmetic: call them in a thread.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity import window as windows
from antiphon_hub.identity.devices import Credentials, Device, Devices
from antiphon_hub.identity.rights import Account
from antiphon_link.errors import PairingError
from antiphon_link.handshake import HubSide
from antiphon_protocol.errors import DecodeError
from antiphon_protocol.messages.pairing import (
    Membership,
    PairGranted,
    PairHello,
    PairProof,
    PairRefused,
    PairShare,
)
from antiphon_protocol.pairing_code import label_of, new_code, parse_code
from antiphon_protocol.topic import Role

log = logging.getLogger(__name__)

RUNS_MAX: Final = 8
"""Exchanges under way; policy: drop-oldest. One window has no more tries than that."""
RUN_S: Final = 60.0
"""An exchange that takes longer is forgotten."""
GRACE_S: Final = 10.0
"""How long the pairing account outlives a success: the device has yet to read the answer."""

Audit = Callable[[str, str, str], None]
"""Who, what, detail: see `Accounts.audit`."""


class House(msgspec.Struct, frozen=True):
    """What a device is told of the house."""

    hub: str
    site: str
    authority: str
    """PEM; empty: the broker has no TLS."""


class PairingState(msgspec.Struct, frozen=True):
    """What people see of pairing."""

    is_open: bool
    code: str
    """The code that counts now; empty while closed."""
    until_s: float
    """Seconds since 1970."""
    tries: int
    outcome: str
    """How the last window ended."""


class _Run(msgspec.Struct):
    hello: PairHello
    side: HubSide
    until_s: float


class Pairing:
    """Lets devices into the house, and out again."""

    def __init__(
        self,
        devices: Devices,
        house: House,
        *,
        tell_broker: Callable[[bool], None],
        clock: Callable[[], float],
        audit: Audit,
    ) -> None:
        """Put it together; `refresh` must be called every second or so.

        Args:
            devices: Where they are kept.
            house: What devices are told.
            tell_broker: Called when accounts may have changed, with True while the one for pairing
                must be there; often for nothing.
            clock: Gives seconds since 1970.
            audit: Writes down who did what.
        """
        self._devices = devices
        self._tell_broker = tell_broker
        self._house = house
        self._clock = clock
        self._audit = audit
        self._lock = threading.RLock()
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._grace_s = 0.0
        self._seen: tuple[int, bool] | None = None
        self._known = {device.id: device.account for device in devices.all()}

    # -- for people -------------------------------------------------------------------------------

    def open(self, minutes: float = windows.MINUTES, code: str = "", *, by: str = "") -> str:
        """Let one device in that has the code; returns the code, digits only.

        Args:
            minutes: For how long.
            code: What the device shows; empty: a new one, for the device to be given.
            by: Who does it, for the audit log; likewise below.

        Raises:
            IdentityError: it is no code.
        """
        try:
            chosen = parse_code(code) if code else new_code()
        except DecodeError as error:
            raise IdentityError(str(error)) from None
        with self._lock:
            self._runs.clear()
            self._devices.set_window(windows.opened(chosen, minutes, self._clock()))
            self._update()
        self._audit(by, "opened pairing", f"for {minutes:g} minutes")
        return chosen

    def close(self, *, by: str = "") -> None:
        """Let nobody in any more."""
        with self._lock:
            if self._end("closed"):
                self._audit(by, "closed pairing", "")

    def state(self) -> PairingState:
        """Return whether somebody may come in now, and how it went last time."""
        window, now_s = self._devices.window(), self._clock()
        if window is None:
            return PairingState(False, "", 0.0, 0, "")
        is_open = windows.is_open(window, now_s)
        code = window.code if is_open else ""
        return PairingState(is_open, code, window.until_s, window.tries, window.outcome)

    def devices(self) -> list[Device]:
        """Return everything that has an account at the broker, by name."""
        return self._devices.all()

    def admit(self, device: Device, *, by: str) -> Credentials:
        """Make an account for a browser of somebody who is signed in; no code is needed.

        Raises:
            IdentityError: another device has the id, or the account cannot be.
        """
        return self._let_in(msgspec.structs.replace(device, browser=True), by)

    def add_program(self, account: Account, *, by: str) -> Credentials:
        """Make an account for a program, which a person carries there.

        Raises:
            IdentityError: there is one of this name, or it cannot be.
        """
        return self._let_in(Device(account=account), by)

    def revoke(self, device: str, *, by: str = "") -> bool:
        """End a device's account; it is cut off at once. Tells whether there was one."""
        with self._lock:
            revoked = self._devices.revoke(device)
            self._update()
        if revoked:
            self._audit(by, "revoked", device)
        return revoked

    # -- for the hub ------------------------------------------------------------------------------

    def refresh(self) -> list[Account]:
        """Do what time and other programs ask for; returns the accounts that ended since."""
        with self._lock:
            window, now_s = self._devices.window(), self._clock()
            if window is not None and not window.outcome and now_s >= window.until_s:
                self._end("nobody came in time")
            seen = (self._devices.changed_elsewhere(), self._pairing_now())
            if seen != self._seen:
                self._update()
                self._seen = seen
            now = {device.id: device.account for device in self._devices.all()}
            gone = [account for name, account in self._known.items() if name not in now]
            self._known = now
        return gone

    # -- for devices ------------------------------------------------------------------------------

    def hello(self, request: str, hello: PairHello) -> PairShare | PairRefused:
        """Begin an exchange."""
        with self._lock:
            window, now_s = self._devices.window(), self._clock()
            if window is None or not windows.is_open(window, now_s):
                return PairRefused(code="closed", text="pairing is not open at the hub")
            if hello.label != label_of(window.code):
                return PairRefused(code="other-code", text="the hub waits for another code")
            if window.tries <= 0 or request in self._runs:
                return PairRefused(code="closed", text="too many tries; open pairing again")
            self._devices.set_window(windows.tried(window))
        try:
            side = HubSide(window.code, hello)
        except PairingError as error:
            self._failed()
            return PairRefused(code="wrong-code", text=str(error))
        with self._lock:
            self._runs[request] = _Run(hello, side, now_s + RUN_S)
            while len(self._runs) > RUNS_MAX:
                self._runs.popitem(last=False)
        return PairShare(hub=self._house.hub, share=side.share)

    def proof(self, request: str, proof: PairProof) -> PairGranted | PairRefused:
        """End an exchange: the device is let in, or not."""
        with self._lock:
            run, now_s = self._runs.pop(request, None), self._clock()
            if run is None or now_s > run.until_s:
                return PairRefused(code="closed", text="that took too long; try again")
            if not windows.is_open(self._devices.window(), now_s):
                return PairRefused(code="closed", text="pairing is not open at the hub")
            if not run.side.accepts(proof.proof):
                self._failed()
                log.warning("%s %s came with a wrong code", run.hello.kind, run.hello.device)
                return PairRefused(code="wrong-code", text="the code is wrong")
            return self._grant(request, run)

    # -- inside -----------------------------------------------------------------------------------

    def _let_in(self, device: Device, by: str) -> Credentials:
        with self._lock:
            credentials = self._devices.admit(device)
            self._update()
        self._audit(by, "let in", device.id)
        return credentials

    def _grant(self, request: str, run: _Run) -> PairGranted | PairRefused:
        hello = run.hello
        device = Device(
            account=Account(role=Role(hello.kind), id=hello.device),
            room=_printable(hello.room),
            host=_printable(hello.host),
            serial=hello.serial,
        )
        try:
            credentials = self._devices.admit(device)
        except IdentityError as error:
            self._end(f"{device.id} was not let in: {error}")
            return PairRefused(code="taken", text=str(error))
        membership = Membership(
            hub=self._house.hub,
            site=self._house.site,
            username=credentials.username,
            password=credentials.password,
            authority=self._house.authority,
        )
        self._grace_s = self._clock() + GRACE_S
        self._end(f"{device.id} was let in")
        self._audit("", "paired", f"{device.id}, room {device.room}, host {device.host}")
        log.info("%s is part of the house now", device.id)
        return PairGranted(sealed=run.side.seal(membership, request))

    def _failed(self) -> None:
        with self._lock:
            window = self._devices.window()
            if window is not None and not window.outcome:
                after = windows.failed(window)
                self._devices.set_window(after)
                if after.outcome:
                    self._audit("", "pairing closed", after.outcome)
                self._update()

    def _end(self, outcome: str) -> bool:
        window = self._devices.window()
        ends = window is not None and not window.outcome
        if window is not None and ends:
            self._runs.clear()
            self._devices.set_window(windows.ended(window, outcome))
        self._update()
        return ends

    def _pairing_now(self) -> bool:
        now_s = self._clock()
        return windows.is_open(self._devices.window(), now_s) or now_s < self._grace_s

    def _update(self) -> None:
        self._tell_broker(self._pairing_now())


def _printable(text: str) -> str:
    """Keep a device's words from moving the cursor of who lists it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
