"""How often somebody may try: a property over all histories."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.identity.throttle import KEYS_MAX, Throttle


@given(st.lists(st.floats(0, 50), max_size=60), st.integers(1, 5), st.floats(0.5, 20))
def test_no_window_ever_has_more_than_the_tries(
    gaps: list[float], tries: int, window_s: float
) -> None:
    throttle, now_s, granted = Throttle(tries, window_s), 0.0, list[float]()
    for gap in gaps:
        now_s += gap
        wait_s = throttle.take("key", now_s)
        assert wait_s >= 0
        if not wait_s:
            granted.append(now_s)
        within = [at for at in granted if at + window_s > now_s]
        assert len(within) <= tries
    assert throttle.take("other", now_s) == 0


def test_waiting_as_long_as_told_is_long_enough() -> None:
    throttle = Throttle(2, 10)
    assert throttle.take("a", 0) == 0
    assert throttle.take("a", 4) == 0
    assert throttle.take("a", 5) == 5
    assert throttle.take("a", 10) == 0
    throttle.forgive("a")
    assert throttle.take("a", 10) == 0


def test_it_remembers_so_many_keys() -> None:
    throttle = Throttle(1, 100)
    for number in range(KEYS_MAX + 1):
        assert throttle.take(str(number), 0) == 0
    assert throttle.take("0", 0) == 0, "the oldest was forgotten"
    assert throttle.take(str(KEYS_MAX), 0) == 100
