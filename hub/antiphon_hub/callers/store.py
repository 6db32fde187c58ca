"""What is kept of the calls that the house was taught, in one file. Blocking, for a moment."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import msgspec

from antiphon_hub.table_file import read_table, write_table
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name
from antiphon_protocol.messages.work import Likeness

FILE: Final = "callers.json"
EMBEDDINGS_BYTES: Final = 11 * 96 * 2
"""Eleven embeddings, 1.6 s of the call; as `antiphon_tools.teaching` cuts them."""
CALLS_MAX: Final = 200
"""Taught calls: ten of each of twenty people; the file stays below 2 MB."""
_KEY: Final = "taught"


class TaughtCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call."""

    phrase: Name
    person: Name
    """Who called."""
    source: Name
    """The turn or the recording that it was in."""
    at_s: float
    """When it was taught, seconds since 1970."""
    embeddings: Annotated[
        bytes, msgspec.Meta(min_length=EMBEDDINGS_BYTES, max_length=EMBEDDINGS_BYTES)
    ]
    """openWakeWord's embeddings around it, oldest first: 96 little-endian 16-bit floats each."""


class Taught(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    calls: dict[Slug, TaughtCall] = {}
    likenesses: dict[Name, Likeness] = {}
    """By phrase, what was fitted to the calls (`antiphon_ears.wake.household`)."""

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how many calls are known, by phrase and person."""
        return Counter((one.phrase, one.person) for one in self.calls.values())


def load(folder: Path) -> Taught:
    """Return what is kept in a hub's folder of own files; nothing where nobody taught.

    Raises:
        StorageError: the file cannot be read, or is not ours.
    """
    return read_table(folder / FILE, dict[str, Taught]).get(_KEY, Taught())


def save(folder: Path, taught: Taught) -> None:
    """Keep it, wholly or not at all; without any call the file goes.

    Raises:
        StorageError: it cannot be kept.
    """
    if taught.calls:
        write_table(folder / FILE, {_KEY: taught})
    else:
        (folder / FILE).unlink(missing_ok=True)
