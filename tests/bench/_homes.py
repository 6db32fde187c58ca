"""Simulated homes for the arbitration bench: rooms, walls, doors, devices, people who call.

Statistical room acoustics: the direct sound falls by 6 dB with each doubling of distance, and the
diffuse field of each room follows from the balance of power between absorption and what passes
walls and doors (the theory of coupled rooms; see Kuttruff, Room Acoustics). A raised voice is 62 dB
at one metre, a microphone's full scale 120 dB. Levels are dB SPL in the rooms and dBFS in the
devices; nothing here knows the rule that is tested.

A room is what has doors: two parts of a room with a wide opening between them count as one.
"""

import math
import random
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

SMALLEST, LARGEST = 3, 12
"""Rooms of a home."""
HEIGHT_M: Final = 2.5
DOOR_M2: Final = 1.7
WALL_DB: Final = (20.0, 45.0)
"""Sound reduction of a wall with what leaks around it."""
DOOR_DB: Final = (15.0, 25.0)
"""Of a closed inner door."""
GAIN_DB: Final = 12.0
"""A device's gain lies this much to either side."""
FULL_SCALE_SPL: Final = 120.0
"""Sound pressure level of full scale at gain 0: the usual MEMS microphone, -26 dBFS at 94 dB."""
PEAK_DB: Final = 6.0
"""The loudest 32 ms of a phrase above its mean."""
SOUND_M_PER_S: Final = 343.0
DELAY_S: Final = 0.2
"""A report is up to this late: engine, processor, Wi-Fi."""
FIRING_S: Final = 0.03
CLOCK_S: Final = 0.01
"""Standard deviations of when an engine fires on the same phrase, and of a device's clock."""

Matrix = npt.NDArray[np.float64]


class Room(msgspec.Struct, frozen=True):
    """A room with its one device."""

    x: float
    y: float
    width: float
    depth: float
    absorption_m2: float
    ambient_spl: float
    noisy: float
    """Share of the time in which something (television, hood, fan) runs in it."""
    use: float
    """How often people call here, relative to the other rooms."""
    device: tuple[float, float]
    gain_db: float
    self_noise_spl: float


class Door(msgspec.Struct, frozen=True):
    """Between two neighbours: wall, and perhaps a door."""

    rooms: tuple[int, int]
    wall_m2: float
    wall_db: float
    door_db: float | None
    open_share: float


class Sound(msgspec.Struct, frozen=True):
    """What one device makes of one call."""

    room: int
    arrived_s: float
    """When its report reaches the hub, seconds since the phrase."""
    captured_s: float
    """When its engine fired, on the hub's clock as the device knows it."""
    level_dbfs: float
    noise_dbfs: float
    confidence: float


class SpokenCall(msgspec.Struct, frozen=True):
    """A call, where it was said and who heard it."""

    room: int
    sounds: tuple[Sound, ...]


class Home:
    """A home. `call` yields one call after the other."""

    def __init__(self, rooms: int, rng: random.Random) -> None:
        self._rng = rng
        cells = _floor_plan(rooms, rng)
        self.rooms = [_furnished(cell, rng) for cell in cells]
        self._doors = _doors(self.rooms, rng)

    def rest(self) -> tuple[float, ...]:
        """Return each device's noise floor at some moment without a call, dBFS."""
        noise = _diffuse(self._coupling(), self._noise_sources())
        return tuple(
            self._floor_dbfs(room, _background(room, leaked))
            for room, leaked in zip(self.rooms, noise, strict=True)
        )

    def call(self) -> SpokenCall:
        """Let somebody call in one of the rooms; several devices may hear it, or none."""
        rng = self._rng
        where = rng.choices(range(len(self.rooms)), [room.use for room in self.rooms])[0]
        coupling = self._coupling()
        room = self.rooms[where]
        at = (rng.uniform(0.4, room.width - 0.4), rng.uniform(0.4, room.depth - 0.4))
        speech_spl = rng.gauss(62.0, 4.0)
        power = np.zeros(len(self.rooms))
        # Speech radiates 3 dB less than its level in front of the mouth suggests.
        power[where] = _power(speech_spl + 11.0 - 3.0)
        speech = _diffuse(coupling, power)
        noise = _diffuse(coupling, self._noise_sources())
        clarity_db = rng.gauss(0.0, 3.0)
        sounds = []
        for number, one in enumerate(self.rooms):
            heard = speech[number] * _power(rng.gauss(0.0, 1.5))
            distance_m = 8.0
            if number == where:
                distance_m = max(0.5, math.dist(at, one.device))
                heard += _power(speech_spl - 20 * math.log10(distance_m) + self._facing_db())
            background = _background(one, noise[number])
            sound = self._heard(number, heard, background, clarity_db, distance_m)
            if sound is not None:
                sounds.append(sound)
        return SpokenCall(where, tuple(sorted(sounds, key=lambda one: one.arrived_s)))

    def _floor_dbfs(self, room: Room, noise: float) -> float:
        # The floor follows the lower edge of the noise; a television has pauses.
        floor_db = _db(noise) - self._rng.uniform(1.0, 5.0)
        return min(0.0, max(-96.0, floor_db + room.gain_db - FULL_SCALE_SPL))

    def _facing_db(self) -> float:
        """Return the level beside the mouth against that in front: 0 dB to -8 dB behind."""
        return -4.0 * (1.0 - math.cos(self._rng.uniform(0.0, math.pi)))

    def _coupling(self) -> Matrix:
        """Return the balance of power, with the doors as they stand now."""
        matrix = np.diag([room.absorption_m2 for room in self.rooms])
        for door in self._doors:
            through = door.wall_m2 * _power(-door.wall_db)
            if door.door_db is not None:
                is_open = self._rng.random() < door.open_share
                through += DOOR_M2 * (1.0 if is_open else _power(-door.door_db))
            a, b = door.rooms
            matrix[a, a] += through
            matrix[b, b] += through
            matrix[a, b] -= through
            matrix[b, a] -= through
        return matrix

    def _noise_sources(self) -> Matrix:
        return np.array(
            [
                _power(self._rng.uniform(50.0, 68.0)) if self._rng.random() < room.noisy else 0.0
                for room in self.rooms
            ]
        )

    def _heard(
        self, number: int, signal: float, noise: float, clarity_db: float, distance_m: float
    ) -> Sound | None:
        """Let a device measure, and its wake engine fire or not."""
        rng, room = self._rng, self.rooms[number]
        snr_db = _db(signal) - _db(noise)
        margin_db = snr_db - 3.0 + clarity_db + rng.gauss(0.0, 1.5)
        if margin_db < 0.0 or rng.random() < 0.003:
            return None
        fired_s = distance_m / SOUND_M_PER_S + rng.gauss(0.0, FIRING_S)
        to_dbfs = room.gain_db - FULL_SCALE_SPL
        loudest = signal * _power(PEAK_DB + rng.gauss(0.0, 1.0)) + noise
        sure = 1.0 / (1.0 + math.exp(-(margin_db + rng.gauss(0.0, 3.0)) / 3.0))
        return Sound(
            room=number,
            arrived_s=fired_s + rng.uniform(0.0, DELAY_S),
            captured_s=fired_s + rng.gauss(0.0, CLOCK_S),
            level_dbfs=min(0.0, max(-96.0, _db(loudest) + to_dbfs)),
            noise_dbfs=self._floor_dbfs(room, noise),
            confidence=min(1.0, max(0.5, sure)),
        )


