"""Spoken calls as a satellite sends them: in a quiet room, through babble, by a television.

A scene is the ring with the wake phrase's end, the command, and several seconds after it, all over
the background. Where the command really ends is known from the recording before anything is added.
"""

import random
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_ears.vad.port import VadEngine
from antiphon_protocol.audio import SAMPLE_RATE_HZ

WINDOW: Final = 512
VOICED: Final = 0.5
"""Probability from which on silero's authors call a window voiced."""
SHORTEST_RUN: Final = 2
"""Voiced windows in a row that count; a click gives one."""
RING_S: Final = 2.0
TAIL_S: Final = 6.0
ROOM_DBFS: Final = -60.0
"""A quiet room."""
SPEECH_DBFS: Final = -26.0
"""To which every command is brought: the ITU's nominal level of speech (P.56)."""
BABBLE_VOICES: Final = 5

PHRASE_S: Final = 1.05
"""How far before its firing a satellite's wake engine says that a phrase of one word may begin."""
FIRES_S: Final = (-0.1, 0.2)
"""When wake engines fire, after the phrase's last voiced sample."""
GAP_S: Final = (0.1, 0.7)
"""Between wake phrase and command."""

HESITATES_AT: Final = (0.15, 0.5)
"""Where people look for a name, as shares of the command."""
HESITATES_S: Final = (0.4, 0.9)

UNKNOWN_DBFS: Final = -200.0

Signal = npt.NDArray[np.float64]
Condition = Literal["silence", "babble", "television", "hesitation"]


class Clip(NamedTuple):
    """Speech, and where in it there is voice; brought to the nominal level."""

    signal: Signal
    first: int
    """Sample with which the first voiced window begins."""
    last: int
    """Sample behind the last voiced window."""


class Scene(NamedTuple):
    """What a satellite sends."""

    pcm: bytes
    begin: int
    """Where the wake phrase may begin, samples."""
    wake_end: int
    """Where the wake engine fired; 0 without a wake phrase."""
    said: int
    """Behind the last voiced sample of the command."""
    called_dbfs: float = UNKNOWN_DBFS
    """How loud the same person called in the turn before, of an answer; -200: not known."""


