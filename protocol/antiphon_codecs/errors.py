"""Errors of the codecs.

CodecError
├── CodecMissingError      the codec's library is not on this machine
└── PacketDamagedError     what was received is nothing that the codec makes
"""


class CodecError(Exception):
    """Base of them all."""


class CodecMissingError(CodecError):
    """A codec cannot be used here; the message says what to install."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(f"{why}; {remedy}")
        self.why = why
        self.remedy = remedy


class PacketDamagedError(CodecError):
    """Packets that cannot be decoded, or hold other samples than their frame says."""
