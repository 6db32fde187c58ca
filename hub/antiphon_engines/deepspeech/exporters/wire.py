"""Protocol Buffers' wire format, as much as a TensorFlow graph needs.

Source: protobuf.dev/programming-guides/encoding.
"""

import struct

_VARINT, _BYTES, _FIXED32 = 0, 2, 5


def varint(number: int) -> bytes:
    """Return an integer in as few bytes as it needs; negative ones take ten."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    data = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte is the format
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def integer(number: int, value: int) -> bytes:
    """Return an integer field."""
    return varint(number << 3 | _VARINT) + varint(value)


def real(number: int, value: float) -> bytes:
    """Return a float field."""
    return varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def block(number: int, value: bytes) -> bytes:
    """Return a field of bytes, or of a message."""
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def text(number: int, value: str) -> bytes:
    """Return a text field."""
    return block(number, value.encode())