def clip(pcm: bytes, vad: VadEngine) -> Clip | None:
    """Return a recording of one person in silence; None without voice in it."""
    signal = np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768
    whole = pcm + bytes(2 * WINDOW)
    voiced = [chance >= VOICED for chance in vad.open().feed(whole)][: len(signal) // WINDOW]
    runs = [
        index
        for index, here in enumerate(voiced)
        if here and (any(voiced[max(0, index - 1) : index]) or any(voiced[index + 1 : index + 2]))
    ]
    if not runs:
        return None
    mask = np.repeat(voiced, WINDOW)
    power = float((signal[: len(mask)][mask] ** 2).mean())
    gain = 10 ** (SPEECH_DBFS / 20) / max(1e-9, np.sqrt(power))
    return Clip(signal * gain, runs[0] * WINDOW, (runs[-1] + 1) * WINDOW)


class Rooms:
    """Makes scenes; the same seed gives the same ones."""

    def __init__(
        self, *, calls: Sequence[Clip], voices: Sequence[Clip], snr_db: float, seed: int
    ) -> None:
        """Take clips of a wake phrase (none: no phrase in front), and of other people talking."""
        self._calls = calls
        self._voices = voices
        self._snr_db = snr_db
        self._seed = seed

    def scene(self, command: Clip, condition: Condition, name: str) -> Scene:
        """Return a call with that command; `name` makes its chances its own."""
        chance = random.Random(f"{self._seed} {condition} {name}")
        ring, fired = self._ring(chance)
        lead = int(0.1 * SAMPLE_RATE_HZ)
        start = max(0, command.first - lead)
        spoken = command.signal[start:]
        said = len(ring) + command.last - start
        if condition == "hesitation":
            spoken, longer = _hesitating(spoken, command, start, chance)
            said += longer
        clean = np.zeros(said + int(TAIL_S * SAMPLE_RATE_HZ))
        clean[: len(ring)] += ring
        end = min(len(clean), len(ring) + len(spoken))
        clean[len(ring) : end] += spoken[: end - len(ring)]
        mixed = clean + self._background(condition, len(clean), chance)
        quieter = min(1.0, 32767 / 32768 / float(np.abs(mixed).max()))
        pcm = (mixed * quieter * 32768).astype("<i2").tobytes()
        begin = max(0, fired - int(PHRASE_S * SAMPLE_RATE_HZ)) if fired else 0
        called_dbfs = UNKNOWN_DBFS if self._calls else self._called_dbfs(command, name)
        return Scene(pcm, begin, fired, said, called_dbfs)

    def _called_dbfs(self, command: Clip, name: str) -> float:
        """Return how loud who answers has called: the loudest window, 3 dB more or less."""
        voice = command.signal[command.first : command.last].reshape(-1, WINDOW)
        loudest = 10 * np.log10(float((voice**2).mean(axis=1).max()))
        return min(0.0, loudest + random.Random(f"{self._seed} called {name}").uniform(-3, 3))

    def _ring(self, chance: random.Random) -> tuple[Signal, int]:
        """Return what lies before the command, and where in it the wake engine fired."""
        if not self._calls:
            return np.zeros(int(chance.uniform(0.2, 1.0) * SAMPLE_RATE_HZ)), 0
        call = chance.choice(self._calls)
        fired = int(RING_S * SAMPLE_RATE_HZ)
        over = fired - int(chance.uniform(*FIRES_S) * SAMPLE_RATE_HZ)
        ring = np.zeros(over + int(chance.uniform(*GAP_S) * SAMPLE_RATE_HZ))
        edge = int(0.05 * SAMPLE_RATE_HZ)
        first, last = max(0, call.first - edge, call.last - over), call.last
        ring[over - (last - first) : over] = call.signal[first:last] * _gain(chance.uniform(-3, 3))
        return ring, fired

    def _background(self, condition: Condition, samples: int, chance: random.Random) -> Signal:
        noise = np.random.default_rng(chance.randrange(2**32))
        room = noise.normal(0, _gain(ROOM_DBFS), samples)
        if condition in ("silence", "hesitation"):
            return room
        voices = BABBLE_VOICES if condition == "babble" else 1
        talk = sum(self._talk(samples, chance) for _ in range(voices))
        return room + talk * _gain(-self._snr_db) / np.sqrt(voices)

    def _talk(self, samples: int, chance: random.Random) -> Signal:
        """Return one clip after the other, from somewhere in the first, with short pauses."""
        pieces: list[Signal] = []
        missing = samples
        while missing > 0:
            voice = chance.choice(self._voices)
            piece = voice.signal[voice.first : voice.last]
            if not pieces:
                piece = piece[chance.randrange(len(piece)) :]
            pieces += [piece, np.zeros(int(chance.uniform(0.1, 0.5) * SAMPLE_RATE_HZ))]
            missing -= len(pieces[-2]) + len(pieces[-1])
        return np.concatenate(pieces)[:samples]


def _hesitating(
    spoken: Signal, command: Clip, start: int, chance: random.Random
) -> tuple[Signal, int]:
    """Return the command with a pause at its quietest place early on, and the pause's samples."""
    first, length = command.first - start, command.last - command.first
    early, late = (first + int(share * length) for share in HESITATES_AT)
    power = np.convolve(spoken[early:late] ** 2, np.ones(WINDOW), mode="valid")
    at = early + int(power.argmin()) + WINDOW // 2
    pause = np.zeros(int(chance.uniform(*HESITATES_S) * SAMPLE_RATE_HZ))
    return np.concatenate((spoken[:at], pause, spoken[at:])), len(pause)


def _gain(db: float) -> float:
    return float(10 ** (db / 20))
