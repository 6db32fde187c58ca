"""Which codecs there are, and which of them work on this machine."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Literal, TypeAlias

from antiphon_codecs.errors import CodecMissingError
from antiphon_codecs.libopus import Decoder
from antiphon_codecs.opus import OpusMaker
from antiphon_codecs.pcm import PcmMaker
from antiphon_codecs.port import Maker

Codec: TypeAlias = Literal["pcm", "opus"]
PCM: Final = "pcm"
OPUS: Final = "opus"
MAKERS: Final[Mapping[str, Callable[[], Maker]]] = {PCM: PcmMaker, OPUS: OpusMaker}
"""Raise CodecMissingError where the codec is not on this machine."""


def decodable() -> tuple[str, ...]:
    """Return the codecs, besides PCM, whose frames this program can take."""
    return () if missing() else (OPUS,)


@cache
def missing() -> CodecMissingError | None:
    """Return why Opus cannot be used here, and what to install; None: it can be.

    What was found stays so while the program runs: to look for an absent library takes a search of
    all its places, and satellites and hub ask whenever a stream or settings come.
    """
    try:
        Decoder()
    except CodecMissingError as error:
        return error
    return None
