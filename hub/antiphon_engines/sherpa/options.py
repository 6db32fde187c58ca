"""Settings section `[options.sherpa]`."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from antiphon_engines.errors import ModelError

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class SherpaOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.sherpa]` may hold."""

    model: str
    """The model's folder, as it was unpacked."""
    language: str = "en"
    """What it hears; also told to models of several languages."""
    threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2
    int8: bool = True
    """Where a folder has a network in both sizes, take the small one."""
    hot_words: tuple[str, ...] = ()
    """Words that are likelier, besides the home's odd words; for transducers with `bpe.vocab`."""
    boost: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.5
    """How much likelier, for each piece of a word."""
    confidence_sentence: Share = 0.9
    """For a transcript that is a sentence of the home: a setting, not a measurement."""
    confidence_open: Share = 0.5
    """For any other transcript, likewise."""
    contexts: Annotated[int, msgspec.Meta(ge=1)] = 8
    """Grammars that are kept; the oldest goes."""
    longest_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 120.0
    """A longer utterance is an error. Whisper hears the first 30 s at most."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "SherpaOptions":
        """Read the settings.

        Raises:
            ModelError: one cannot be used.
        """
        try:
            return msgspec.convert(dict(options), cls)
        except msgspec.ValidationError as error:
            raise ModelError(f"[options.sherpa]: {error}") from None
