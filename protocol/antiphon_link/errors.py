"""Everything that can go wrong between a program and the house.

LinkError
├── LinkDownError      not connected to the broker just now; it reconnects by itself
├── LinkRefusedError   the broker refuses this account or protocol: retrying cannot help
├── NotFoundError      no hub announced itself in time
├── PairingError       the house does not let this device in
└── SettingsError      a settings file with one or more mistakes, all of them listed
"""


class LinkError(Exception):
    """Base of all errors of this package."""


class LinkDownError(LinkError):
    """The broker is not reachable now."""


class LinkRefusedError(LinkError):
    """The broker refuses us; somebody must change something."""


class NotFoundError(LinkError):
    """No hub announced itself by mDNS in time."""


class PairingError(LinkError):
    """The house does not let this device in; `code` is that of `messages.pairing.PairRefused`."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class SettingsError(LinkError):
    """A settings file cannot be used; `mistakes` has one line per mistake."""

    def __init__(self, where: str, mistakes: list[str]) -> None:
        self.where = where
        self.mistakes = mistakes
        lines = "\n".join(f"  - {mistake}" for mistake in mistakes)
        super().__init__(f"{where}: {len(mistakes)} mistake(s)\n{lines}")
