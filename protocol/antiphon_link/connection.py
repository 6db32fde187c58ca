"""What the link needs of one connection to a broker: the port between rules and sockets.

`mqtt.connect` is the real one; `fake.FakeBus.connect` is the one in memory. Both keep one contract
suite: ordered, acknowledged, ended by `wait_lost`, with a will for the disorderly end.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from antiphon_link.broker import BrokerAddress


class Will(msgspec.Struct, frozen=True):
    """What the broker shall publish when we vanish."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way to the broker."""

    path: str
    payload: bytes
    qos: int
    retain: bool = False
    content_type: str = ""
    expiry_s: int | None = None
    response_topic: str = ""
    correlation: bytes = b""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message that the broker delivered."""

    path: str
    payload: bytes
    retained: bool = False
    response_topic: str = ""
    correlation: bytes = b""


class Receiver(Protocol):
    """Who gets what the broker delivers."""

    def dispatch(self, delivery: Delivery) -> None:
        """Take one message; returns at once, never raises."""


class Connection(Protocol):
    """A live connection; every method is called in the event loop's thread."""

    def publish(self, publication: Publication) -> asyncio.Future[None] | None:
        """Hand a message over, behind all earlier ones.

        Returns:
            None when it has left; else a future that is done when the broker has it (QoS 1) or the
            socket took it (QoS 0), or fails with LinkDownError or LinkRefusedError.

        Raises:
            LinkDownError: the connection is lost.
        """

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe to (filter, QoS) pairs; returns once the broker confirmed all of them.

        Raises:
            LinkDownError: the connection is lost.
            LinkRefusedError: our account may not read one of them.
        """

    async def unsubscribe(self, topic_filter: str) -> None:
        """Undo one subscription.

        Raises:
            LinkDownError: the connection is lost.
        """

    async def wait_lost(self) -> None:
        """Wait for the end of the connection.

        Raises:
            LinkDownError: it was lost, always.
            LinkRefusedError: the broker ended it for a reason that retrying does not mend.
        """


Connect = Callable[
    [BrokerAddress, str, Will | None, Receiver], AbstractAsyncContextManager[Connection]
]
"""Opens a connection for a client id; leaving the block ends it in order, without the will.

Entering raises LinkDownError or LinkRefusedError.
"""
