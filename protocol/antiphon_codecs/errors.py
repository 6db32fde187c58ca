"""Errors of the codecs.

CodecError
├── CodecMissingError      the codec's library is not on this machine
└── PacketDamagedError     what was received is nothing that the codec makes
"""


class CodecError(Exception):
    """Base of them all."""


class CodecMissingError(CodecError):
    """A codec cannot be used here; the message says what to install."""


class PacketDamagedError(CodecError):
    """Packets that cannot be decoded, or hold other samples than their frame says."""
