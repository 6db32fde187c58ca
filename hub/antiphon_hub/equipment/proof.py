"""Proving a model by its engine, in a process of its own, before anything uses it."""

import asyncio
from pathlib import Path
from typing import Final

from antiphon_hub.equipment.sorts import Sort
from antiphon_hub.equipment.store import options_in
from antiphon_hub.errors import EquipmentError
from antiphon_hub.tool_process import run_tool
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.wav import write_wav

WITHIN_S: Final = 180.0
"""A large network takes its time to load on a small machine."""
_WORDS: Final = "Hello."


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
        raise EquipmentError(f"{sort.engine} cannot use it: {_without(said, folder)}")


async def _run(arguments: list[str]) -> tuple[int, str]:
    try:
        return await run_tool(arguments, WITHIN_S)
    except TimeoutError:
        raise EquipmentError(f"it did not load within {WITHIN_S:.0f} s") from None


def _without(said: str, folder: Path) -> str:
    """Return what a command complained of, without our folder's name."""
    return said.replace(f"{folder}/", "").replace(str(folder), "it")
