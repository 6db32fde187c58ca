"""One connection to a Wyoming service: blocking, each call with a limit of time."""

import socket
import time
from collections import deque
from typing import Final, Self

from antiphon_engines.errors import ServiceError
from antiphon_engines.wyoming.codec import Event, Reader, encode
from antiphon_engines.wyoming.options import address

_RECEIVE_BYTES: Final = 1 << 16
_REMARK_CHARS_MAX: Final = 200
_EVENTS_MAX: Final = 4096
"""Events of one answer that nobody has taken yet; more are an error."""


class Connection:
    """A connection; one thread at a time.

    Every error names the service and says what to do.

    Raises:
        ServiceError: the service cannot be reached.
    """

    def __init__(self, uri: str, connect_s: float) -> None:
        self._uri = uri
        self._reader = Reader()
        self._come: deque[Event] = deque()
        self._over = ""
        try:
            self._socket = _connect(uri, connect_s)
        except OSError as error:
            raise self._error(
                f"cannot be reached ({error.strerror or error}); is the service started, and does "
                "it listen at this address?"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, event: Event, within_s: float) -> None:
        """Send an event.

        Raises:
            ServiceError: the service is gone, or takes nothing in.
        """
        try:
            self._socket.settimeout(within_s)
            self._socket.sendall(encode(event))
        except TimeoutError:
            raise self._error(
                f"has taken nothing in for {within_s:g} s; is it overloaded?"
            ) from None
        except OSError as error:
            self._take_last_words()
            raise self._error(f"has closed the connection ({error.strerror})") from None

    def receive(self, kinds: tuple[str, ...], within_s: float) -> Event:
        """Return the next event of one of these kinds, past any others.

        Raises:
            ServiceError: none comes in time, the service tells of an error or is gone, or it
                speaks something else.
        """
        end_s = time.monotonic() + within_s
        while True:
            while self._come:
                if (event := self._take()).type in kinds:
                    return event
            if self._over:
                raise self._error(self._over)
            left_s = end_s - time.monotonic()
            if left_s <= 0 or not self._read(left_s):
                raise self._error(
                    f"has not answered within {within_s:g} s; give it longer, a smaller model, or "
                    "a faster machine"
                )

    def come(self) -> list[Event]:
        """Return the events that are there by now.

        Raises:
            ServiceError: as `receive`, except that nothing need have come.
        """
        while not self._over and self._read(0.0):
            pass
        return [self._take() for _ in range(len(self._come))]

    def close(self) -> None:
        """Close it; harmless when it is closed."""
        self._socket.close()

    def _take(self) -> Event:
        event = self._come.popleft()
        if event.type == "error":
            raise self._error(f"says: {_remark(event.data.get('text'))}")
        return event

    def _read(self, within_s: float) -> bool:
        """Take in what comes within that time; tell whether anything did."""
        try:
            self._socket.settimeout(within_s)
            data = self._socket.recv(_RECEIVE_BYTES)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:
            self._over = f"has broken the connection ({error.strerror or error})"
            return True
        if not data:
            self._over = "has closed the connection in the middle of its work; look into its log"
            return True
        try:
            self._come.extend(self._reader.feed(data))
        except ServiceError as error:
            raise self._error(f"sends {error}; is it a Wyoming service?") from None
        if len(self._come) > _EVENTS_MAX:
            raise self._error("sends more than anybody asked for; is it a Wyoming service?")
        return True

    def _take_last_words(self) -> None:
        """Raise the error that a service told of before it hung up, if it did."""
        while not self._over and self._read(0.0):
            pass
        while self._come:
            self._take()

    def _error(self, what: str) -> ServiceError:
        return ServiceError(f"wyoming: {self._uri} {what}")


def _connect(uri: str, within_s: float) -> socket.socket:
    place = address(uri)
    if not isinstance(place, str):
        connected = socket.create_connection(place, within_s)
        # A command's last audio is not to wait for an acknowledgement.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.settimeout(within_s)
        connected.connect(place)
    except OSError:
        connected.close()
        raise
    return connected


def _remark(text: object) -> str:
    said = "".join(sign if sign.isprintable() else " " for sign in str(text or "an error"))
    return said[:_REMARK_CHARS_MAX]
