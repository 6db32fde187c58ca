"""One hub acts, never two: the rule, whatever the order of events; and two real hubs."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_hub.leadership import BELIEVED_S, EXPIRED_S, RENEW_S, Leadership
from antiphon_protocol.messages.presence import HubLease
from tests.support.examples import examples

STEP_S = 0.1


class Bus:
    """A broker in steps of a tenth of a second, with hubs that come, go and are cut off."""

    def __init__(self, standbys: Sequence[bool]) -> None:
        self.now_s = 100.0
        self.retained: HubLease | None = None
        self.hubs = [Leadership(f"hub-{n}", f"i{n}", standby=one) for n, one in enumerate(standbys)]
        self.here: set[int] = set()
        self.queue: list[tuple[int, HubLease]] = []

    def join(self, number: int) -> None:
        if number not in self.here:
            self.here.add(number)
            self.hubs[number].connected(self.now_s)
            if self.retained is not None:
                self.hubs[number].saw(self.retained, self.now_s)

    def lose(self, number: int, *, told: bool) -> None:
        """Cut one off; `told`: the broker publishes its will at once."""
        if number in self.here:
            self.here.discard(number)
            self.hubs[number].disconnected()
            if told:
                self.bring(self.hubs[number].release())

    def bring(self, lease: HubLease) -> None:
        for number in self.here:
            self.hubs[number].saw(lease, self.now_s)

    def step(self) -> None:
        self.now_s += STEP_S
        for number, lease in self.queue:
            if number in self.here:
                self.retained = lease
                self.bring(lease)
        self.queue = []
        for number in sorted(self.here):
            move = self.hubs[number].move(self.now_s)
            if move in ("claim", "renew"):
                lease = self.hubs[number].message(self.now_s, claim=move == "claim")
                self.queue.append((number, lease))
        assert len(self.acting()) <= 1, self.acting()

    def steps(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def acting(self) -> list[int]:
        return [n for n, hub in enumerate(self.hubs) if hub.valid(self.now_s)]


def test_a_hub_with_its_own_broker_acts_at_once_and_goes_on() -> None:
    bus = Bus([False])
    bus.hubs[0] = Leadership("hub-0", "i0", standby=False, alone=True)
    bus.join(0)
    bus.steps(0.6)
    assert bus.acting() == [0]
    bus.steps(60.0)
    assert bus.acting() == [0]


def test_a_standby_lets_the_other_begin_and_takes_over_when_it_dies() -> None:
    bus = Bus([False, True])
    bus.join(1)
    bus.steps(1.0)
    bus.join(0)
    bus.steps(4.0)
    assert bus.acting() == [0]
    bus.lose(0, told=True)
    bus.steps(0.5)
    assert bus.acting() == [1]


def test_without_a_will_it_takes_over_when_the_lease_ran_out() -> None:
    bus = Bus([False, True])
    bus.join(0)
    bus.steps(4.0)
    bus.join(1)
    bus.steps(1.0)
    bus.lose(0, told=False)
    bus.steps(EXPIRED_S + 0.5)
    assert bus.acting() == [1]


def test_who_comes_back_stands_by() -> None:
    bus = Bus([False, True])
    bus.join(0)
    bus.join(1)
    bus.steps(4.0)
    bus.lose(0, told=True)
    bus.steps(1.0)
    bus.hubs[0] = Leadership("hub-0", "again", standby=False)
    bus.join(0)
    bus.steps(10.0)
    assert bus.acting() == [1]
    assert bus.hubs[0].holder == "hub-1"


def test_a_hub_that_was_cut_off_learns_that_it_lost() -> None:
    bus = Bus([False, True])
    bus.join(0)
    bus.join(1)
    bus.steps(4.0)
    bus.lose(0, told=False)
    bus.steps(5.0)
    assert bus.acting() == [1]
    bus.join(0)
    assert bus.hubs[0].move(bus.now_s) == "lost"


def test_the_same_hub_started_again_waits_for_nobody() -> None:
    bus = Bus([False])
    bus.join(0)
    bus.steps(4.0)
    bus.lose(0, told=False)
    bus.hubs[0] = Leadership("hub-0", "again", standby=False)
    bus.join(0)
    bus.steps(0.6)
    assert bus.acting() == [0]


def test_the_holder_stops_believing_before_others_may_claim() -> None:
    assert RENEW_S < BELIEVED_S < EXPIRED_S


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["join", "lose", "die", "forget"]),
        st.integers(0, 2),
        st.floats(0.0, 4.0),
    ),
    max_size=10,
)


@settings(max_examples=examples(40), deadline=None)
@given(EVENTS, st.lists(st.booleans(), min_size=3, max_size=3))
def test_never_do_two_act_whatever_happens(
    events: list[tuple[str, int, float]], standbys: list[bool]
) -> None:
    bus = Bus(standbys)
    for kind, number, after_s in events:
        bus.steps(after_s)  # each step asserts it
        match kind:
            case "join":
                bus.join(number)
            case "lose":
                bus.lose(number, told=False)
            case "die":
                bus.lose(number, told=True)
            case _:
                bus.retained = None
    for number in range(3):
        bus.join(number)
    bus.steps(10.0)
    alive = [hub for hub in bus.hubs if hub.move(bus.now_s) != "lost"]
    assert bus.acting() or not alive or len(alive) < len(bus.hubs)


@given(st.integers(0, 2**40), st.integers(0, 100))
def test_an_older_term_changes_nothing(term: int, older: int) -> None:
    rule = Leadership("hub", "me", standby=False)
    rule.connected(0.0)
    newest = HubLease(hub="other", instance="it", term=term + older + 1)
    rule.saw(newest, 1.0)
    rule.saw(msgspec.structs.replace(newest, term=term, instance="old", hub="old"), 2.0)
    assert rule.holder == "other"
