"""Bytes to messages and back: MessagePack on the bus, JSON for the integrations.

`decode` raises DecodeError and nothing else, whatever the bytes are.
"""

from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from antiphon_protocol.errors import DecodeError, EncodeError, UnknownMessageError

T = TypeVar("T")


class Encoding(StrEnum):
    """How a topic's payload is written; the value is its MQTT content type."""

    MSGPACK = "application/vnd.msgpack"
    JSON = "application/json"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what stands inside messages, or alone on its topic; unknown fields are ignored."""


class Message(Record, frozen=True, kw_only=True, tag_field="type"):
    """Base of messages that share a topic with others: `type` tells them apart."""


def encode(message: object, encoding: Encoding, limit_bytes: int) -> bytes:
    """Return the message's bytes.

    Raises:
        EncodeError: they are more than the limit.
    """
    payload = _encoder(encoding).encode(message)
    if len(payload) > limit_bytes:
        raise EncodeError(
            f"{type(message).__name__} takes {len(payload)} bytes, the limit is {limit_bytes}"
        )
    return payload


def decode(payload: bytes, payload_type: type[T], encoding: Encoding, limit_bytes: int) -> T:
    """Return the message that the bytes hold.

    Raises:
        DecodeError: too many bytes, damaged, or not of this type.
        UnknownMessageError: well formed, but of a kind that this version does not know.
    """
    if len(payload) > limit_bytes:
        raise DecodeError(f"{len(payload)} bytes, at most {limit_bytes} are taken")
    try:
        message: T = _decoder(cast("Any", payload_type), encoding).decode(payload)
    except msgspec.ValidationError as error:
        kind = UnknownMessageError if str(error).startswith("Invalid value '") else DecodeError
        raise kind(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from None
    return message


@cache
def _encoder(encoding: Encoding) -> msgspec.msgpack.Encoder | msgspec.json.Encoder:
    return msgspec.msgpack.Encoder() if encoding is Encoding.MSGPACK else msgspec.json.Encoder()


@cache
def _decoder(payload_type: Any, encoding: Encoding) -> Any:
    module = msgspec.msgpack if encoding is Encoding.MSGPACK else msgspec.json
    return module.Decoder(payload_type)
