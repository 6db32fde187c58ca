"""Everything that can go wrong on the wire.

ProtocolError
├── DecodeError            bytes from outside are not what the topic says
│   └── UnknownMessageError  a well-formed message of a kind this version does not know
├── EncodeError            a message of ours is over a limit
├── TopicError             a topic or id that cannot be on our bus
├── VersionError           two programs share no protocol version
└── WavError               a WAV file that is not what a satellite would record
"""


class ProtocolError(Exception):
    """Base of all errors of this package."""


class DecodeError(ProtocolError):
    """Bytes from outside do not decode; the only error that decoding raises."""


class UnknownMessageError(DecodeError):
    """The message's kind is not known here; a newer program may have sent it."""


class EncodeError(ProtocolError):
    """A message of ours is over the limit of its topic."""


class TopicError(ProtocolError):
    """A topic or an id is outside the rules of `ids` and `topics`."""


class VersionError(ProtocolError):
    """Two programs share no protocol version."""


class WavError(ProtocolError):
    """A WAV file is not 16 kHz mono signed 16-bit PCM, whole and of sensible length."""
