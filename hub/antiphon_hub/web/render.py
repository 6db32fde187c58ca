"""Templates, and how things are written for people."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from antiphon_hub.web.assets import Assets
from antiphon_hub.web.board import UNKNOWN_DBFS, RoomNow
from antiphon_hub.web.plots import area, bars_of, line
from antiphon_hub.web.words import INTENTS, OUTCOMES, REASONS, SOURCES, STAGES, STATES

FOLDER: Final = Path(__file__).with_name("templates")
MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86400


class Pages:
    """Renders templates; all of them escape what they are given."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": moment,
            "iso": iso,
            "span": span,
            "ms": milliseconds,
            "key": key_of,
            "slots": slots,
            "intent": lambda name: INTENTS.get(name, name),
            "reason": lambda code: REASONS.get(code, code),
            "stage": lambda name: STAGES.get(name, name),
            "outcome": lambda name: OUTCOMES.get(name, name),
            "source": lambda name: SOURCES.get(name, name),
            "state": lambda name: STATES.get(name, name),
        }
        self._environment.globals |= {
            "asset": assets.path,
            "icon": lambda name: _icon(assets.path("icons.svg"), name),
            "wave": area,
            "line": line,
            "bars_of": bars_of,
            "UNKNOWN_DBFS": UNKNOWN_DBFS,
        }

    def render(self, template: str, **values: Any) -> str:
        """Return a page or a part of one."""
        return self._environment.get_template(template).render(**values)

    def room_card(self, room: RoomNow, words: bool) -> str:
        """Return a room's card."""
        return self.render("part_room.html", room=room, words=words)


def moment(at_s: float) -> str:
    """Return a time for people, in this machine's zone."""
    then = datetime.fromtimestamp(at_s).astimezone()
    now = datetime.now().astimezone()
    if then.date() == now.date():
        return f"{then:%H:%M:%S}"
    year = f" {then:%Y}" if then.year != now.year else ""
    return f"{then:%a} {then.day} {then:%b}{year}, {then:%H:%M}"


def iso(at_s: float) -> str:
    """Return a time for `<time datetime>`."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """Return a length of time for people: `2 h 5 min`, `40 s`."""
    whole = max(0, round(seconds))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        minutes, rest = divmod(whole, MINUTE_S)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if whole < DAY_S:
        hours, rest = divmod(whole, HOUR_S)
        return f"{hours} h {rest // MINUTE_S} min" if rest >= MINUTE_S else f"{hours} h"
    days, rest = divmod(whole, DAY_S)
    return f"{days} d {rest // HOUR_S} h" if rest >= HOUR_S else f"{days} d"


def milliseconds(value: float) -> str:
    """Return a short length of time: `12 ms`, `1.4 s`."""
    if value >= 1000:  # noqa: PLR2004 - from a second on, seconds
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"  # noqa: PLR2004 - two digits


def key_of(name: str) -> str:
    """Return how pages name a room in their markup."""
    return name.strip().lower()


def slots(found: dict[str, Any]) -> str:
    """Return slots in words: `area: kitchen, brightness: 40`."""
    return ", ".join(f"{name}: {value}" for name, value in found.items())


@cache
def _icon(path: str, name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        path, name
    )
