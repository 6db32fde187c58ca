"""Timers, alarms, reminders and lists."""

from typing import Annotated, Literal

import msgspec

from antiphon_hub.identity.people import Scope
from antiphon_hub.web.deed import Asked, Desk, Nothing, Record, deed
from antiphon_hub.web.deeds.rooms import SomeName, granted
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name, Text
from antiphon_protocol.messages.timer import (
    Amount,
    AskList,
    AskTimer,
    TimerInfo,
    TimerKind,
    Weekday,
)


class Timers(Record, frozen=True, kw_only=True):
    """Timers as they stand."""

    timers: tuple[TimerInfo, ...]


class Start(Asked, frozen=True, kw_only=True):
    """What to set: a length, or a time of day."""

    kind: TimerKind | None = None
    """None: a timer, or an alarm if `at` is given."""
    hours: Amount = 0.0
    minutes: Amount = 0.0
    seconds: Amount = 0.0
    at: Name = ""
    """`07:30`, or `2026-11-22T07:30` in the home's time zone."""
    days: Annotated[tuple[Weekday, ...], msgspec.Meta(max_length=7)] = ()
    room: Name = ""
    """Where it rings; empty: everywhere."""
    name: Name = ""
    text: Text = ""
    """What a reminder is about."""


class Change(Asked, frozen=True, kw_only=True):
    """What to do with a timer."""

    timer: Slug
    action: Literal["cancel", "pause", "resume", "add", "snooze", "stop"]
    minutes: Amount = 0.0
    """How much to add, or to snooze."""


class ListNamed(Asked, frozen=True, kw_only=True):
    """A list."""

    list: SomeName = "shopping"


class ListItem(Asked, frozen=True, kw_only=True):
    """Something on a list."""

    list: SomeName
    item: SomeName


class Items(Record, frozen=True, kw_only=True):
    """What is on a list."""

    list: str
    items: tuple[str, ...]


@deed("GET", "/timers", Scope.READ)
async def listed(desk: Desk, asked: Nothing) -> Timers:
    """Tell all timers, alarms and reminders."""
    del asked
    answer = granted(await desk.house.ask.timer(AskTimer(action="list")))
    return Timers(timers=answer.timers)


@deed("POST", "/timers", Scope.CONTROL)
async def start(desk: Desk, asked: Start) -> Timers:
    """Set a timer, an alarm or a reminder."""
    request = AskTimer(
        action="start",
        kind=asked.kind,
        hours=asked.hours,
        minutes=asked.minutes,
        seconds=asked.seconds,
        at=asked.at,
        days=asked.days,
        room=asked.room,
        name=asked.name,
        text=asked.text,
    )
    return Timers(timers=granted(await desk.house.ask.timer(request)).timers)


@deed("POST", "/timers/{timer}", Scope.CONTROL)
async def change(desk: Desk, asked: Change) -> Timers:
    """Cancel, pause, resume, lengthen, snooze or stop one."""
    request = AskTimer(action=asked.action, timer=asked.timer, minutes=asked.minutes)
    return Timers(timers=granted(await desk.house.ask.timer(request)).timers)


@deed("GET", "/lists/{list}", Scope.READ)
async def items(desk: Desk, asked: ListNamed) -> Items:
    """Tell what is on a list."""
    return await _about(desk, AskList(action="show", list=asked.list))


@deed("POST", "/lists/{list}", Scope.CONTROL)
async def add_item(desk: Desk, asked: ListItem) -> Items:
    """Put something on a list."""
    return await _about(desk, AskList(action="add", list=asked.list, item=asked.item))


@deed("DELETE", "/lists/{list}/{item}", Scope.CONTROL)
async def remove_item(desk: Desk, asked: ListItem) -> Items:
    """Take something off a list."""
    return await _about(desk, AskList(action="remove", list=asked.list, item=asked.item))


@deed("DELETE", "/lists/{list}", Scope.CONTROL)
async def clear_list(desk: Desk, asked: ListNamed) -> Items:
    """Take everything off a list."""
    return await _about(desk, AskList(action="clear", list=asked.list))


async def _about(desk: Desk, request: AskList) -> Items:
    answer = granted(await desk.house.ask.list(request))
    return Items(list=request.list, items=answer.items)
