"""What the demo says: its own spoken tour of the example home, or the owner's WAV files."""

from collections.abc import Callable, Sequence
from itertools import chain, count, cycle
from pathlib import Path
from typing import Final

import msgspec

from antiphon_protocol.ids import slug_of
from antiphon_protocol.wav import read_wav
from antiphon_tools.demo.results import Command
from antiphon_tools.speech import SpeechError, command, voices


class Line(msgspec.Struct, frozen=True):
    """A line of the tour."""

    room: str
    said: str
    intent: str
    voice: str
    """Who says it, where that voice is installed: one that the recogniser understands well."""


TOUR: Final = (
    Line("kitchen", "what time is it", "HassGetCurrentTime", "awb"),
    Line("kitchen", "turn on the kitchen light", "HassTurnOn", "rms"),
    Line("living room", "turn on the reading lamp", "HassTurnOn", "en-us+m2"),
    Line("living room", "set the reading lamp to forty percent", "HassLightSet", "en-us+f5"),
    Line("bedroom", "turn on the bedside lamp", "HassTurnOn", "awb"),
    Line("bedroom", "turn off the lights", "HassTurnOff", "slt"),
    Line("living room", "what is the date", "HassGetCurrentDate", "rms"),
    Line("kitchen", "turn off the kitchen light", "HassTurnOff", "en-us+m2"),
)
"""Each of these must be answered; names and rooms are those of the example home."""

ANYWHERE: Final = tuple(line for line in TOUR if line.intent.startswith("HassGetCurrent"))
"""What any home answers."""
ROOMS: Final = tuple(dict.fromkeys(line.room for line in TOUR))


def tour(say: Callable[[str], None], lines: Sequence[Line] = TOUR) -> list[Command]:
    """Synthesize the tour; blocks for a second or two at the first time.

    Args:
        say: Called with how far it is, in words.
        lines: What is said.

    Raises:
        SpeechError: no voice is installed.
    """
    speakers = {voice.name: voice for voice in voices()}
    if not speakers:
        raise SpeechError("neither flite nor espeak-ng is installed; apt install flite espeak-ng")
    commands: list[Command] = []
    others = cycle(speakers.values())
    for line in lines:
        say(f"starting the house, synthesizing commands: {len(commands) + 1} of {len(lines)} …")
        commands.append(
            Command(
                name=f"{len(commands) + 1:02d}-{slug_of(line.said)}",
                room=line.room,
                pcm=command(line.said, speakers.get(line.voice) or next(others)),
                said=line.said,
                intent=line.intent,
            )
        )
    return commands


def microphone_present(devices: Path = Path("/dev/snd")) -> bool:
    """Tell whether Linux knows a capture device (`pcmC0D0c`)."""
    return any(devices.glob("pcmC*D*c"))


def from_files(paths: Sequence[Path], room: str) -> list[Command]:
    """Read WAV files as commands spoken in one room.

    Raises:
        WavError: one of them is not what a satellite would record.
    """
    return [
        Command(name=name, room=room, pcm=read_wav(path), file=str(path))
        for path, name in zip(paths, _names(paths), strict=True)
    ]


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the files' names without suffix, with a number where one was taken before."""
    names: list[str] = []
    for path in paths:
        numbered = (f"{path.stem}-{n}" for n in count(2))
        names.append(next(name for name in chain([path.stem], numbered) if name not in names))
    return names