def _background(room: Room, leaked: float) -> float:
    return leaked + _power(room.ambient_spl) + _power(room.self_noise_spl)


def _floor_plan(count: int, rng: random.Random) -> list[tuple[float, float, float, float]]:
    """Return rooms as rows of rectangles: x, y, width, depth, metres."""
    per_row = max(2, math.ceil(math.sqrt(count)))
    cells = []
    y = 0.0
    for begin in range(0, count, per_row):
        depth, x = rng.uniform(3.0, 5.5), 0.0
        for _ in range(min(per_row, count - begin)):
            width = rng.uniform(2.5, 6.0)
            cells.append((x, y, width, depth))
            x += width
        y += depth
    return cells


def _furnished(cell: tuple[float, float, float, float], rng: random.Random) -> Room:
    _, _, width, depth = cell
    # Sabine: absorption from the volume and the time of reverberation.
    absorption = 0.161 * width * depth * HEIGHT_M / rng.uniform(0.3, 0.7)
    along = rng.choice(((rng.random(), 0.05), (rng.random(), 0.95), (0.05, 0.5), (0.95, 0.5)))
    return Room(
        *cell,
        absorption_m2=absorption,
        ambient_spl=max(22.0, rng.gauss(31.0, 4.0)),
        noisy=rng.choice((0.02, 0.05, 0.1, 0.3)),
        use=rng.choice((1.0, 2.0, 4.0)),
        device=(along[0] * width, along[1] * depth),
        gain_db=rng.uniform(-GAIN_DB, GAIN_DB),
        self_noise_spl=rng.uniform(27.0, 33.0),
    )


def _doors(rooms: list[Room], rng: random.Random) -> list[Door]:
    doors, reached = [], {0}
    for a, one in enumerate(rooms):
        for b in range(a + 1, len(rooms)):
            length_m = _shared_m(one, rooms[b])
            if length_m < 1.0:
                continue
            has_door = b not in reached or rng.random() < 0.35
            if has_door:
                reached.add(b)
            doors.append(
                Door(
                    (a, b),
                    length_m * HEIGHT_M,
                    rng.uniform(*WALL_DB),
                    rng.uniform(*DOOR_DB) if has_door else None,
                    rng.choice((0.1, 0.3, 0.6, 0.9)),
                )
            )
    return doors


def _shared_m(one: Room, other: Room) -> float:
    """Return the length of the wall between two rooms, metres; 0 for no neighbours."""
    across = min(one.y + one.depth, other.y + other.depth) - max(one.y, other.y)
    along = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    if abs(along) < 1e-6:
        return max(0.0, across)
    if abs(across) < 1e-6:
        return max(0.0, along)
    return 0.0


def _diffuse(coupling: Matrix, power: Matrix) -> Matrix:
    """Return each room's diffuse intensity for the sound powers in the rooms."""
    field: Matrix = np.linalg.solve(coupling, 4.0 * power)
    return field


def _power(db: float) -> float:
    return float(10.0 ** (db / 10.0))


def _db(power: float) -> float:
    return 10.0 * math.log10(max(power, 1e-30))
