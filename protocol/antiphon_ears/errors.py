"""What can go wrong with an ear.

EarsError
├── EngineMissingError   no engine of that name is installed; the message says what to install
├── PhraseUnknownError   the engine has no model for that wake phrase; the message lists what it has
└── LikenessError        what should say how a household calls is damaged
"""


class EarsError(Exception):
    """Base of all errors of this package."""


class EngineMissingError(EarsError):
    """No engine of that name is installed here."""


class PhraseUnknownError(EarsError):
    """The engine has no model for that wake phrase."""


class LikenessError(EarsError):
    """Bytes or numbers that are no likeness of a household's calls."""
