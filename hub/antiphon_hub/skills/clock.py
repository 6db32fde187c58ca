"""What time is it?"""

from datetime import datetime

from antiphon_hub.home.spoken import number_words
from antiphon_hub.skills.port import Reply, Request

_HALF_DAY_HOURS = 12
_SINGLE_DIGIT = 10


class ClockSkill:
    """Tells the time, in words."""

    intents = frozenset({"HassGetCurrentTime"})

    async def do(self, request: Request) -> Reply:
        """Return the time of the request."""
        here = f"{time_words(request.now)}."
        if request.slots.get("place"):
            return Reply(f"I only know the time here. It's {here}")
        return Reply(f"It's {here}")


def time_words(now: datetime) -> str:
    """Return the time as it is spoken: `three oh five in the afternoon`."""
    hour = number_words((now.hour - 1) % _HALF_DAY_HOURS + 1)
    if now.minute == 0:
        return f"{hour} o'clock {_part_of_day(now.hour)}"
    oh = "oh " if now.minute < _SINGLE_DIGIT else ""
    return f"{hour} {oh}{number_words(now.minute)} {_part_of_day(now.hour)}"


def _part_of_day(hour: int) -> str:
    for end, part in ((5, "at night"), (12, "in the morning"), (18, "in the afternoon")):
        if hour < end:
            return part
    return "in the evening" if hour < 22 else "at night"  # noqa: PLR2004 - when the night begins
