"""Sentences that were spoken before, ready to be sent: a cache bounded in bytes."""

from collections import OrderedDict

import msgspec


class SpeechKey(msgspec.Struct, frozen=True):
    """What decides how a sentence sounds."""

    engine: str
    voice: str
    language: str
    text: str
    rate_hz: int


class SpeechCache:
    """Policy of the bound: the least recently used goes; one over the whole bound is not kept."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[SpeechKey, bytes] = OrderedDict()
        self._bytes = 0
        self.hits = 0
        self.misses = 0
        self.dropped = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes of samples that are kept."""
        return self._bytes

    def get(self, key: SpeechKey) -> bytes | None:
        """Return the samples of a sentence, or None."""
        pcm = self._kept.get(key)
        if pcm is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return pcm

    def put(self, key: SpeechKey, pcm: bytes) -> None:
        """Keep the samples of a sentence."""
        if len(pcm) > self._limit_bytes:
            return
        self._bytes += len(pcm) - len(self._kept.pop(key, b""))
        self._kept[key] = pcm
        while self._bytes > self._limit_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
            self.dropped += 1
