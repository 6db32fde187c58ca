"""Which handler gets which message: decoding, counting and containing what handlers do wrong."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from antiphon_link.connection import Delivery
from antiphon_link.logs import Rate
from antiphon_protocol.errors import DecodeError, UnknownMessageError
from antiphon_protocol.topics import Topic, is_response_topic

log = logging.getLogger(__name__)

PATHS_MAX: Final = 4096
"""So many paths are remembered, then all are forgotten."""


class Envelope(msgspec.Struct, frozen=True):
    """What came with a message besides its payload."""

    ids: dict[str, str]
    """The ids in its topic."""
    retained: bool
    response_topic: str = ""
    """Where the sender wants its answer; empty without one, or when it may not be answered to."""
    correlation: bytes = b""


Handler = Callable[[Any, Envelope], None]


class Route(msgspec.Struct, frozen=True, eq=False):
    """A handler and the messages it wants; two equal ones are still two."""

    topic: Topic[Any]
    ids: dict[str, str]
    handler: Handler

    @property
    def filter(self) -> str:
        """The MQTT topic filter to subscribe to."""
        return self.topic.filter(**self.ids)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the ids in the path if the handler wants it."""
        ids = self.topic.match(path)
        if ids is None or any(ids[key] != value for key, value in self.ids.items()):
            return None
        return ids


class Routes:
    """All routes of one link: its `connection.Receiver`.

    `counts` gets decode_errors, unknown_messages and handler_errors.
    """

    def __init__(self, name: str, counts: Counter[str]) -> None:
        self._name = name
        self._counts = counts
        self._routes: list[Route] = []
        self._wanting: dict[str, tuple[tuple[Route, dict[str, str]], ...]] = {}
        """Who wants which path, and its ids: a stream's frames all come on one."""
        self._complaints = Rate(per_s=0.1, burst=3)

    def __iter__(self) -> Iterator[Route]:
        return iter(tuple(self._routes))

    def add(self, route: Route) -> None:
        """Take in a route."""
        self._wanting.clear()
        self._routes.append(route)

    def remove(self, route: Route) -> None:
        """Forget a route, if it is still there."""
        self._wanting.clear()
        self._routes = [one for one in self._routes if one is not route]

    def remove_filter(self, topic_filter: str) -> None:
        """Forget all routes with that filter."""
        self._wanting.clear()
        self._routes = [one for one in self._routes if one.filter != topic_filter]

    def filters(self) -> list[tuple[str, int]]:
        """Return each filter once, with its QoS."""
        return list(dict.fromkeys((route.filter, route.topic.qos) for route in self._routes))

    def dispatch(self, delivery: Delivery) -> None:
        """Decode the message and call each handler that wants it; never raises."""
        for route, ids in self._who_wants(delivery.path):
            if not delivery.payload and route.topic.retain:
                continue  # an empty retained message was removed: nobody says anything by it
            try:
                message = route.topic.decode(delivery.payload)
            except UnknownMessageError as error:
                self._complain("unknown_messages", delivery.path, error)
            except DecodeError as error:
                self._complain("decode_errors", delivery.path, error)
            else:
                self._handle(route, message, _envelope(delivery, ids))

    def _who_wants(self, path: str) -> tuple[tuple[Route, dict[str, str]], ...]:
        wanting = self._wanting.get(path)
        if wanting is None:
            if len(self._wanting) >= PATHS_MAX:
                self._wanting.clear()
            matches = ((route, route.match(path)) for route in self._routes)
            wanting = tuple((route, ids) for route, ids in matches if ids is not None)
            self._wanting[path] = wanting
        return wanting

    def _handle(self, route: Route, message: object, envelope: Envelope) -> None:
        try:
            route.handler(message, envelope)
        except Exception:  # a handler's mistake must not end every other conversation
            self._counts["handler_errors"] += 1
            log.exception("%s: handler of %s failed", self._name, route.topic.name)

    def _complain(self, kind: str, path: str, error: DecodeError) -> None:
        self._counts[kind] += 1
        if self._complaints.allows(asyncio.get_running_loop().time()):
            log.warning("%s: %s on %s: %s", self._name, kind, path[:120], error)


def _envelope(delivery: Delivery, ids: dict[str, str]) -> Envelope:
    wanted = delivery.response_topic
    return Envelope(
        ids, delivery.retained, wanted if is_response_topic(wanted) else "", delivery.correlation
    )
