"""The settings of the native libraries' engines."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import msgspec

from antiphon_engines.errors import ModelError


class NativeOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.libdeepspeech]` and `[options.libstt]` may hold."""

    library: str
    """The shared library, or the folder that it is in."""
    model: str
    """`.pb` or `.pbmm` for libdeepspeech; `.tflite` for its TensorFlow Lite build and libstt."""
    scorer: str = ""
    """A `.scorer` package."""
    scorer_weights: tuple[float, float] | None = None
    """Alpha and beta, if not the package's own."""
    beam_width: Annotated[int, msgspec.Meta(ge=1, le=8192)] | None = None
    """The model's own by default."""
    hot_words: dict[str, float] = {}
    """Words and their boost; they need a scorer."""
    language: str = "en"
    """What the model hears: BCP 47 tag."""
    prefix: Literal["DS_", "STT_"] = "DS_"
    """Of the library's functions; the engine sets it."""

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any], prefix: Literal["DS_", "STT_"]) -> Self:
        """Read an engine's settings.

        Raises:
            ModelError: one cannot be used.
        """
        try:
            return msgspec.convert({**options, "prefix": prefix}, cls)
        except msgspec.ValidationError as error:
            raise ModelError(f"[options.{name}]: {error}") from None
