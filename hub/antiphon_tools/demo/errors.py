"""What can go wrong with the demo.

DemoError
├── HubFailedError  the hub did not start, or ended by itself
└── OutError        the folder for the replies cannot be used
"""


class DemoError(Exception):
    """Base of all errors of the demo."""


class HubFailedError(DemoError):
    """The hub did not start, or ended by itself; the message has its last words."""


class OutError(DemoError):
    """The folder for the replies cannot be used."""
