"""What day is it?"""

from datetime import datetime
from typing import Final

from antiphon_hub.home.spoken import number_words
from antiphon_hub.skills.port import Reply, Request

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_ORDINALS: Final = {"one": "first", "two": "second", "three": "third", "five": "fifth"} | {
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
    "twenty": "twentieth",
    "thirty": "thirtieth",
}


class CalendarSkill:
    """Tells the date or the day of the week, in words."""

    intents = frozenset({"HassGetCurrentDate"})

    async def do(self, request: Request) -> Reply:
        """Return the date of the request."""
        if request.slots.get("when"):
            return Reply(f"I only know what day it is today. It's {date_words(request.now)}.")
        if request.response == "day":
            return Reply(f"It's {_DAYS[request.now.weekday()]}.")
        return Reply(f"It's {date_words(request.now)}.")


def date_words(now: datetime) -> str:
    """Return the date as it is spoken: `Friday, the twenty first of November`."""
    day, month = _DAYS[now.weekday()], _MONTHS[now.month - 1]
    return f"{day}, the {ordinal_words(now.day)} of {month}"


def ordinal_words(number: int) -> str:
    """Return which one of a row it is: `twenty first`."""
    *tens, last = number_words(number).split()
    return " ".join([*tens, _ORDINALS.get(last, f"{last}th")])
