"""Where in a recording somebody called."""

from collections.abc import Sequence
from typing import Final

from antiphon_ears.errors import EarsError, PhraseUnknownError
from antiphon_ears.registry import installed_wake, load_wake
from antiphon_ears.wake.port import WakeEngine
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

_QUIET: Final = bytes(2 * SAMPLE_RATE_HZ * SAMPLE_BYTES)
"""A satellite has always been listening for a while; and engines fire a little after the phrase."""
_HALF_SURE: Final = 0.3
"""The person says that it is the phrase: an engine has only to say where."""


class NoCallError(EarsError):
    """No wake engine hears the phrase in a recording."""


def with_quiet(pcm: bytes) -> bytes:
    """Return a recording as a satellite would hear it: a room before, and after it."""
    return _QUIET + pcm + _QUIET


def find_call(pcm: bytes, phrase: str, engines: Sequence[WakeEngine] = ()) -> int:
    """Return the sample at which the first wake engine fired, of all that know the phrase.

    Raises:
        NoCallError: none did.
        PhraseUnknownError: none knows the phrase.
    """
    able = [one for one in engines or map(load_wake, installed_wake()) if phrase in one.phrases]
    if not able:
        raise PhraseUnknownError(f"no wake engine here knows {phrase!r}")
    found = [hit.end for one in able for hit in one.open([phrase], _HALF_SURE).feed(pcm)[:1]]
    if not found:
        raise NoCallError(f"no wake engine hears {phrase!r} in it")
    return min(found)
