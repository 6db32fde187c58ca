"""How many examples a property is tried with."""

from hypothesis import settings

_USUAL = 100


def examples(number: int) -> int:
    """Return so many, or the share of them that the profile in use has of the usual hundred."""
    return max(1, number * settings().max_examples // _USUAL)
