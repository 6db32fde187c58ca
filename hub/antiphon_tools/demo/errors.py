"""What can go wrong with the demo.

DemoError
├── HubFailedError     the hub did not start, or ended by itself
└── NoMicrophoneError  a microphone was asked for, and there is none
"""


class DemoError(Exception):
    """Base of all errors of the demo."""


class HubFailedError(DemoError):
    """The hub did not start, or ended by itself; the message has its last words."""


class NoMicrophoneError(DemoError):
    """There is no microphone here."""
