"""People, tokens for programs, and the audit log."""

import asyncio
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

import msgspec

from antiphon_hub.errors import ConsoleError, IdentityError, SignInError, TooManyTriesError
from antiphon_hub.identity.people import AuditEntry, Person, Role, Scope, TokenInfo
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed

P = ParamSpec("P")
T = TypeVar("T")
PersonName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
PersonId = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class PersonShown(Record, frozen=True, kw_only=True):
    """An account."""

    id: int
    name: str
    role: Role


class People(Record, frozen=True, kw_only=True):
    """Everybody with an account."""

    people: tuple[PersonShown, ...]


class AddPerson(Asked, frozen=True, kw_only=True):
    """A new account."""

    name: PersonName
    role: Role
    password: Password


class OnePerson(Asked, frozen=True, kw_only=True):
    """A person."""

    id: PersonId


class SetRole(Asked, frozen=True, kw_only=True):
    """What a person may do."""

    id: PersonId
    role: Role


class OwnPassword(Asked, frozen=True, kw_only=True):
    """A new password for oneself."""

    current: Password
    password: Password


class ResetPassword(Asked, frozen=True, kw_only=True):
    """A new password for somebody."""

    id: PersonId
    password: Password


class Tokens(Record, frozen=True, kw_only=True):
    """One's own tokens."""

    tokens: tuple[TokenInfo, ...]


class MakeToken(Asked, frozen=True, kw_only=True):
    """A token for a program."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=8)]


class NewToken(Record, frozen=True, kw_only=True):
    """A new token; it is shown this once."""

    message: str
    token: str


class OneToken(Asked, frozen=True, kw_only=True):
    """A token by its id."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class AuditAsked(Asked, frozen=True, kw_only=True):
    """Which entries; the newest first."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    before: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    """Only entries before the one of this id."""


class Audit(Record, frozen=True, kw_only=True):
    """Who did what."""

    entries: tuple[AuditEntry, ...]


@deed("GET", "/people", Scope.MANAGE)
async def listed(desk: Desk, asked: Nothing) -> People:
    """List everybody with an account."""
    del asked
    found = await asyncio.to_thread(desk.house.accounts.people)
    return People(people=tuple(_shown(one) for one in found))


@deed("POST", "/people", Scope.MANAGE)
async def add(desk: Desk, asked: AddPerson) -> PersonShown:
    """Make an account."""
    return _shown(
        await _tried(
            desk.house.accounts.add_person,
            *(asked.name, asked.role, asked.password),
            by=desk.who.person.name,
        )
    )


@deed("PUT", "/people/{id}/role", Scope.MANAGE)
async def set_role(desk: Desk, asked: SetRole) -> Done:
    """Change what a person may do."""
    await _tried(desk.house.accounts.set_role, asked.id, asked.role, by=desk.who.person.name)
    return Done(message="It counts at once.")


@deed("PUT", "/people/{id}/password", Scope.MANAGE)
async def reset_password(desk: Desk, asked: ResetPassword) -> Done:
    """Give a person a new password, and end their sessions."""
    await _tried(
        desk.house.accounts.reset_password, asked.id, asked.password, by=desk.who.person.name
    )
    return Done(message="The password is changed; everywhere else they are signed out.")


@deed("DELETE", "/people/{id}", Scope.MANAGE)
async def remove(desk: Desk, asked: OnePerson) -> Done:
    """Remove an account, with its sessions and tokens."""
    await _tried(desk.house.accounts.remove_person, asked.id, by=desk.who.person.name)
    return Done(message="The account is gone, with its sessions and tokens.")


@deed("PUT", "/me/password", Scope.READ)
async def own_password(desk: Desk, asked: OwnPassword) -> Done:
    """Change one's own password, and end one's other sessions."""
    if not desk.who.cookie:
        raise ConsoleError(403, "only a person who is signed in changes their password")
    await _tried(
        desk.house.accounts.change_password,
        *(desk.who.person.id, asked.current, asked.password),
        keep=desk.who.cookie,
    )
    return Done(message="Your password is changed; elsewhere you are signed out.")


@deed("GET", "/me/tokens", Scope.READ)
async def tokens(desk: Desk, asked: Nothing) -> Tokens:
    """List one's own tokens, without their secrets."""
    del asked
    return Tokens(tokens=tuple(await _tried(desk.house.accounts.tokens, desk.who.person)))


@deed("POST", "/me/tokens", Scope.READ)
async def make_token(desk: Desk, asked: MakeToken) -> NewToken:
    """Make a token for a program; it is shown this once."""
    if not desk.who.cookie:
        raise ConsoleError(403, "a token makes no tokens; sign in for that")
    token = await _tried(desk.house.accounts.new_token, desk.who.person, asked.scopes, asked.label)
    return NewToken(message="Copy it now: it is not shown again.", token=token)


@deed("DELETE", "/me/tokens/{token}", Scope.READ)
async def revoke_token(desk: Desk, asked: OneToken) -> Done:
    """End a token."""
    if not await _tried(desk.house.accounts.revoke_token, asked.token, person=desk.who.person):
        raise ConsoleError(404, "you have no such token")
    return Done(message="The token is dead.")


@deed("GET", "/audit", Scope.MANAGE)
async def audit(desk: Desk, asked: AuditAsked) -> Audit:
    """Tell who did what."""
    found = await asyncio.to_thread(desk.house.accounts.audit_log, asked.limit, asked.before)
    return Audit(entries=tuple(found))


async def _tried(call: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
    """Run it in a thread: passwords take their time."""
    try:
        return await asyncio.to_thread(call, *values, **named)
    except TooManyTriesError as error:
        raise ConsoleError(429, str(error)) from None
    except SignInError as error:
        raise ConsoleError(403, str(error)) from None
    except IdentityError as error:
        raise ConsoleError(422, str(error)) from None


def _shown(person: Person) -> PersonShown:
    return PersonShown(id=person.id, name=person.name, role=person.role)
