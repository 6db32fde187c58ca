"""Speech that was made for somebody to listen to: in memory, for a while."""

from collections import OrderedDict
from typing import Final

from antiphon_protocol.ids import new_id

CLIPS_MAX: Final = 64
"""Policy: the oldest goes."""
BYTES_MAX: Final = 32 * 1024 * 1024
"""The same."""


class Clips:
    """WAV files by names that nobody can guess."""

    def __init__(self) -> None:
        self._clips: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def put(self, wav: bytes) -> str:
        """Keep a file; return its name."""
        name = new_id("clip")
        self._clips[name] = wav
        self._bytes += len(wav)
        while len(self._clips) > CLIPS_MAX or self._bytes > BYTES_MAX:
            _, gone = self._clips.popitem(last=False)
            self._bytes -= len(gone)
        return name

    def get(self, name: str) -> bytes | None:
        """Return a file; None: it is not kept any more."""
        return self._clips.get(name)
