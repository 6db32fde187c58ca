"""Passwords: which are good enough, and their hashes (argon2id, RFC 9106, section 4)."""

import threading
import unicodedata
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from antiphon_hub.errors import IdentityError

CHARS_MIN: Final = 12
CHARS_MAX: Final = 128
"""ASVS 4.0.3, 2.1.1 and 2.1.2."""
_AT_A_TIME: Final = 2
"""Each takes 64 MiB while it runs: many people who sign in at once must not take all memory."""
_KINDS_MIN: Final = 5
"""Different characters that a password has at the least: `aaaaaaaaaaaa` is none."""
_COMMON: Final = (
    "password", "passwort", "123456", "234567", "qwerty", "qwertz", "letmein", "iloveyou",
    "welcome", "admin", "dragon", "monkey", "football", "sunshine", "princess", "antiphon",
    "mycroft", "abcdef", "111111", "000000",
)  # fmt: skip
"""What guessing begins with; a password that is little more than these is refused."""


def normalized(password: str) -> str:
    """Return the password as it is hashed: keyboards write one sign in several ways (NFKC)."""
    whole = password.encode(errors="replace").decode()  # half of a surrogate pair is no sign
    return unicodedata.normalize("NFKC", whole)


def require_good(password: str, name: str) -> None:
    """Let a new password pass if it is hard to guess.

    Raises:
        IdentityError: it is not; the message says why.
    """
    password = normalized(password)
    if len(password) < CHARS_MIN:
        raise IdentityError(f"password: at least {CHARS_MIN} characters; some words will do")
    if len(password) > CHARS_MAX:
        raise IdentityError(f"password: at most {CHARS_MAX} characters")
    left = password.lower()
    for known in (*_COMMON, name.lower()):
        left = left.replace(known, "")
    if len(left) < CHARS_MIN // 2 or len(set(password)) < _KINDS_MIN:
        raise IdentityError("password: too easy to guess; take some words that have no connection")


class Passwords:
    """Makes and checks hashes; each takes some ten milliseconds, so call it in a thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.BoundedSemaphore(_AT_A_TIME)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return the hash, which holds its salt and its cost."""
        with self._turn:
            return self._hasher.hash(normalized(password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether the password is right; as slow for an account that does not exist (None)."""
        if len(password) > CHARS_MAX:
            return False
        with self._turn:
            try:
                self._hasher.verify(hashed or self._nobodys, normalized(password))
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None

    def is_dated(self, hashed: str) -> bool:
        """Tell whether the hash was made at a lower cost than today's."""
        return self._hasher.check_needs_rehash(hashed)
