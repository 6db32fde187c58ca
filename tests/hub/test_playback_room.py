"""A room's playback: one thing at a time, the strongest first, and every lease ends."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon_hub.playback.room import Ducked, Effect, Granted, Paused, Room, Taken
from antiphon_hub.playback.rules import ATTENTION_S, DUCK_LEASE_S, RULES
from antiphon_protocol.messages.satellite import PlaybackKind
from tests.support.examples import examples

KINDS: tuple[PlaybackKind, ...] = ("alarm", "reply", "announcement", "chime", "music")
LONGEST_S = max(one.waits_s + one.sounds_s for one in RULES.values())


class AnyDay(RuleBasedStateMachine):
    """Whatever is asked of a room, in any order, at any pace."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room()
        self.now_s = 0.0
        self.kinds: dict[str, PlaybackKind] = {}
        self.state: dict[str, str] = {}
        self.asked_s: dict[str, float] = {}

    def see(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Granted(id=one):
                    assert self.state[one] == "waiting"
                    self.state[one] = "sounding"
                case Paused(id=one):
                    assert self.state[one] == "sounding"
                    assert RULES[self.kinds[one]].again
                    self.state[one] = "waiting"
                case Taken(id=one):
                    assert self.state[one] in ("waiting", "sounding")
                    self.state[one] = "out"
                case Ducked(lease_s=lease_s):
                    assert 0.0 <= lease_s <= DUCK_LEASE_S

    @rule(kind=st.sampled_from(KINDS))
    def ask(self, kind: PlaybackKind) -> None:
        name = f"{kind}-{len(self.kinds)}"
        self.kinds[name], self.state[name], self.asked_s[name] = kind, "waiting", self.now_s
        self.see(self.room.ask(name, kind, self.now_s))

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        here = sorted(one for one, state in self.state.items() if state != "out")
        if here:
            one = data.draw(st.sampled_from(here))
            self.state[one] = "out"
            self.see(self.room.leave(one, self.now_s))

    @rule(turn=st.sampled_from("ab"), on=st.booleans())
    def listen(self, turn: str, on: bool) -> None:
        do = self.room.attend if on else self.room.unattend
        self.see(do(turn, self.now_s))

    @rule(seconds=st.one_of(st.floats(0.0, 3.0), st.floats(0.0, 400.0)))
    def wait(self, seconds: float) -> None:
        """Time passes as for a hub: ticks come when they are due."""
        until_s = self.now_s + seconds
        while (next_s := self.room.next_s) <= until_s:
            self.now_s = max(self.now_s, next_s)
            self.see(self.room.tick(self.now_s))
        self.now_s = until_s

    @invariant()
    def never_two_at_once(self) -> None:
        sounding = [one for one, state in self.state.items() if state == "sounding"]
        front = [one for one in sounding if self.kinds[one] != "music"]
        assert front == [one for one in [self.room.front] if one]
        assert [one for one in sounding if one not in front] == [
            one for one in [self.room.music] if one
        ]
        waiting = {one for one, state in self.state.items() if state == "waiting"}
        assert set(self.room.waiting) == waiting

    @invariant()
    def nothing_stronger_waits(self) -> None:
        waiting = [RULES[self.kinds[one]] for one in self.room.waiting]
        listened = [one for one in waiting if not one.manners]
        if self.room.front:
            has = RULES[self.kinds[self.room.front]].priority
            assert all(one.priority <= has for one in listened)
        else:
            assert not listened

    @invariant()
    def bounded(self) -> None:
        counts = Counter(self.kinds[one] for one in self.room.waiting)
        assert all(count <= RULES[kind].waiting_max for kind, count in counts.items())

    @invariant()
    def all_ends(self) -> None:
        for one, state in self.state.items():
            if state != "out":
                rule_ = RULES[self.kinds[one]]
                assert self.now_s <= self.asked_s[one] + rule_.waits_s + rule_.sounds_s

    @invariant()
    def ducking_ends(self) -> None:
        assert self.room.ducked_until_s <= self.now_s + DUCK_LEASE_S

    def teardown(self) -> None:
        """Nobody asks any more: in the end it is silent, and nothing is ducked."""
        self.wait(LONGEST_S + ATTENTION_S + DUCK_LEASE_S)
        assert set(self.state.values()) <= {"out"}
        assert self.room.ducked_until_s <= self.now_s
        assert self.room.next_s == float("inf")


AnyDay.TestCase.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None
)
TestAnyDay = AnyDay.TestCase


