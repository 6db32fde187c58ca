"""How loud each satellite hears, learned from the calls of the home. Pure.

Two microphones differ by more than two rooms do: a device's gain is unknown within some 24 dB. What
it makes of quiet tells most of it, for rooms at rest are about equally quiet; the noise of the
moment would not do, as a television beside the person who calls must not send the call next
door. What is left (a fridge, a noisy microphone, a large room) shows in how loud the calls are that
a satellite won clearly, against those that the others won.

A satellite of which nothing is known yet is judged by its signal over its noise of the moment.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

from antiphon_hub.turns.arbitration.report import Report

FLOORS_KEPT: Final = 64
WINS_KEPT: Final = 32
"""A satellite that was moved or turned up is learned anew within days."""
QUIET_SHARE: Final = 0.25
"""The quiet floor is the lower quarter of the floors: the very lowest may be a muted microphone."""
DOUBT: Final = 5.0
"""So many calls won weigh as much as the assumption that all satellites hear alike."""
CLEAR_DB: Final = 4.0
"""A win by less teaches nothing: it may have been the wrong room."""


FLOOR_EVERY_S: Final = 600.0
"""Of a satellite's floors between calls one in ten minutes is kept: half a day in all, so that
quiet hours are among them."""
SILENCE_DBFS: Final = -120.0
"""A floor below it is no microphone's: nothing was heard yet."""
KNOWN_MAX: Final = 1024
"""Satellites that are remembered; policy: the one that reported longest ago goes first."""


class Hearing(msgspec.Struct):
    """What is known of one satellite; each list oldest first."""

    floors_dbfs: list[float] = []
    """Noise floors, between calls and when it reported some."""
    wins_dbfs: list[float] = []
    """Levels of calls that it won clearly."""

    @property
    def quiet_dbfs(self) -> float:
        """Its noise floor in a quiet room; there must be a floor."""
        return sorted(self.floors_dbfs)[int(len(self.floors_dbfs) * QUIET_SHARE)]

    @property
    def weight(self) -> float:
        """How far its wins are to be believed, 0 to 1."""
        return len(self.wins_dbfs) / (len(self.wins_dbfs) + DOUBT)


class Gains:
    """What is known of all satellites."""

    def __init__(self) -> None:
        self._known: dict[str, Hearing] = {}
        self._rested_s: dict[str, float] = {}

    def restore(self, satellite: str, hearing: Hearing) -> None:
        """Take in what was learned in an earlier life."""
        self._known[satellite] = hearing

    def known(self, satellite: str) -> Hearing:
        """Return what is known of a satellite, to be kept."""
        return self._known.get(satellite, Hearing())

    def scores_db(self, reports: Sequence[Report]) -> list[float]:
        """Return each report's score, decibels; the highest should answer."""
        typical_db = self._typical_db()
        return [self._score_db(report, typical_db) for report in reports]

    def rest(self, satellite: str, noise_dbfs: float, now_s: float) -> bool:
        """Learn a satellite's noise floor between calls; tells whether this one was kept."""
        last_s = self._rested_s.get(satellite)
        if noise_dbfs < SILENCE_DBFS or (last_s is not None and now_s - last_s < FLOOR_EVERY_S):
            return False
        self._rested_s[satellite] = now_s
        self._add_floor(satellite, noise_dbfs)
        return True

    def learn(self, reports: Sequence[Report]) -> None:
        """Learn from all reports of one call."""
        scores_db = self.scores_db(reports)
        best = max(range(len(reports)), key=scores_db.__getitem__)
        rest_db = [score for number, score in enumerate(scores_db) if number != best]
        for report in reports:
            self._add_floor(report.satellite, report.noise_dbfs)
        if not rest_db or scores_db[best] - max(rest_db) >= CLEAR_DB:
            hearing = self._known[reports[best].satellite]
            hearing.wins_dbfs = [*hearing.wins_dbfs, reports[best].signal_dbfs][-WINS_KEPT:]

    def _add_floor(self, satellite: str, noise_dbfs: float) -> None:
        hearing = self._known.pop(satellite, Hearing())
        self._known[satellite] = hearing
        hearing.floors_dbfs = [*hearing.floors_dbfs, noise_dbfs][-FLOORS_KEPT:]
        while len(self._known) > KNOWN_MAX:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._rested_s.pop(oldest, None)

    def _score_db(self, report: Report, typical_db: float) -> float:
        known = self.known(report.satellite)
        seen = Hearing([*known.floors_dbfs, report.noise_dbfs], known.wins_dbfs)
        more_db = seen.weight * (_win_db(seen) - typical_db) if seen.wins_dbfs else 0.0
        return report.signal_dbfs - seen.quiet_dbfs - more_db + report.sureness_db

    def _typical_db(self) -> float:
        """Return how far over its quiet floor a satellite of this home hears the calls it wins."""
        wins = [one for one in self._known.values() if one.wins_dbfs]
        weight = sum(one.weight for one in wins)
        return sum(one.weight * _win_db(one) for one in wins) / weight if wins else 0.0


def _win_db(hearing: Hearing) -> float:
    return median(hearing.wins_dbfs) - hearing.quiet_dbfs
