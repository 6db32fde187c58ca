"""What the broker has to answer: packet ids, the window of what is on its way, overdue answers."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from antiphon_link.errors import LinkError

PACKET_IDS: Final = 65535
PING: Final = 0
"""The number of the ping, which has no id and of which there is one at a time."""


class Exchange:
    """Something that the broker has to answer."""

    __slots__ = ("about", "answer", "due_s", "windowed")

    def __init__(
        self, answer: asyncio.Future[None], about: tuple[str, ...], windowed: bool
    ) -> None:
        self.answer = answer
        self.about = about
        """The topic that is written, or the filters that are subscribed to."""
        self.windowed = windowed
        """A message: so many of them may be on their way as the broker says."""
        self.due_s = 0.0
        """When the answer is overdue, the loop's time; 0: it was not sent yet."""


class Exchanges:
    """Keeps the order in which things are sent, and knows what waits for which answer.

    What is held behind the window is bounded by those who publish: posts by the link's queue, all
    others wait for their answer.
    """

    def __init__(
        self, write: Callable[[bytes], None], overdue: Callable[[], None], answer_s: float
    ) -> None:
        """Prepare.

        Args:
            write: Sends bytes.
            overdue: Called when an answer has not come in time.
            answer_s: How long an answer may take.
        """
        self._write = write
        self._overdue = overdue
        self._answer_s = answer_s
        self._loop = asyncio.get_running_loop()
        self._last_id = 0
        self._open: dict[int, Exchange] = {}
        self._held: deque[tuple[int, bytes]] = deque()
        self._on_their_way = 0
        self._watch: asyncio.TimerHandle | None = None
        self.window = PACKET_IDS
        """Messages that the broker takes without having acknowledged any."""

    def new_id(self) -> int:
        """Return a packet id that is not in use."""
        number = self._last_id
        while True:
            number = number % PACKET_IDS + 1
            if number not in self._open:
                self._last_id = number
                return number

    def get(self, number: int) -> Exchange | None:
        """Return what waits for the answer of that id."""
        return self._open.get(number)

    def ask(self, number: int, data: bytes, about: tuple[str, ...] = ()) -> asyncio.Future[None]:
        """Send something that is answered; return what is done then, or fails."""
        exchange = Exchange(self._loop.create_future(), about, windowed=False)
        self._open[number] = exchange
        self._sent(exchange)
        self._write(data)
        return exchange.answer

    def publish(self, number: int, data: bytes, path: str) -> asyncio.Future[None]:
        """Send a message that is acknowledged, once the broker has room for it."""
        exchange = Exchange(self._loop.create_future(), (path,), windowed=True)
        self._open[number] = exchange
        self._held.append((number, data))
        self._send_held()
        return exchange.answer

    def follow(self, data: bytes) -> None:
        """Send a message that is not acknowledged, behind all earlier ones."""
        if self._held:
            self._held.append((PING, data))
        else:
            self._write(data)

    def answered(self, number: int, error: LinkError | None = None) -> None:
        """The answer is here; an error makes it fail."""
        exchange = self._open.pop(number, None)
        if exchange is None:
            return
        if exchange.windowed:
            self._on_their_way -= 1
            self._send_held()
        if exchange.answer.done():
            return  # nobody waits any more
        if error is None:
            exchange.answer.set_result(None)
        else:
            exchange.answer.set_exception(error)

    def fail(self, error: LinkError) -> None:
        """No answer comes any more."""
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._open = self._open, {}
        self._held.clear()
        for exchange in waiting.values():
            if not exchange.answer.done():
                exchange.answer.set_exception(error)

    def _send_held(self) -> None:
        while self._held:
            number, data = self._held[0]
            if number:
                if self._on_their_way >= self.window:
                    return
                self._on_their_way += 1
                self._sent(self._open[number])
            self._held.popleft()
            self._write(data)

    def _sent(self, exchange: Exchange) -> None:
        exchange.due_s = self._loop.time() + self._answer_s
        if self._watch is None:
            self._watch = self._loop.call_at(exchange.due_s, self._look)

    def _look(self) -> None:
        """Look for an answer that is overdue."""
        self._watch = None
        due_s = min((one.due_s for one in self._open.values() if one.due_s), default=None)
        if due_s is None:
            return
        if due_s <= self._loop.time():
            self._overdue()
        else:
            self._watch = self._loop.call_at(due_s, self._look)
