"""Proving a model by its engine, in a process of its own, before anything uses it."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final

from antiphon_hub.equipment.sorts import Sort
from antiphon_hub.equipment.store import options_in
from antiphon_hub.errors import EquipmentError
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.wav import write_wav

WITHIN_S: Final = 180.0
"""A large network takes its time to load on a small machine."""
_WORDS: Final = "Hello."
_TEXT_MAX: Final = 600


async def prove(folder: Path, sort: Sort) -> None:
    """Have the engine hear silence, or speak a word, with the model in that folder.

    Raises:
        EquipmentError: it cannot; the message is the engine's own.
    """
    sound = folder / ".proof.wav"
    options = [
        part
        for name, value in options_in(folder, sort).items()
        for part in ("--option", f"{name}={value}")
    ]
    if sort.kind == "tts":
        ask = ["speak", _WORDS, "--out", str(sound), "--language", sort.language or "en"]
    else:
        silence = write_wav(bytes(SAMPLE_RATE_HZ * SAMPLE_BYTES))
        await asyncio.to_thread(sound.write_bytes, silence)
        ask = ["transcribe", str(sound), "--grammar", "none"]
    try:
        status, said = await _run([*ask, "--engine", sort.engine, *options])
    finally:
        await asyncio.to_thread(sound.unlink, missing_ok=True)
    if status:
        raise EquipmentError(f"{sort.engine} cannot use it: {_words(said, folder)}")


async def _run(arguments: list[str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon_link", *arguments),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            _, said = await process.communicate()
    except TimeoutError:
        raise EquipmentError(f"it did not load within {WITHIN_S:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, said.decode("utf-8", "replace")


def _words(said: str, folder: Path) -> str:
    """Return the last line of what a command complained of, without our folder's name."""
    lines = [one for one in said.splitlines() if one.strip()]
    text = lines[-1] if lines else "its process ended without a word"
    text = re.sub(r"^antiphon \w+: ", "", text).replace(f"{folder}/", "").replace(str(folder), "it")
    return "".join(one if one.isprintable() else "?" for one in text)[:_TEXT_MAX]
