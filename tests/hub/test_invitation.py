"""What the hub shows of the set-up token, and when."""

import io

from antiphon_hub.identity.invitation import invite


def test_the_token_is_shown_as_long_as_nobody_owns_the_house() -> None:
    out = io.StringIO()
    invite("abcd-efgh-jkmn-pqrs", "http://127.0.0.1:8080/", out)
    assert "abcd-efgh-jkmn-pqrs" in out.getvalue()
    assert "http://127.0.0.1:8080/" in out.getvalue()


def test_in_a_house_with_an_owner_nothing_is_shown() -> None:
    out = io.StringIO()
    invite(None, "http://127.0.0.1:8080/", out)
    assert not out.getvalue()