def test_alone_it_sounds_at_once() -> None:
    assert Room().ask("r", "reply", 5.0) == [Granted("r"), Ducked(DUCK_LEASE_S)]


@pytest.mark.parametrize(
    ("first", "second", "effects"),
    [
        ("announcement", "reply", [Paused("1"), Granted("2")]),
        ("announcement", "alarm", [Paused("1"), Granted("2")]),
        ("reply", "alarm", [Taken("1", "stronger"), Granted("2")]),
        ("chime", "announcement", [Taken("1", "stronger"), Granted("2"), Ducked(DUCK_LEASE_S)]),
        ("reply", "announcement", []),
        ("announcement", "announcement", []),
        ("alarm", "alarm", []),
        ("reply", "chime", []),
        ("reply", "music", [Granted("2"), Ducked(DUCK_LEASE_S)]),
        ("music", "reply", [Granted("2"), Ducked(DUCK_LEASE_S)]),
        ("music", "music", [Taken("1", "replaced"), Granted("2")]),
    ],
)
def test_who_takes_the_room_from_whom(
    first: PlaybackKind, second: PlaybackKind, effects: list[Any]
) -> None:
    room = Room()
    room.ask("1", first, 0.0)
    assert room.ask("2", second, 0.5) == effects


def test_a_paused_announcement_is_said_again_behind_the_stronger_one() -> None:
    room = Room()
    room.ask("news", "announcement", 0.0)
    room.ask("later", "announcement", 1.0)
    room.ask("answer", "reply", 2.0)
    assert room.waiting == ("news", "later")
    assert room.leave("answer", 4.0) == [Granted("news")]


def test_while_somebody_speaks_announcements_wait_and_replies_do_not() -> None:
    room = Room()
    assert room.attend("turn", 0.0) == [Ducked(DUCK_LEASE_S)]
    assert room.ask("news", "announcement", 1.0) == []
    assert room.ask("answer", "reply", 2.0) == [Granted("answer")]
    assert room.leave("answer", 4.0) == []
    assert room.unattend("turn", 4.5) == [Granted("news")]


def test_who_calls_over_an_announcement_does_not_get_it_again() -> None:
    room = Room()
    room.ask("news", "announcement", 0.0)
    assert room.attend("turn", 1.0) == [Taken("news", "called-over")]
    assert room.unattend("turn", 2.0) == [Ducked(0.0)]


def test_a_turn_that_never_ends_does_not_silence_the_room_for_ever() -> None:
    room = Room()
    room.attend("turn", 0.0)
    room.ask("news", "announcement", 1.0)
    assert Granted("news") in room.tick(ATTENTION_S)


def test_ducking_is_renewed_while_it_lasts_and_ends_at_once() -> None:
    room = Room()
    room.ask("answer", "reply", 0.0)
    assert room.next_s == DUCK_LEASE_S / 2
    assert room.tick(DUCK_LEASE_S / 2) == [Ducked(DUCK_LEASE_S)]
    assert room.leave("answer", 6.0) == [Ducked(0.0)]
    assert room.leave("answer", 6.5) == []


def test_over_the_bound_it_is_refused() -> None:
    room = Room()
    bound = RULES["announcement"].waiting_max
    for number in range(bound + 1):
        room.ask(f"n{number}", "announcement", 0.0)
    assert room.ask("more", "announcement", 0.0) == [Taken("more", "full")]


@given(st.lists(st.sampled_from(KINDS), max_size=30))
def test_asking_twice_changes_nothing(kinds: list[PlaybackKind]) -> None:
    room = Room()
    for number, kind in enumerate(kinds):
        taken = {one.id for one in room.ask(str(number), kind, 0.0) if isinstance(one, Taken)}
        if str(number) not in taken:
            assert room.ask(str(number), kind, 0.0) == []
