"""The few functions of libopus that we call (its ABI has been the same since 1.0).

Debian's `libopus0` is there for every board, ARMv6 included; the packages that bind it bring no
library themselves (docs/decisions/0036).
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_void_p
from functools import cache
from typing import Final

from antiphon_codecs.errors import CodecMissingError, PacketDamagedError
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import OPUS_PACKET_BYTES_MAX

LIBRARY: Final = "libopus.so.0"
REMEDY: Final = "apt install libopus0"
PACKET_SAMPLES_MAX: Final = SAMPLE_RATE_HZ * 120 // 1000
"""The longest that one packet can be: 120 ms (RFC 6716, section 3.2.5)."""

# opus_defines.h
_APPLICATION: Final = 2049
_SET_BITRATE: Final = 4002
_SET_COMPLEXITY: Final = 4010
_SET_SIGNAL: Final = 4024
_SIGNAL_VOICE: Final = 3001
_GET_LOOKAHEAD: Final = 4027
_RESET_STATE: Final = 4028


@cache
def _library() -> ctypes.CDLL:
    """Return the library.

    Raises:
        CodecMissingError: it is not installed, or is another one of that name.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
        library.opus_strerror.restype = c_char_p
        library.opus_strerror.argtypes = (c_int,)
        library.opus_encoder_create.restype = c_void_p
        library.opus_encoder_create.argtypes = (c_int32, c_int, c_int, POINTER(c_int))
        library.opus_encoder_destroy.restype = None
        library.opus_encoder_destroy.argtypes = (c_void_p,)
        library.opus_encode.restype = c_int32
        library.opus_encode.argtypes = (c_void_p, c_char_p, c_int, c_char_p, c_int32)
        library.opus_decoder_create.restype = c_void_p
        library.opus_decoder_create.argtypes = (c_int32, c_int, POINTER(c_int))
        library.opus_decoder_destroy.restype = None
        library.opus_decoder_destroy.argtypes = (c_void_p,)
        library.opus_decode.restype = c_int
        library.opus_decode.argtypes = (c_void_p, c_char_p, c_int32, c_char_p, c_int, c_int)
        library.opus_encoder_ctl.argtypes = (c_void_p, c_int)
        library.opus_decoder_ctl.argtypes = (c_void_p, c_int)
    except (OSError, AttributeError) as error:
        raise CodecMissingError(f"Opus: {LIBRARY} cannot be used here ({error})", REMEDY) from None
    return library


class Encoder:
    """Makes packets of 16 kHz mono speech."""

    def __init__(self, *, bits_per_s: int, complexity: int) -> None:
        """Begin with nothing heard.

        Args:
            bits_per_s: How much it may take on average.
            complexity: 0 (cheap) to 10 (thorough).

        Raises:
            CodecMissingError: libopus is not here.
        """
        self._library = library = _library()
        code = c_int()
        self._state = library.opus_encoder_create(SAMPLE_RATE_HZ, 1, _APPLICATION, byref(code))
        _check(library, code.value)
        for request, value in (
            (_SET_BITRATE, bits_per_s),
            (_SET_COMPLEXITY, complexity),
            (_SET_SIGNAL, _SIGNAL_VOICE),
        ):
            _check(library, library.opus_encoder_ctl(self._state, request, c_int32(value)))
        delay = c_int32()
        _check(library, library.opus_encoder_ctl(self._state, _GET_LOOKAHEAD, byref(delay)))
        self.delay_samples = delay.value
        """Samples that a decoder gives before the first one that was put in."""
        self._out = ctypes.create_string_buffer(OPUS_PACKET_BYTES_MAX)

    def encode(self, pcm: bytes) -> bytes:
        """Return the next packet, for 10, 20, 40 or 60 ms of samples."""
        count = self._library.opus_encode(
            self._state, pcm, len(pcm) // SAMPLE_BYTES, self._out, len(self._out)
        )
        _check(self._library, min(0, count))
        return self._out.raw[:count]

    def __del__(self) -> None:
        if state := self.__dict__.get("_state"):
            self._library.opus_encoder_destroy(state)


class Decoder:
    """Makes samples of one stream's packets."""

    def __init__(self) -> None:
        """Begin with nothing heard.

        Raises:
            CodecMissingError: libopus is not here.
        """
        self._library = library = _library()
        code = c_int()
        self._state = library.opus_decoder_create(SAMPLE_RATE_HZ, 1, byref(code))
        _check(library, code.value)
        self._out = ctypes.create_string_buffer(PACKET_SAMPLES_MAX * SAMPLE_BYTES)

    def decode(self, packet: bytes) -> bytes:
        """Return a packet's samples, at most 120 ms.

        Raises:
            PacketDamagedError: it is no packet.
        """
        if not packet:  # to libopus that means "invent what was lost here"
            raise PacketDamagedError("Opus: an empty packet")
        count = self._library.opus_decode(
            self._state, packet, len(packet), self._out, PACKET_SAMPLES_MAX, 0
        )
        if count < 0:
            raise PacketDamagedError(f"Opus: {_reason(self._library, count)}")
        return ctypes.string_at(self._out, count * SAMPLE_BYTES)

    def reset(self) -> None:
        """Forget all that was heard."""
        _check(self._library, self._library.opus_decoder_ctl(self._state, _RESET_STATE))

    def __del__(self) -> None:
        if state := self.__dict__.get("_state"):
            self._library.opus_decoder_destroy(state)


def _check(library: ctypes.CDLL, code: int) -> None:
    if code != 0:
        raise CodecMissingError(
            f"Opus: {LIBRARY} refuses our use of it: {_reason(library, code)}", REMEDY
        )


def _reason(library: ctypes.CDLL, code: int) -> str:
    return str(library.opus_strerror(code).decode())
