"""A deed: one thing that can be done through the console, by its pages and by its JSON API alike.

The table of all deeds is where addresses, rights, types and the OpenAPI document come from.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_type_hints

import msgspec

from antiphon_hub.identity.people import Person, Scope
from antiphon_hub.web.house import House
from antiphon_hub.web.live import Live
from antiphon_hub.web.observer import Observer

Method = Literal["GET", "POST", "PUT", "DELETE"]
DONE: Final = "Done."


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what a deed gives."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a deed takes: from the path, the query, the JSON body or a form."""


class Nothing(Asked, frozen=True, kw_only=True):
    """Takes nothing."""


class Done(Record, frozen=True, kw_only=True):
    """It is done."""

    message: str = DONE
    """A sentence for people."""
    notes: tuple[str, ...] = ()
    """What to look at, though it is done."""


@dataclass(frozen=True)
class Visitor:
    """Who asks."""

    person: Person
    scopes: frozenset[Scope]
    csrf: str = ""
    """What forms of this session must hold; empty for a program with a token."""
    cookie: str = ""

    def may(self, scope: Scope | str) -> bool:
        """Tell whether this is allowed."""
        return scope in self.scopes


@dataclass(frozen=True)
class Desk:
    """What a deed works with."""

    house: House
    live: Live
    observer: Observer
    who: Visitor

    async def audit(self, what: str, detail: str = "") -> None:
        """Write down who did what; no speech, no secrets."""
        accounts = self.house.accounts
        await asyncio.to_thread(accounts.audit, self.who.person.name, what, detail[:200])


@dataclass(frozen=True)
class Deed:
    """One row of the table."""

    name: str
    """`timers.start`: module and function."""
    method: Method
    path: str
    """Below `/api/v1`, with `{name}` for parts that `takes` has."""
    scope: Scope
    takes: type[Asked]
    gives: Any
    run: Callable[[Desk, Any], Awaitable[Any]]
    summary: str
    topic: str


def deed(
    method: Method, path: str, scope: Scope
) -> Callable[[Callable[[Desk, Any], Awaitable[Any]]], Deed]:
    """Make a deed of a coroutine function `(desk, asked) -> result`, by its annotations."""

    def made(run: Callable[[Desk, Any], Awaitable[Any]]) -> Deed:
        hints = get_type_hints(run)
        topic = run.__module__.rpartition(".")[2]
        return Deed(
            name=f"{topic}.{run.__name__}",
            method=method,
            path=path,
            scope=scope,
            takes=hints["asked"],
            gives=hints["return"],
            run=run,
            summary=(inspect.getdoc(run) or "").partition("\n")[0],
            topic=topic,
        )

    return made
