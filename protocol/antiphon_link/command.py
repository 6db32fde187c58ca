"""The `antiphon` command: runs the sub-command that an installed package brings.

Each package names its commands as entry points `antiphon.commands`, so that a satellite's board has
`antiphon satellite` without the hub, and starting one program imports none of the others.
"""

import sys
from importlib.metadata import EntryPoint, entry_points, version

GROUP = "antiphon.commands"


def main() -> None:
    """Run `antiphon NAME ...`; exit code 2 for a wrong name, else the sub-command's own."""
    commands = {entry.name: entry for entry in entry_points(group=GROUP)}
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("--help", "-h", "help"):
        print(_help(commands))  # noqa: T201 - the help is this command's output
        return
    if name == "--version":
        print(version("antiphon-protocol"))  # noqa: T201 - the version is this command's output
        return
    if name not in commands:
        known = ", ".join(sorted(commands)) or "none: install antiphon-hub or antiphon-satellite"
        sys.stderr.write(f"antiphon: no command {name!r} is installed here; there are: {known}\n")
        sys.exit(2)
    sys.argv = [f"antiphon {name}", *sys.argv[2:]]
    commands[name].load()()


SAYINGS = {
    "hub": "run the house: understand, do, answer",
    "worker": "run the engines that hear and speak, here or on another machine",
    "satellite": "hear and speak in a room",
    "devices": "let satellites, workers and programs into the house, and out again",
    "demo": "the whole house in one terminal, on synthesized commands, your WAVs or the microphone",
    "turn": "speak one WAV to a running hub and print what came of it",
    "turns": "look back at what was said and done, and hear it again",
    "skills": "which skills of others are used, and what is wrong with the rest",
    "transcribe": "speech to text for WAV files",
    "wake": "find wake phrases in WAV files",
    "understand": "what a sentence means, and what it would do",
    "speak": "text to speech into a WAV file",
    "train": "teach a DeepSpeech network from recordings and their texts",
    "scorer": "make a language model for DeepSpeech out of sentences",
    "convert": "write a DeepSpeech network as another kind of file",
    "teach-wake": "teach the house how its own people call it",
    "train-meaning": "make the model of natural wording out of sentences",
    "train-senones": "make the network that hears commands out of recordings and their texts",
    "doctor": "what is there, what is missing, how to mend it",
}


def _help(commands: dict[str, EntryPoint]) -> str:
    order = [name for name in SAYINGS if name in commands]
    order += sorted(set(commands) - set(order))
    lines = [f"  {name:<15}{SAYINGS.get(name, commands[name].value)}" for name in order]
    return "\n".join(["usage: antiphon COMMAND [--help] ...", "", *lines])
