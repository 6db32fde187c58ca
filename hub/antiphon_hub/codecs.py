"""What satellites may send besides PCM: what everybody takes who may hear them."""

import logging
from collections.abc import Callable, Iterable

from antiphon_codecs.codecs import OPUS, missing
from antiphon_hub.workers.pool import Worker

log = logging.getLogger(__name__)


class CodecsTaken:
    """Asks all workers, for each may be given a stream, and the hub itself where it keeps audio."""

    def __init__(self, workers: Callable[[], Iterable[Worker]], *, keeps_audio: bool) -> None:
        self._workers = workers
        self._keeps_audio = keeps_audio
        self._lacking: list[str] = []

    def __call__(self) -> tuple[str, ...]:
        """Return them; who lacks one is logged once."""
        lacking = [f"worker {one.id}" for one in self._workers() if not one.takes(OPUS)]
        if self._keeps_audio and missing():
            lacking.append("the hub, which keeps audio,")
        if lacking != self._lacking:
            self._lacking = lacking
            who = " and ".join(lacking) or "nobody"
            log.info("satellites send %s: %s lacks Opus", "PCM" if lacking else "as set", who)
        return () if lacking else (OPUS,)
