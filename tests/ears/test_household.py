"""What is like the household's calls: its form is strict, and it says what it was fitted for."""

import math
import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_ears.errors import LikenessError
from antiphon_ears.wake.household import INPUTS, LIKENESS_BYTES, STEPS, Likeness, decode
from antiphon_hub.callers.store import EMBEDDINGS_BYTES
from antiphon_protocol.limits import LIKENESS_BYTES_MAX
from antiphon_tools.teaching.fitting import KEPT

USUAL = st.floats(-1e5, 1e5, width=32)


@given(st.binary(max_size=LIKENESS_BYTES + 8))
def test_other_lengths_are_refused(data: bytes) -> None:
    if len(data) != LIKENESS_BYTES:
        with pytest.raises(LikenessError):
            decode(data)


@given(st.integers(0, 2**32))
def test_random_bytes_are_a_usable_likeness_or_refused(seed: int) -> None:
    data = random.Random(seed).randbytes(LIKENESS_BYTES)
    try:
        likeness = decode(data)
    except LikenessError:
        return
    assert 0.0 <= likeness.score(array("f", [1.0] * INPUTS)) <= 1.0


@given(st.lists(USUAL, min_size=6, max_size=6), USUAL)
def test_what_was_encoded_comes_back(some: list[float], bias: float) -> None:
    weights = (some * INPUTS)[:INPUTS]
    again = decode(Likeness(weights, bias).encode())
    assert (list(again.weights), again.bias) == (weights, bias)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e9])
@pytest.mark.parametrize("place", [0, INPUTS - 1, INPUTS])
def test_numbers_that_cannot_be_summed_are_refused(bad: float, place: int) -> None:
    values = array("f", [0.0] * (INPUTS + 1))
    values[place] = bad
    with pytest.raises(LikenessError, match="no usable numbers"):
        decode(values.tobytes())


def test_its_size_is_what_the_wire_and_the_store_allow() -> None:
    assert LIKENESS_BYTES <= LIKENESS_BYTES_MAX
    assert KEPT * INPUTS // STEPS * 2 == EMBEDDINGS_BYTES


def test_the_score_is_the_logistic_function_of_the_distance() -> None:
    plane = Likeness([1.0] + [0.0] * (INPUTS - 1), -2.0)
    inputs = array("f", [0.0] * INPUTS)
    assert plane.score(inputs) == pytest.approx(1 / (1 + math.exp(2.0)))
    inputs[0] = 2.0
    assert plane.score(inputs) == 0.5
    inputs[0] = 1e30
    assert plane.score(inputs) == pytest.approx(1.0)
