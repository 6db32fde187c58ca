"""What the satellite makes of the hub's answers, as data to which the browser satellite is held.

`python -m tests.satellites.browser_clock` writes it beside that one's tests.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

from antiphon_protocol.clock import Exchange, OffsetEstimator
from antiphon_satellite.hub_clock import ASKS, Pace

FILE: Final = Path(__file__).parents[2] / "satellites" / "browser" / "test" / "clock.json"
EXCHANGES: Final = 50
LATER_US: Final = 30_000_000
DOUBTS_US: Final = (5000.0,) * 45 + (1500.0,) * 8 + (200.0,) * 8


def text() -> str:
    """Return series of exchanges with offset and doubt behind each, and waits by doubt."""
    series = [_series(Random(seed)) for seed in range(2)]
    return json.dumps({"series": series, "pace": _pace()}, indent=1) + "\n"


def _series(dice: Random) -> list[dict[str, Any]]:
    """Two clocks that drift apart, 0-80 ms on the way; in the middle one of them is set."""
    estimator = OffsetEstimator()
    skew = dice.uniform(-1e-4, 1e-4)
    rows = []
    for number, asked_us in enumerate(_times(dice)):
        away_us = 7_000_000 + 900_000 * (number > EXCHANGES // 2) + skew * asked_us
        received_us = round(asked_us + away_us + dice.uniform(0, 80_000))
        replied_us = received_us + 200
        answered_us = round(replied_us - away_us + dice.uniform(0, 80_000))
        estimator.add(Exchange(asked_us, received_us, replied_us, answered_us))
        rows.append(
            {
                "exchange": [asked_us, received_us, replied_us, answered_us],
                "offset_us": estimator.offset_at(answered_us),
                "doubt_us": round(estimator.doubt_at(answered_us), 3),
                "doubt_later_us": round(estimator.doubt_at(answered_us + LATER_US), 3),
            }
        )
    return rows


def _times(dice: Random) -> Iterator[int]:
    now_us = 0
    for _ in range(EXCHANGES):
        now_us += round(dice.choice((50_000, 3_000_000, 15_000_000)) * dice.uniform(0.8, 1.2))
        yield now_us


class _Middle(Random):
    """Always draws the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def _pace() -> dict[str, Any]:
    pace = Pace(_Middle())
    return {
        "asks": ASKS,
        "first_s": pace.first_s(),
        "seldom_s": [[doubt, pace.wait_s(doubt)] for doubt in DOUBTS_US],
        "need": [[at, pace.need(at)] for at in (1.0, 2.0, 5.9, 6.0)],
        "often_s": [[doubt, pace.wait_s(doubt)] for doubt in DOUBTS_US],
    }


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
