"""Groups reports into calls, and says who leads. Pure.

The first report leads at once, so that nobody waits; a better one that comes in time takes the
lead. After that the call is settled, and whoever is late to it stays silent.
"""

from collections import deque
from typing import Final, Literal

import msgspec

from antiphon_hub.turns.arbitration.gains import Gains
from antiphon_hub.turns.arbitration.report import Report

WINDOW_S: Final = 0.25
"""Engines and Wi-Fi differ by up to 200 ms on one call; nobody calls twice so fast."""
CALLS_KEPT: Final = 64
"""Calls whose late reports are still recognised; policy: drop-oldest."""
CLOCKS_S: Final = 30.0
"""A report this far from our clock was stamped by a clock that is wrong; a satellite repeats its
call for a few seconds when the hub was gone."""


class Contest(msgspec.Struct, eq=False):
    """One call, and who heard it."""

    reports: list[Report]
    leader: Report
    settled: bool = False

    def rank(self, gains: Gains) -> list[tuple[Report, float]]:
        """Return the reports with their scores in decibels, best first."""
        scored = zip(self.reports, gains.scores_db(self.reports), strict=True)
        return sorted(scored, key=lambda pair: pair[1], reverse=True)


class Verdict(msgspec.Struct, frozen=True):
    """What a report means for its call."""

    place: Literal["first", "ahead", "behind"]
    """`first`: a new call. `ahead`: it takes the lead from `before`. `behind`: it stays silent."""
    contest: Contest
    before: Report | None = None


class Arbiter:
    """All calls of late."""

    def __init__(self, gains: Gains) -> None:
        self._gains = gains
        self._contests: deque[Contest] = deque(maxlen=CALLS_KEPT)

    def report(self, report: Report) -> Verdict:
        """Take in a report."""
        contest = self._of(report)
        if contest is None:
            contest = Contest([report], report)
            self._contests.append(contest)
            return Verdict("first", contest)
        contest.reports.append(report)
        if contest.settled:
            return Verdict("behind", contest)
        leader, before = contest.rank(self._gains)[0][0], contest.leader
        if leader is not report:
            return Verdict("behind", contest)
        contest.leader = report
        return Verdict("ahead", contest, before)

    def settle(self, contest: Contest) -> None:
        """The time for reports is over; learn from them."""
        if not contest.settled:
            contest.settled = True
            self._gains.learn(contest.reports)

    def _of(self, report: Report) -> Contest | None:
        near = (one for one in self._contests if _same_call(one, report))
        return min(near, key=lambda one: abs(one.reports[0].at_us - report.at_us), default=None)


def heard_at_us(stamped_us: int, now_us: int) -> int:
    """Return when a call was heard, hub's clock: as it was stamped, or now where that cannot be.

    Args:
        stamped_us: The satellite's word for it on the hub's clock; 0: it does not know.
        now_us: When its report came.
    """
    return stamped_us if abs(now_us - stamped_us) <= CLOCKS_S * 1e6 else now_us


def _same_call(contest: Contest, report: Report) -> bool:
    near = abs(contest.reports[0].at_us - report.at_us) <= WINDOW_S * 1e6
    return near and all(one.satellite != report.satellite for one in contest.reports)
