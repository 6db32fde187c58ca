"""Settings section `[options.wyoming]`: where the services are, and how long they may take."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from antiphon_engines.errors import ModelError

_EXAMPLE: Final = 'uri = "tcp://gpu-box:10300"'

Seconds = Annotated[float, msgspec.Meta(gt=0, le=12)]
"""Below the 15 s after which an engine counts as hanging."""
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""


class WyomingOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.wyoming]` may hold; the recogniser and the voice share it."""

    uri: str = ""
    """Where the service listens: `tcp://HOST:PORT` or `unix:///PATH`."""
    tts_uri: str = ""
    """The voice's, where it is another service; empty: `uri`."""
    languages: tuple[str, ...] = ()
    """What it understands or speaks; empty: what the service says, else English."""
    model: str = ""
    """Which of the service's models hears; empty: its own choice."""
    voice: str = ""
    """Which of its voices speaks unless a job names one; empty: its own choice."""
    speaker: str = ""
    """Who of that voice's speakers."""
    connect_s: Seconds = 1.0
    """To be reached, and to say what it can do."""
    answer_s: Seconds = 8.0
    """From the end of speech to the transcript; from a text, or a piece of speech, to the next."""
    confidence_sentence: Share = 0.9
    """For a transcript that is a sentence of the home. Wyoming has no scores: it is a setting."""
    confidence_open: Share = 0.5
    """For any other transcript, likewise."""
    contexts: Annotated[int, msgspec.Meta(ge=1)] = 8
    """Grammars that are kept; the oldest goes."""
    longest_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 120.0
    """A longer utterance is an error."""

    def __post_init__(self) -> None:
        for uri in filter(None, (self.uri, self.tts_uri)):
            address(uri)


def read_options(tree: Mapping[str, Any], *, tts: bool = False) -> WyomingOptions:
    """Return the options of an engine.

    Raises:
        ModelError: one is wrong, or the address is missing.
    """
    try:
        options = msgspec.convert(dict(tree), WyomingOptions)
    except msgspec.ValidationError as error:
        raise ModelError(f"[options.wyoming]: {error}") from None
    if not (options.uri or (tts and options.tts_uri)):
        raise ModelError(f"[options.wyoming] needs the service's address: {_EXAMPLE}")
    return options


def address(uri: str) -> Address:
    """Return where to connect to.

    Raises:
        ValueError: no such address.
    """
    parts = urlsplit(uri)
    if parts.scheme == "unix" and parts.path:
        return parts.path
    if parts.scheme != "tcp" or not parts.hostname or not parts.port:
        raise ValueError(f"{uri[:100]!r} is no address; write {_EXAMPLE}, or unix:///run/NAME")
    return parts.hostname, parts.port
