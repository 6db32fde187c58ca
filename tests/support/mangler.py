"""Does to audio frames inside MQTT what bad networks do: loses, repeats, reorders, truncates."""

import random
from typing import Final

_PUBLISH_QOS0: Final = 0x30
_LOST, _TWICE, _LATER, _CUT = 0.05, 0.15, 0.25, 0.3
_HELD_FOR: Final = 4
"""A frame that is overtaken is overtaken by so many packets."""
_CUT_BYTES: Final = 9


class Mangler:
    """Reads one direction of one connection, packet by packet; changes it while `active`."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._rest = b""
        self._held: list[tuple[int, bytes]] = []
        self.active = False

    def feed(self, data: bytes) -> bytes:
        """Take in bytes of the stream; return those to pass on."""
        self._rest += data
        out = bytearray()
        while (size := _packet_size(self._rest)) is not None and len(self._rest) >= size:
            packet, self._rest = self._rest[:size], self._rest[size:]
            out += self._pass(packet)
        return bytes(out)

    def _pass(self, packet: bytes) -> bytes:
        due = b"".join(held for left, held in self._held if left == 0)
        self._held = [(left - 1, held) for left, held in self._held if left]
        return self._changed(packet) + due

    def _changed(self, packet: bytes) -> bytes:
        if not self.active or packet[0] & 0xF6 != _PUBLISH_QOS0:
            return packet
        fate = self._dice.random()
        if fate < _LOST:
            return b""
        if fate < _TWICE:
            return packet + packet
        if fate < _LATER:
            self._held.append((_HELD_FOR, packet))
            return b""
        if fate < _CUT:
            body = packet[1 + _length_size(packet) : -_CUT_BYTES]
            return packet[:1] + _encoded(len(body)) + body
        return packet


def _length_size(packet: bytes) -> int:
    return next(at for at in range(1, 5) if not packet[at] & 0x80)


def _packet_size(data: bytes) -> int | None:
    """Return the first packet's size; None when too little of it is here (MQTT 5.0, 1.5.5)."""
    length = 0
    for at, byte in enumerate(data[1:5]):
        length |= (byte & 0x7F) << 7 * at
        if not byte & 0x80:
            return 2 + at + length
    return None


def _encoded(length: int) -> bytes:
    out = bytearray()
    while True:
        length, byte = length >> 7, length & 0x7F
        out.append(byte | (0x80 if length else 0))
        if not length:
            return bytes(out)
