"""A small file that outlives the program, and a power cut: replaced as a whole."""

import contextlib
import os
from pathlib import Path


def replace_file(file: Path, data: bytes) -> None:
    """Keep the data in the file, wholly or not at all. Blocking.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    try:
        with fresh.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
