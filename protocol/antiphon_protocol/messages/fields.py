"""Field types that several messages share: bounded text, scores, levels."""

from typing import Annotated

from msgspec import Meta

from antiphon_protocol.limits import NAME_CHARS_MAX, TEXT_CHARS_MAX

Name = Annotated[str, Meta(max_length=NAME_CHARS_MAX)]
"""A room's, engine's, voice's or phrase's name."""
Text = Annotated[str, Meta(max_length=TEXT_CHARS_MAX)]
"""What was or will be said."""
Language = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$(?!\n)", max_length=35)
]
"""A BCP 47 language tag: `en`, `en-GB`."""
Score = Annotated[float, Meta(ge=0.0, le=1.0)]
"""A probability-like score."""
LevelDbfs = Annotated[float, Meta(ge=-200.0, le=0.0)]
"""Root-mean-square level, dB relative to full scale."""
Microseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A time on some program's clock, microseconds since 1970."""
Samples = Annotated[int, Meta(ge=0, lt=2**40)]
"""A position or a length in a stream, samples."""
Seconds = Annotated[float, Meta(ge=0.0, le=86_400.0)]
"""A duration, seconds."""
GainDb = Annotated[float, Meta(ge=-60.0, le=12.0)]
"""Louder or quieter, dB."""
