"""Accounts: set-up, sign-in, roles, tokens, limits; on a real file, with hashes at a low cost."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from antiphon_hub.errors import IdentityError, SignInError, StorageError, TooManyTriesError
from antiphon_hub.identity.accounts import Accounts
from antiphon_hub.identity.passwords import Passwords
from antiphon_hub.identity.people import SCOPES_OF, Person, Role, Scope
from antiphon_hub.identity.sessions import IDLE_S, LIMIT_S
from antiphon_hub.identity.throttle import ACCOUNT_TRIES, SOURCE_TRIES, SOURCE_WINDOW_S

GOOD = "green kettle sings"
OTHER = "seven quiet boats"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(path: Path, clock: Clock) -> Accounts:
    return Accounts(path, clock=clock, passwords=Passwords(CHEAP))


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    made = opened(tmp_path / "accounts.sqlite", clock)
    yield made
    made.close()


@pytest.fixture
def owner(accounts: Accounts) -> Person:
    assert accounts.setup_token is not None
    return accounts.set_up(accounts.setup_token, "Ada", GOOD).person


# -- the first evening ----------------------------------------------------------------------------


def test_who_has_the_token_becomes_the_owner_once(accounts: Accounts) -> None:
    token = accounts.setup_token
    assert token is not None
    session = accounts.set_up(f" {token.upper()} ", "Ada", GOOD)
    assert session.person.role is Role.OWNER
    assert accounts.session(session.cookie) == session
    assert accounts.setup_token is None
    with pytest.raises(SignInError):
        accounts.set_up(token, "Eve", GOOD)


@pytest.mark.parametrize("token", ["", "0000-0000-0000-0000", "ä", "\ud800"])
def test_a_wrong_setup_token_makes_nobody(accounts: Accounts, token: str) -> None:
    with pytest.raises(SignInError, match="look at its console"):
        accounts.set_up(token, "Eve", GOOD)
    assert accounts.people() == []


def test_the_token_cannot_be_guessed_at_leisure(accounts: Accounts) -> None:
    for _ in range(SOURCE_TRIES):
        with pytest.raises(SignInError):
            accounts.set_up("wrong", "Eve", GOOD, source="10.0.0.9")
    with pytest.raises(TooManyTriesError):
        accounts.set_up(accounts.setup_token or "", "Eve", GOOD, source="10.0.0.9")


def test_an_owner_stays_and_the_file_is_ours_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "accounts.sqlite"
    first = opened(path, clock)
    session = first.set_up(first.setup_token or "", "Ada", GOOD)
    first.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = opened(path, clock)
    assert again.setup_token is None
    assert again.session(session.cookie) == session
    again.close()
    secrets = [session.cookie.encode(), session.csrf.encode(), GOOD.encode()]
    assert not any(secret in path.read_bytes() for secret in secrets)


def test_a_file_that_is_no_database_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "accounts.sqlite").write_text("no database, and long enough to look at" * 20)
    with pytest.raises(StorageError, match=r"accounts\.sqlite"):
        opened(tmp_path / "accounts.sqlite", clock)


# -- passwords ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * 20,
        "x" * 129,
        "password1234",
        "Ada Ada Ada Ada",
        "qwertz123456",
        "111111222222",
    ],
)
def test_what_is_easy_to_guess_is_no_password(
    accounts: Accounts, owner: Person, password: str
) -> None:
    with pytest.raises(IdentityError, match="password: "):
        accounts.add_person("Ada Ada", Role.FAMILY, password)
    with pytest.raises(IdentityError, match="password: "):
        accounts.reset_password(owner.id, password, by="Ada")


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "ﬁve great trees", "пять зелёных деревьев", "🌳🌲🌴🎄 and 4 trees"],
)
def test_any_script_will_do(accounts: Accounts, owner: Person, password: str) -> None:
    accounts.reset_password(owner.id, password, by="Ada")
    assert accounts.sign_in("ada", password, source="").person == owner


def test_a_password_change_ends_the_other_sessions(accounts: Accounts, owner: Person) -> None:
    here = accounts.sign_in("Ada", GOOD, source="a")
    there = accounts.sign_in("Ada", GOOD, source="b")
    with pytest.raises(SignInError, match="current password"):
        accounts.change_password(owner.id, "wrong", OTHER)
    accounts.change_password(owner.id, GOOD, OTHER, keep=here.cookie)
    assert accounts.session(here.cookie) is not None
    assert accounts.session(there.cookie) is None
    with pytest.raises(SignInError):
        accounts.sign_in("Ada", GOOD, source="a")


def test_a_hash_of_lower_cost_is_made_anew_at_sign_in(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "accounts.sqlite"
    before = opened(path, clock)
    before.set_up(before.setup_token or "", "Ada", GOOD)
    before.close()
    dearer = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    after = Accounts(path, clock=clock, passwords=Passwords(dearer))
    after.sign_in("Ada", GOOD, source="")
    after.close()
    (hashed,) = sqlite3.connect(path).execute("SELECT password FROM person").fetchone()
    assert "t=2" in hashed


# -- sessions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "password"),
    [("Ada", OTHER), ("Eve", GOOD), ("", ""), ("Ada", "x" * 10_000), ("\ud800", "\ud800")],
)
def test_a_wrong_name_and_a_wrong_password_look_alike(
    accounts: Accounts, owner: Person, name: str, password: str
) -> None:
    with pytest.raises(SignInError, match=r"^wrong name or password$"):
        accounts.sign_in(name, password, source="x")


def test_after_too_many_tries_even_the_right_password_waits(
    accounts: Accounts, owner: Person, clock: Clock
) -> None:
    for _ in range(SOURCE_TRIES):
        with pytest.raises(SignInError):
            accounts.sign_in("Ada", OTHER, source="10.0.0.9")
    with pytest.raises(TooManyTriesError) as caught:
        accounts.sign_in("Ada", GOOD, source="10.0.0.9")
    assert caught.value.wait_s == SOURCE_WINDOW_S
    assert accounts.sign_in("Ada", GOOD, source="10.0.0.2")
    clock.now_s += SOURCE_WINDOW_S
    assert accounts.sign_in("Ada", GOOD, source="10.0.0.9")


def test_many_addresses_do_not_help_to_guess(accounts: Accounts, owner: Person) -> None:
    for number in range(ACCOUNT_TRIES):
        with pytest.raises(SignInError):
            accounts.sign_in("ADA", OTHER, source=f"10.0.{number}.1")
    with pytest.raises(TooManyTriesError):
        accounts.sign_in("ada", GOOD, source="10.1.1.1")


def test_a_session_ends_when_it_is_left_alone_or_old(
    accounts: Accounts, owner: Person, clock: Clock
) -> None:
    left = accounts.sign_in("Ada", GOOD, source="")
    clock.now_s += IDLE_S
    assert accounts.session(left.cookie) is None
    used, began_s = accounts.sign_in("Ada", GOOD, source=""), clock.now_s
    while clock.now_s < began_s + LIMIT_S:
        found = accounts.session(used.cookie)
        assert found is not None
        assert clock.now_s < found.expires_s <= began_s + LIMIT_S
        clock.now_s += IDLE_S / 2
    assert accounts.session(used.cookie) is None


def test_signing_out_ends_one_session(accounts: Accounts, owner: Person) -> None:
    one, other = (accounts.sign_in("Ada", GOOD, source="") for _ in range(2))
    assert one.csrf != other.csrf
    accounts.sign_out(one.cookie)
    assert accounts.session(one.cookie) is None
    assert accounts.session(other.cookie) == other


@pytest.mark.parametrize("cookie", ["", "x", "\ud800", "x" * 100_000])
def test_what_is_no_cookie_is_nobody(accounts: Accounts, owner: Person, cookie: str) -> None:
    assert accounts.session(cookie) is None


# -- people ---------------------------------------------------------------------------------------


def test_roles_count_at_once(accounts: Accounts, owner: Person) -> None:
    ben = accounts.add_person("Ben", Role.FAMILY, GOOD, by="Ada")
    session = accounts.sign_in("ben", GOOD, source="")
    accounts.set_role(ben.id, Role.GUEST, by="Ada")
    found = accounts.session(session.cookie)
    assert found is not None
    assert found.person.role is Role.GUEST
    assert Scope.CONVERSATIONS not in found.person.scopes
    accounts.remove_person(ben.id, by="Ada")
    assert accounts.session(session.cookie) is None
    assert accounts.people() == [owner]


def test_each_role_may_less_than_the_one_above() -> None:
    assert SCOPES_OF[Role.GUEST] < SCOPES_OF[Role.FAMILY] < SCOPES_OF[Role.OWNER]
    assert SCOPES_OF[Role.OWNER] == set(Scope)


def test_the_last_owner_stays_one(accounts: Accounts, owner: Person) -> None:
    accounts.add_person("Ben", Role.FAMILY, GOOD)
    for attempt in (
        lambda: accounts.set_role(owner.id, Role.FAMILY),
        lambda: accounts.remove_person(owner.id),
    ):
        with pytest.raises(IdentityError, match="last owner"):
            attempt()
    assert accounts.person(owner.id).role is Role.OWNER


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 65, "ADA", "\ud800", "Ada"])
def test_a_name_is_printable_and_its_own(accounts: Accounts, owner: Person, name: str) -> None:
    with pytest.raises(IdentityError, match="name: "):
        accounts.add_person(name, Role.GUEST, GOOD)


# -- tokens ---------------------------------------------------------------------------------------


def test_a_token_may_what_it_says_until_it_is_revoked(accounts: Accounts, owner: Person) -> None:
    bearer = accounts.new_token(owner, [Scope.READ], "the wall display")
    grant = accounts.token(bearer)
    assert grant is not None
    assert (grant.person, grant.scopes) == (owner, {Scope.READ})
    (info,) = accounts.tokens(owner)
    assert info.label == "the wall display"
    assert info.id in bearer
    assert accounts.revoke_token(info.id)
    assert accounts.token(bearer) is None
    assert not accounts.revoke_token(info.id)


def test_a_token_never_may_more_than_its_person(accounts: Accounts, owner: Person) -> None:
    ben = accounts.add_person("Ben", Role.FAMILY, GOOD)
    with pytest.raises(IdentityError, match="scopes"):
        accounts.new_token(ben, [Scope.MANAGE], "x")
    bearer = accounts.new_token(ben, ben.scopes, "all of it")
    accounts.set_role(ben.id, Role.GUEST)
    grant = accounts.token(bearer)
    assert grant is not None
    assert grant.scopes == SCOPES_OF[Role.GUEST]
    (info,) = accounts.tokens(ben)
    assert not accounts.revoke_token(info.id, person=owner), "it is Ben's"


@pytest.mark.parametrize(
    "bearer", ["", "antiphon_", "antiphon__", "antiphon_ä_x", "a_b_c", "\ud800", "x" * 10_000]
)
def test_what_is_no_token_may_nothing(accounts: Accounts, owner: Person, bearer: str) -> None:
    assert accounts.token(bearer) is None


def test_another_secret_is_another_token(accounts: Accounts, owner: Person) -> None:
    bearer = accounts.new_token(owner, [Scope.READ], "x")
    assert accounts.token(bearer[:-1] + ("a" if bearer[-1] != "a" else "b")) is None


# -- the audit log --------------------------------------------------------------------------------


def test_the_log_tells_who_did_what_and_no_secret(accounts: Accounts, owner: Person) -> None:
    with pytest.raises(SignInError):
        accounts.sign_in("Ada\n2026 all is well", OTHER, source="10.0.0.9")
    accounts.add_person("Ben", Role.GUEST, OTHER, by="Ada")
    entries = accounts.audit_log()
    assert [(e.who, e.what) for e in entries] == [
        ("Ada", "added a person"),
        ("Ada?2026 all is well", "sign-in refused"),
        ("Ada", "set up"),
    ]
    assert accounts.audit_log(limit=1, before=entries[0].id) == entries[1:2]
    assert not any(OTHER in f"{e}" for e in entries)
