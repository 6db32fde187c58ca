"""The code that a person carries between a device and the hub: eight digits (pure but for chance).

The first two are a label, no secret: by them a device whose code is another's stays quiet, and
costs no try. The other six are what SPAKE2 proves; with five tries at most, guessing them succeeds
once in two hundred thousand windows.
"""

import re
import secrets
from typing import Final

from antiphon_protocol.errors import DecodeError

DIGITS: Final = 8
LABEL_DIGITS: Final = 2
_BETWEEN = re.compile(r"[\s.\-]+")


def new_code() -> str:
    """Return a fresh code: digits, nothing between them."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def parse_code(text: str) -> str:
    """Return the code as it was typed in, with blanks or dashes or without.

    Raises:
        DecodeError: it is no code; the message is for the person who typed.
    """
    code = _BETWEEN.sub("", text)
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        raise DecodeError(f"a code has {DIGITS} digits, as in 4782 9131")
    return code


def label_of(code: str) -> str:
    """Return the part that is no secret."""
    return code[:LABEL_DIGITS]


def shown(code: str) -> str:
    """Return the code as people read it: two groups of four."""
    return f"{code[:4]} {code[4:]}"
