"""A broker in memory, and links on it: what tests and demonstrations use where no broker runs.

`FakeBus` keeps the promises of MQTT 5 that our programs build on: order per sender, retained
messages, wills, one connection per client id. It knows no accounts and no expiry.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connection, Delivery, Publication, Receiver, Will
from antiphon_link.errors import LinkDownError, LinkError, LinkRefusedError
from antiphon_link.link import Link

PUBLISHED_MAX: Final = 10_000
"""Publications that the bus remembers for its reader; the oldest are dropped."""
ADDRESS: Final = BrokerAddress(host="memory", port=1883)


class FakeBus:
    """The broker; several FakeLinks share one."""

    def __init__(self) -> None:
        self._connections: dict[str, FakeConnection] = {}
        self._retained: dict[str, Publication] = {}
        self._running = True
        self.published: deque[Publication] = deque(maxlen=PUBLISHED_MAX)
        """What was published, oldest first, wills too."""

    @asynccontextmanager
    async def connect(
        self, address: BrokerAddress, client_id: str, will: Will | None, receiver: Receiver
    ) -> AsyncIterator[Connection]:
        """Be connected inside the block (see `connection.Connect`).

        Raises:
            LinkDownError: the bus is stopped.
        """
        if not self._running:
            raise LinkDownError(f"broker {address} is not reachable: stopped")
        if (older := self._connections.get(client_id)) is not None:
            older.lose(LinkRefusedError(f"another program connected as {client_id}"))
        connection = FakeConnection(self, client_id, will, receiver)
        self._connections[client_id] = connection
        try:
            yield connection
        finally:
            connection.leave()

    def cut(self, client_id: str) -> None:
        """Lose a client's connection: its will is published."""
        self._connections[client_id].lose(LinkDownError("the connection was cut"))

    def stop(self) -> None:
        """Take the broker away; it forgets what was retained, as one without a disk does."""
        self._running = False
        self._retained.clear()
        for connection in tuple(self._connections.values()):
            connection.drop_will()
            connection.lose(LinkDownError("the broker stopped"))

    def start(self) -> None:
        """Bring the broker back."""
        self._running = True

    def publish(self, publication: Publication) -> None:
        """Publish as some stranger with an account would."""
        self.published.append(publication)
        if publication.retain and publication.payload:
            self._retained[publication.path] = publication
        elif publication.retain:
            self._retained.pop(publication.path, None)
        for connection in tuple(self._connections.values()):
            connection.offer(publication)

    def retained(self, topic_filter: str) -> list[Publication]:
        """Return the retained messages that the filter matches."""
        return [one for path, one in self._retained.items() if matches(topic_filter, path)]

    def forget(self, client_id: str, connection: "FakeConnection") -> None:
        """Take a connection out, unless a newer one of the same client has replaced it."""
        if self._connections.get(client_id) is connection:
            del self._connections[client_id]


class FakeConnection:
    """One client's session on a FakeBus; see `connection.Connection`."""

    def __init__(self, bus: FakeBus, client_id: str, will: Will | None, receiver: Receiver) -> None:
        self._bus = bus
        self._client_id = client_id
        self._will = will
        self._receiver = receiver
        self._filters: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._error: LinkError | None = None
        self._ended = asyncio.Event()

    def publish(self, publication: Publication) -> asyncio.Future[None] | None:
        """Hand a message over; see `connection.Connection`."""
        self._require()
        self._bus.publish(publication)
        if publication.qos == 0:
            return None
        taken: asyncio.Future[None] = self._loop.create_future()
        self._loop.call_soon(_done, taken)
        return taken

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe; see `connection.Connection`."""
        self._require()
        for topic_filter, _ in filters:
            if topic_filter not in self._filters:
                self._filters.append(topic_filter)
            for publication in self._bus.retained(topic_filter):
                self._take(publication, retained=True)
        await asyncio.sleep(0)

    async def unsubscribe(self, topic_filter: str) -> None:
        """Undo one subscription; see `connection.Connection`."""
        self._require()
        if topic_filter in self._filters:
            self._filters.remove(topic_filter)
        await asyncio.sleep(0)

    async def wait_lost(self) -> None:
        """Wait for the end; see `connection.Connection`."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    def offer(self, publication: Publication) -> None:
        """Take the publication if a subscription matches."""
        if any(matches(one, publication.path) for one in self._filters):
            self._take(publication, retained=False)

    def lose(self, error: LinkError) -> None:
        """End in disorder: the will is published."""
        if self._error is not None:
            return
        self.leave(error)
        if (will := self._will) is not None:
            self._bus.publish(
                Publication(path=will.topic, payload=will.payload, qos=will.qos, retain=will.retain)
            )

    def leave(self, error: LinkError | None = None) -> None:
        """End in order: no will."""
        if self._error is None:
            self._error = error or LinkDownError("the link was closed")
            self._ended.set()
            self._bus.forget(self._client_id, self)

    def drop_will(self) -> None:
        """Forget the will: nobody is there to publish it."""
        self._will = None

    def _take(self, publication: Publication, *, retained: bool) -> None:
        delivery = Delivery(
            path=publication.path,
            payload=publication.payload,
            retained=retained,
            response_topic=publication.response_topic,
            correlation=publication.correlation,
        )
        self._loop.call_soon(self._hand_over, delivery)

    def _hand_over(self, delivery: Delivery) -> None:
        if self._error is None:
            self._receiver.dispatch(delivery)

    def _require(self) -> None:
        if self._error is not None:
            raise self._error


class FakeLink(Link):
    """A link on a FakeBus: all of Link, with the broker in memory."""

    def __init__(
        self,
        bus: FakeBus,
        *,
        client_id: str,
        will: Callable[[], Will] | None = None,
        name: str = "",
    ) -> None:
        super().__init__(_resolve, client_id=client_id, will=will, name=name, connect=bus.connect)


def matches(topic_filter: str, path: str) -> bool:
    """Tell whether an MQTT topic filter matches a topic (MQTT 5.0, section 4.7)."""
    if path.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    wanted, levels = topic_filter.split("/"), path.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


async def _resolve() -> BrokerAddress:
    return ADDRESS


def _done(taken: asyncio.Future[None]) -> None:
    if not taken.done():
        taken.set_result(None)
