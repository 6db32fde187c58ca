"""The calls that are being decided: who begins, who answers, who stands by, who takes over."""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import msgspec

from antiphon_hub.turns.arbitration.arbiter import WINDOW_S, Arbiter, Contest
from antiphon_hub.turns.arbitration.gains import Gains
from antiphon_hub.turns.arbitration.report import Report
from antiphon_protocol.limits import STAND_BY_SECONDS

log = logging.getLogger(__name__)

CONTENDERS_KEPT: Final = 256
"""Satellites with a call of late; policy: drop-oldest, which then cannot take over any more."""

Learned = Callable[[Iterable[str]], None]
"""Is told of which satellites something was learned; returns at once."""


class Contender(Protocol):
    """A satellite's call. All of these return at once."""

    def begin(self) -> bool:
        """It leads: hear what is said, if that has not begun. False: it cannot."""
        ...

    def win(self, table: list[dict[str, Any]]) -> None:
        """It is settled that this one answers; the table tells why."""
        ...

    def lose(self) -> None:
        """Another answers."""
        ...


class _Entry(msgspec.Struct, eq=False):
    contender: Contender
    contest: Contest
    report: Report
    lost_s: float | None = None
    """When it was told to stand by, loop's clock."""


class Contests:
    """All calls of late, and who takes part in them.

    The first contender begins at once, and only waits with its answer: a better one that comes
    within the window begins in its place. Where nobody else could hear, nothing waits at all.
    """

    def __init__(self, gains: Gains, learned: Learned) -> None:
        self._gains = gains
        self._arbiter = Arbiter(gains)
        self._learned = learned
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self.counts: Counter[str] = Counter()
        """stood_down, handed_over (a better report came later), taken_over (a stream died)."""

    def enter(self, report: Report, contender: Contender, *, alone: bool) -> None:
        """A satellite heard a call; `alone`: no other could have heard it."""
        verdict = self._arbiter.report(report)
        entry = _Entry(contender, verdict.contest, report)
        self._entries[report.stream] = entry
        while len(self._entries) > CONTENDERS_KEPT:
            self._entries.popitem(last=False)
        if verdict.place == "behind":
            self._stand_down(entry)
            return
        if verdict.before is not None:
            self.counts["handed_over"] += 1
            if before := self._entries.get(verdict.before.stream):
                self._stand_down(before)
        contender.begin()
        if verdict.place == "first" and alone:
            self._settle(verdict.contest)
        elif verdict.place == "first":
            asyncio.get_running_loop().call_later(WINDOW_S, self._settle, verdict.contest)

    def stands_by(self, stream: str) -> bool:
        """Tell whether the satellite of this stream was told that another answers."""
        return stream in self._entries and self._entries[stream].lost_s is not None

    def stream_lost(self, stream: str) -> bool:
        """The stream of the one that answers has died; tells whether another takes over."""
        lost = self._entries.pop(stream, None)
        if lost is None or lost.contest.leader.stream != stream:
            return False
        for report, _ in lost.contest.rank(self._gains):
            heir = self._entries.get(report.stream)
            if heir is not None and _stands_by(heir) and heir.contender.begin():
                log.info("satellite %s takes over from %s", report.satellite, lost.report.satellite)
                self.counts["taken_over"] += 1
                heir.contest.leader, heir.lost_s = report, None
                if heir.contest.settled:
                    heir.contender.win(self._table(heir.contest))
                return True
        return False

    def _stand_down(self, entry: _Entry) -> None:
        self.counts["stood_down"] += 1
        entry.lost_s = asyncio.get_running_loop().time()
        entry.contender.lose()

    def _settle(self, contest: Contest) -> None:
        table = self._table(contest)
        self._arbiter.settle(contest)
        self._learned(report.satellite for report in contest.reports)
        if winner := self._entries.get(contest.leader.stream):
            winner.contender.win(table)

    def _table(self, contest: Contest) -> list[dict[str, Any]]:
        first_us = contest.reports[0].at_us
        return [
            {
                "satellite": report.satellite,
                "score_db": round(score_db, 1),
                "signal_dbfs": round(report.signal_dbfs, 1),
                "noise_dbfs": round(report.noise_dbfs, 1),
                "confidence": round(report.confidence, 3),
                "after_ms": round((report.at_us - first_us) / 1e3, 1),
            }
            for report, score_db in contest.rank(self._gains)
        ]


def _stands_by(entry: _Entry) -> bool:
    if entry.lost_s is None:
        return False
    return asyncio.get_running_loop().time() - entry.lost_s < STAND_BY_SECONDS
