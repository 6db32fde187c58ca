"""Wyoming's framing: a line of JSON, then data in JSON, then raw bytes. Pure.

Source: the protocol's description in rhasspy/wyoming (README.md). Written anew, for that package's
own reader has no limits, and takes what it cannot read for the end of the connection.
"""

from typing import Annotated, Any, Final

import msgspec

from antiphon_engines.errors import ServiceError

HEADER_BYTES_MAX: Final = 1 << 20
"""The list of a service's voices may stand in the header: some 300 KB for Piper's."""
DATA_BYTES_MAX: Final = 1 << 20
PAYLOAD_BYTES_MAX: Final = 1 << 22
"""A whole sentence in one piece: 40 s at 48 kHz."""


class Event(msgspec.Struct, frozen=True):
    """One message, either way."""

    type: str
    data: dict[str, Any] = {}
    payload: bytes = b""


class _Header(msgspec.Struct):
    type: str
    data: dict[str, Any] | None = None
    data_length: Annotated[int, msgspec.Meta(ge=0, le=DATA_BYTES_MAX)] | None = None
    payload_length: Annotated[int, msgspec.Meta(ge=0, le=PAYLOAD_BYTES_MAX)] | None = None


class _Outgoing(msgspec.Struct, omit_defaults=True):
    type: str
    version: str = ""
    data_length: int = 0
    payload_length: int = 0


_HEADERS: Final = msgspec.json.Decoder(_Header)
_DATA: Final = msgspec.json.Decoder(dict[str, Any])
_VERSION: Final = "1.7.0"
"""Of the protocol that the events are written in; nobody looks at it."""


def encode(event: Event) -> bytes:
    """Return the bytes of an event."""
    data = msgspec.json.encode(event.data) if event.data else b""
    header = msgspec.json.encode(
        _Outgoing(event.type, _VERSION, data_length=len(data), payload_length=len(event.payload))
    )
    return b"".join((header, b"\n", data, event.payload))


class Reader:
    """Bytes in, events out; it keeps at most one event's worth of them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header: _Header | None = None
        self._looked_at = 0

    def feed(self, data: bytes) -> list[Event]:
        """Take what came, any number of bytes; return the events that became whole.

        Raises:
            ServiceError: no Wyoming, or larger than its limits; the reader is of no use then.
        """
        self._buffer += data
        events = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        if self._header is None:
            self._header = self._take_header()
        header = self._header
        if header is None:
            return None
        data_bytes, payload_bytes = header.data_length or 0, header.payload_length or 0
        if len(self._buffer) < data_bytes + payload_bytes:
            return None
        more = _read_data(bytes(self._buffer[:data_bytes])) if data_bytes else {}
        payload = bytes(self._buffer[data_bytes : data_bytes + payload_bytes])
        del self._buffer[: data_bytes + payload_bytes]
        self._header = None
        return Event(header.type, {**(header.data or {}), **more}, payload)

    def _take_header(self) -> _Header | None:
        end = self._buffer.find(b"\n", self._looked_at)
        self._looked_at = 0 if end >= 0 else len(self._buffer)
        if max(end, self._looked_at) > HEADER_BYTES_MAX:
            raise ServiceError(f"a header of more than {HEADER_BYTES_MAX} bytes")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return _HEADERS.decode(line)
        except (ValueError, RecursionError) as error:
            raise ServiceError(f"a header that is none: {error}") from None


def _read_data(data: bytes) -> dict[str, Any]:
    try:
        return _DATA.decode(data)
    except (ValueError, RecursionError) as error:
        raise ServiceError(f"data that is no JSON object: {error}") from None
