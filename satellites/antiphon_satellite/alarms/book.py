"""What is set to ring, what rings, and what has rung. Pure.

Two clocks come as arguments: a steady one that nobody sets (seconds), which decides, and the wall
clock (microseconds since 1970), which only carries what is set over a restart.
"""

from collections.abc import Sequence

import msgspec

from antiphon_protocol.messages.timer import Alarm, AlarmRang, AlarmStopped, SetAlarms, StoppedBy


class Kept(msgspec.Struct, frozen=True):
    """One alarm as it is written to disk."""

    alarm: Alarm
    due_us: int
    """When it rings on our own wall clock, whatever the hub's shows."""
    stopped_by: StoppedBy | None = None
    rang: bool = False


class _Held(msgspec.Struct):
    alarm: Alarm
    due_s: float
    rang: bool = False
    stopped_by: StoppedBy | None = None


class AlarmBook:
    """The alarms of one satellite."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], _Held] = {}

    def set(self, told: SetAlarms, now_s: float) -> None:
        """Take over what the hub set; what it left out is forgotten, and rings no more."""
        held: dict[tuple[str, int], _Held] = {}
        for alarm in told.alarms:
            key = (alarm.alarm, alarm.due_us)
            one = self._held.get(key) or _Held(alarm, 0.0)
            one.due_s = now_s + (alarm.due_us - told.told_us) / 1e6
            held[key] = one
        self._held = held

    def restore(self, kept: Sequence[Kept], wall_us: int, now_s: float) -> None:
        """Bring back what was kept by an earlier run of the program."""
        self._held = {
            (one.alarm.alarm, one.alarm.due_us): _Held(
                one.alarm, now_s + (one.due_us - wall_us) / 1e6, one.rang, one.stopped_by
            )
            for one in kept
        }

    def kept(self, wall_us: int, now_s: float) -> list[Kept]:
        """Return what is to be written to disk."""
        return [
            Kept(
                one.alarm,
                wall_us + round((one.due_s - now_s) * 1e6),
                one.stopped_by,
                one.rang,
            )
            for one in self._held.values()
        ]

    def ringing(self, now_s: float) -> list[Alarm]:
        """Return what is to ring now, the first one due first."""
        due = [one for one in self._held.values() if _rings(one, now_s)]
        return [one.alarm for one in sorted(due, key=lambda one: one.due_s)]

    def next_s(self, now_s: float) -> float | None:
        """Return how long it takes until something begins or ceases to ring; None: nothing will."""
        live = [one for one in self._held.values() if one.stopped_by is None]
        times = [at_s for one in live for at_s in (one.due_s, one.due_s + one.alarm.ring_s)]
        return min((at_s - now_s for at_s in times if at_s > now_s), default=None)

    def passed(self, now_s: float) -> list[AlarmRang | AlarmStopped]:
        """Return what has just begun to ring, or has rung for as long as it may."""
        facts: list[AlarmRang | AlarmStopped] = []
        for one in self._held.values():
            if _rings(one, now_s) and not one.rang:
                one.rang = True
                facts.append(_rang(one))
            elif one.stopped_by is None and now_s >= one.due_s + one.alarm.ring_s:
                # It may have been due while this program was off: then it is the hub's to tell.
                one.stopped_by = "limit"
                if one.rang:
                    facts.append(_stopped(one, "limit"))
        return facts

    def stop(self, by: StoppedBy, now_s: float) -> list[AlarmStopped]:
        """Stop what rings; return what it was."""
        stopped = [one for one in self._held.values() if _rings(one, now_s)]
        for one in stopped:
            one.stopped_by = by
        return [_stopped(one, by) for one in stopped]

    def told_again(self, now_s: float) -> list[AlarmRang | AlarmStopped]:
        """Return what a hub that was away, or still sets what is over, needs to know."""
        rang = [_rang(one) for one in self._held.values() if _rings(one, now_s)]
        over = [
            _stopped(one, one.stopped_by)
            for one in self._held.values()
            if one.rang and one.stopped_by is not None
        ]
        return [*rang, *over]


def _rings(one: _Held, now_s: float) -> bool:
    return one.stopped_by is None and one.due_s <= now_s < one.due_s + one.alarm.ring_s


def _rang(one: _Held) -> AlarmRang:
    return AlarmRang(alarm=one.alarm.alarm, due_us=one.alarm.due_us)


def _stopped(one: _Held, by: StoppedBy) -> AlarmStopped:
    return AlarmStopped(alarm=one.alarm.alarm, due_us=one.alarm.due_us, by=by)
