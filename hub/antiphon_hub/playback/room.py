"""What sounds in one room, as a state machine (pure: every call takes `now_s`, seconds).

Alarm, reply, announcement and chime share one place, the strongest has it; music sounds beside
them, ducked. Whoever asked for a place is told with one `Granted`, in case of `again` rules after
each `Paused` once more, and lastly with one `Taken`, unless it left before by itself.
"""

from typing import Final, Literal

import msgspec

from antiphon_hub.playback.rules import (
    ATTENTION_S,
    ATTENTIONS_MAX,
    DUCK_LEASE_S,
    RULES,
    Rule,
)
from antiphon_protocol.messages.satellite import PlaybackKind

Why = Literal["full", "stronger", "called-over", "waited-too-long", "too-long", "replaced"]
NEVER_S: Final = float("inf")


class Granted(msgspec.Struct, frozen=True):
    """It may sound now."""

    id: str


class Paused(msgspec.Struct, frozen=True):
    """It must be silent, and waits for the next `Granted`."""

    id: str


class Taken(msgspec.Struct, frozen=True):
    """It must be silent, and is out."""

    id: str
    why: Why


class Ducked(msgspec.Struct, frozen=True):
    """Other sound in the room is to be quieter until the lease ends; a lease of 0 s ends it."""

    lease_s: float


Effect = Granted | Paused | Taken | Ducked


class _Entry(msgspec.Struct):
    id: str
    kind: PlaybackKind
    asked_s: float
    since_s: float = 0.0
    """Since when it has its place."""

    @property
    def rule(self) -> Rule:
        return RULES[self.kind]


class Room:
    """One room."""

    def __init__(self) -> None:
        self._front: _Entry | None = None
        self._music: _Entry | None = None
        self._waiting: list[_Entry] = []
        self._attention: dict[str, float] = {}
        self._ducked_until_s = -NEVER_S

    @property
    def front(self) -> str:
        """Id of what has the place; empty when nothing has."""
        return self._front.id if self._front else ""

    @property
    def music(self) -> str:
        """Id of the music that plays; empty without any."""
        return self._music.id if self._music else ""

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of those that wait, first the next one."""
        return tuple(entry.id for entry in self._waiting)

    @property
    def ducked_until_s(self) -> float:
        """When the last lease of ducking ends."""
        return self._ducked_until_s

    @property
    def next_s(self) -> float:
        """When `tick` is due next; infinity while nothing is under way."""
        ends = [entry.asked_s + entry.rule.waits_s for entry in self._waiting]
        ends += [one.since_s + one.rule.sounds_s for one in (self._front, self._music) if one]
        ends += self._attention.values()
        if self._loud:
            ends.append(self._ducked_until_s - DUCK_LEASE_S / 2)
        return min(ends, default=NEVER_S)

    def ask(self, entry_id: str, kind: PlaybackKind, now_s: float) -> list[Effect]:
        """Ask for a place. An id that has one, or waits for one, changes nothing."""
        if self._has(entry_id):
            return self._settle(now_s)
        entry = _Entry(entry_id, kind, now_s)
        if kind == "music":
            return [*self._play_music(entry, now_s), *self._settle(now_s)]
        alike = [one for one in self._waiting if one.kind == kind]
        effects: list[Effect] = []
        if len(alike) >= entry.rule.waiting_max:
            effects.append(Taken(entry_id, "full"))
        else:
            self._enqueue(entry)
        return effects + self._settle(now_s)

    def leave(self, entry_id: str, now_s: float) -> list[Effect]:
        """It is over, or given up, by its owner's will; of an unknown id nothing comes."""
        self._waiting = [one for one in self._waiting if one.id != entry_id]
        if self.front == entry_id:
            self._front = None
        if self.music == entry_id:
            self._music = None
        return self._settle(now_s)

    def attend(self, turn: str, now_s: float) -> list[Effect]:
        """Somebody is being listened to: be quiet, until `unattend` or the lease's end."""
        if turn in self._attention or len(self._attention) < ATTENTIONS_MAX:
            self._attention[turn] = now_s + ATTENTION_S
        return self._settle(now_s)

    def unattend(self, turn: str, now_s: float) -> list[Effect]:
        """Nobody is being listened to in that turn any more."""
        self._attention.pop(turn, None)
        return self._settle(now_s)

    def tick(self, now_s: float) -> list[Effect]:
        """Let time pass; due at `next_s`, harmless at any other time."""
        return self._settle(now_s)

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _loud(self) -> bool:
        """Other sound would disturb."""
        return bool(self._attention) or (self._front is not None and self._front.kind != "chime")

    def _has(self, entry_id: str) -> bool:
        return entry_id in (self.front, self.music, *self.waiting)

    def _enqueue(self, entry: _Entry) -> None:
        self._waiting.append(entry)
        # A stable sort: first come, first served among equals. One that was paused asked earlier.
        self._waiting.sort(key=lambda one: (-one.rule.priority, one.asked_s))

    def _play_music(self, entry: _Entry, now_s: float) -> list[Effect]:
        before, self._music = self._music, entry
        entry.since_s = now_s
        if self._loud:
            self._ducked_until_s = now_s  # it must be told, too
        replaced: list[Effect] = [Taken(before.id, "replaced")] if before else []
        return [*replaced, Granted(entry.id)]

    def _settle(self, now_s: float) -> list[Effect]:
        effects = self._expire(now_s)
        if self._front and self._attention and self._front.rule.manners:
            # Who calls while it speaks has heard that it spoke: it is not said again.
            effects.append(Taken(self._front.id, "called-over"))
            self._front = None
        while (entry := self._next()) is not None:
            if self._front is not None:
                effects += self._push_out(self._front, now_s)
            self._waiting.remove(entry)
            self._front, entry.since_s = entry, now_s
            effects.append(Granted(entry.id))
        return effects + self._duck(now_s)

    def _expire(self, now_s: float) -> list[Effect]:
        self._attention = {turn: end for turn, end in self._attention.items() if end > now_s}
        effects: list[Effect] = []
        for entry in [one for one in self._waiting if now_s >= one.asked_s + one.rule.waits_s]:
            self._waiting.remove(entry)
            effects.append(Taken(entry.id, "waited-too-long"))
        if self._front and now_s >= self._front.since_s + self._front.rule.sounds_s:
            effects.append(Taken(self._front.id, "too-long"))
            self._front = None
        if self._music and now_s >= self._music.since_s + self._music.rule.sounds_s:
            effects.append(Taken(self._music.id, "too-long"))
            self._music = None
        return effects

    def _next(self) -> _Entry | None:
        """Return who gets the place now."""
        may = (one for one in self._waiting if not (self._attention and one.rule.manners))
        best = next(may, None)
        if best and self._front and best.rule.priority <= self._front.rule.priority:
            return None
        return best

    def _push_out(self, entry: _Entry, now_s: float) -> list[Effect]:
        self._front = None
        alike = sum(one.kind == entry.kind for one in self._waiting)
        patient = now_s < entry.asked_s + entry.rule.waits_s
        if not (entry.rule.again and patient and alike < entry.rule.waiting_max):
            return [Taken(entry.id, "stronger")]
        self._enqueue(entry)
        return [Paused(entry.id)]

    def _duck(self, now_s: float) -> list[Effect]:
        if self._loud:
            if now_s < self._ducked_until_s - DUCK_LEASE_S / 2:
                return []
            self._ducked_until_s = now_s + DUCK_LEASE_S
            return [Ducked(DUCK_LEASE_S)]
        if now_s >= self._ducked_until_s:
            return []
        self._ducked_until_s = now_s
        return [Ducked(0.0)]
