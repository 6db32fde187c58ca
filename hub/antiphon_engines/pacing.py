"""How far ahead of real time a reply is sent (pure)."""


def wait_s(*, sent_samples: int, rate_hz: int, elapsed_s: float, lead_s: float) -> float:
    """Return how long to wait before the next frame, seconds.

    Args:
        sent_samples: Samples sent so far.
        rate_hz: Their rate.
        elapsed_s: Time since the first frame was sent.
        lead_s: Audio that may be under way unplayed.
    """
    return max(0.0, sent_samples / rate_hz - lead_s - elapsed_s)
