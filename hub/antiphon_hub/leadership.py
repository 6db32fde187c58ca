"""Which hub acts, when several share a broker (pure; `now_s` is any steady clock).

One retained lease, numbered by terms. Whoever has it says so every second, and keeps it until it
ends: a hub that comes back stands by. A lease that was not renewed for three seconds, or was given
up, may be claimed with the next term. The broker brings all messages of a topic to everybody in one
order, so that of two claims everybody sees the same one first, and that one counts.

The holder believes in its lease for less time than the others do: from the *sending* of the last
renewal that came back, not from its arrival. Between the two nobody acts. Terms are no clock times,
so that a clock that is set changes nothing.
"""

from typing import Final, Literal

import msgspec

from antiphon_protocol.messages.presence import HubLease

RENEW_S: Final = 1.0
BELIEVED_S: Final = 2.5
EXPIRED_S: Final = 3.0
SETTLE_S: Final = 0.2
"""What is retained has come so long after the subscription."""

Move = Literal["wait", "claim", "renew", "lost"]


class Leadership:
    """One hub's view of the lease."""

    def __init__(self, hub: str, instance: str, *, standby: bool, alone: bool = False) -> None:
        """Begin without a lease.

        Args:
            hub: The hub's id.
            instance: Random per process.
            standby: Where nobody has the lease, let another hub take it first.
            alone: The broker was started by this hub just now: nobody can have a lease there.
        """
        self._hub = hub
        self._instance = instance
        # A broker that was started anew remembers no lease; who has it will renew it meanwhile.
        self._unclaimed_s = 0.0 if alone else EXPIRED_S * (2 if standby else 1)
        self._seen: HubLease | None = None
        self._heard_s = 0.0
        self._connected_s: float | None = None
        self._sent: tuple[HubLease, float] | None = None
        self._believed_until_s = 0.0
        self.had = False
        """True once we had the lease."""

    @property
    def holder(self) -> str:
        """The hub that has the lease; empty when nobody has."""
        return self._seen.hub if self._seen is not None and not self._seen.released else ""

    def connected(self, now_s: float) -> None:
        """The connection stands: what others say is heard from now on."""
        self._connected_s = self._heard_s = now_s

    def disconnected(self) -> None:
        """The connection is gone; so is what we believed."""
        self._connected_s, self._believed_until_s = None, 0.0

    def saw(self, lease: HubLease, now_s: float) -> None:
        """Take in what stands on the lease's topic, our own messages included."""
        known = self._seen
        if known is not None and lease.released:
            if lease.instance == known.instance:  # as a will, it knows no term
                self._seen = msgspec.structs.replace(known, released=True)
            return
        if known is not None and lease.term < known.term:
            return
        if known is not None and lease.term == known.term and lease.instance != known.instance:
            return  # it claimed later
        self._seen, self._heard_s = lease, now_s
        if self._ours and not lease.released and self._sent is not None:
            sent, sent_s = self._sent
            if lease.number == sent.number:
                self._believed_until_s, self.had = sent_s + BELIEVED_S, True

    def valid(self, now_s: float) -> bool:
        """Tell whether we may act."""
        return self._ours and now_s < self._believed_until_s

    def move(self, now_s: float) -> Move:
        """Return what to do now."""
        if self._connected_s is None:
            return "wait"
        if self.had and not self._ours:
            return "lost"
        if self._ours:
            due = self._sent is None or now_s - self._sent[1] >= RENEW_S
            return "renew" if due else "wait"
        return "claim" if now_s >= self._claim_at_s() and not self._claimed(now_s) else "wait"

    def message(self, now_s: float, *, claim: bool) -> HubLease:
        """Return the claim or renewal to send now."""
        term = self._seen.term if self._seen is not None else 0
        number = self._sent[0].number + 1 if self._sent is not None else 0
        lease = HubLease(hub=self._hub, instance=self._instance, term=term + claim, number=number)
        self._sent = lease, now_s
        return lease

    def release(self) -> HubLease:
        """Return what gives the lease up, if it is ours when that is heard."""
        term = self._seen.term if self._seen is not None else 0
        return HubLease(hub=self._hub, instance=self._instance, term=term, released=True)

    @property
    def _ours(self) -> bool:
        return self._seen is not None and self._seen.instance == self._instance

    def _claimed(self, now_s: float) -> bool:
        """Tell whether a claim of ours is still on its way."""
        return self._sent is not None and now_s - self._sent[1] < RENEW_S

    def _claim_at_s(self) -> float:
        assert self._connected_s is not None  # noqa: S101 - asked for only when connected
        settled_s = self._connected_s + SETTLE_S
        if self._seen is None:
            return settled_s + self._unclaimed_s
        if self._seen.released or self._seen.hub == self._hub:
            return settled_s
        return max(self._heard_s, self._connected_s) + EXPIRED_S
