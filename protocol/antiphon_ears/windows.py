"""Cuts a stream of PCM bytes, however it is chunked, into windows of one size. Pure."""

from antiphon_protocol.audio import SAMPLE_BYTES


class Windows:
    """Collects bytes until a window is whole; keeps less than one window."""

    def __init__(self, samples: int) -> None:
        self._size_bytes = samples * SAMPLE_BYTES
        self._rest = b""

    def take(self, pcm: bytes) -> list[bytes]:
        """Return the windows that these bytes made whole, oldest first."""
        data = self._rest + pcm
        whole = len(data) - len(data) % self._size_bytes
        self._rest = data[whole:]
        return [data[at : at + self._size_bytes] for at in range(0, whole, self._size_bytes)]

    def clear(self) -> None:
        """Forget what is left over."""
        self._rest = b""
