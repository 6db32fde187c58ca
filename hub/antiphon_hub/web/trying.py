"""Recordings and texts for engines: what several deeds need of them."""

from typing import Annotated, Final

import msgspec

from antiphon_hub.errors import ConsoleError, WorkError
from antiphon_hub.web.deed import Desk, Record
from antiphon_hub.workers import Worker
from antiphon_hub.workers.trial import RECORDING_S_MAX
from antiphon_link.errors import LinkDownError
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.errors import WavError
from antiphon_protocol.wav import wav_samples

_HEADER_BYTES: Final = 64 * 1024
BYTES_MAX: Final = int(RECORDING_S_MAX * SAMPLE_RATE_HZ) * SAMPLE_BYTES
Wav = Annotated[bytes, msgspec.Meta(min_length=1, max_length=BYTES_MAX + _HEADER_BYTES)]
"""A WAV file, 16 kHz mono signed 16-bit, thirty seconds at most; base64 in JSON."""


class HeardBy(Record, frozen=True, kw_only=True):
    """What one recogniser made of a recording."""

    engine: str
    worker: str = ""
    host: str = ""
    text: str = ""
    source: str = ""
    """`grammar`, `dictation`, `nothing`."""
    confidence: float = 0.0
    rejected: bool = False
    """It heard speech and stands by none of what it may be."""
    alternatives: tuple[str, ...] = ()
    """The best first, with those that it does not stand by."""
    engine_ms: float = 0.0
    """Time that it computed, all in all."""
    tail_ms: float = 0.0
    """Of it, after the end of speech: for so long a person waits."""
    error: str = ""
    """Why it could not hear."""


def samples_of(wav: bytes) -> bytes:
    """Return a recording's samples.

    Raises:
        ConsoleError: it is no such WAV file, or too long.
    """
    try:
        pcm = wav_samples(wav, "recording.wav")
    except WavError as error:
        raise ConsoleError(422, str(error)) from None
    if len(pcm) > BYTES_MAX:
        raise ConsoleError(422, f"recording.wav: at most {RECORDING_S_MAX:.0f} s are taken")
    return pcm


async def heard_by(desk: Desk, worker: Worker, engine: str, pcm: bytes, language: str) -> HeardBy:
    """Return what an engine of a worker makes of a recording."""
    host = worker.hello.host
    try:
        heard = await desk.house.trials.hear(worker, engine, pcm, language)
    except (WorkError, LinkDownError) as error:
        return HeardBy(engine=engine, worker=worker.id, host=host, error=str(error))
    return HeardBy(
        engine=heard.engine,
        worker=worker.id,
        host=host,
        text=heard.text,
        source=heard.source,
        confidence=round(heard.confidence, 4),
        rejected=heard.rejected,
        alternatives=tuple(one.text for one in heard.alternatives[:5]),
        engine_ms=round(heard.engine_ms, 1),
        tail_ms=round(heard.tail_ms, 1),
    )
