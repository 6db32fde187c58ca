"""Writes the ten digits with which a satellite says its code.

Run it as `python -m tests.satellites.make_digits`. Spoken by flite's voice `slt` (CMU Arctic, free
for any use), cut and resampled by sox; one file, ten equal slots.
"""

import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from antiphon_satellite.speak.digits import FILE, RATE_HZ, SLOT_SAMPLES, WORDS


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder, wave.open(str(FILE), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        for word in WORDS:
            out.writeframes(spoken(word, Path(folder)))
    sys.stdout.write(f"{FILE}: {FILE.stat().st_size} bytes\n")


def spoken(word: str, folder: Path) -> bytes:
    """Return one slot: the word, then silence."""
    raw, cut = folder / f"{word}.wav", folder / f"{word}-cut.wav"
    silence = ("silence", "1", "0.01", "0.2%")
    _run("flite", "-voice", "slt", "-t", word, "-o", str(raw))
    cutting = (*silence, "reverse", *silence, "reverse", "norm", "-6")
    _run("sox", "-D", str(raw), "-r", str(RATE_HZ), str(cut), *cutting)
    with wave.open(str(cut), "rb") as file:
        pcm = file.readframes(file.getnframes())
    assert len(pcm) <= 2 * SLOT_SAMPLES, f"{word} is too long: {len(pcm) // 2} samples"
    return pcm.ljust(2 * SLOT_SAMPLES, b"\0")


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    assert found is not None, f"apt install {program}"
    subprocess.run([found, *arguments], check=True)


if __name__ == "__main__":
    main()
