"""Tokens for programs: `antiphon_<id>_<secret>`; only the secret's hash is kept."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.people import Grant, Person, Role, Scope, TokenInfo
from antiphon_hub.identity.store import Store

EACH_MAX: Final = 32
"""Tokens of one person; one more is refused."""
LABEL_CHARS_MAX: Final = 64
_USED_STEP_S: Final = 60.0
_PARTS: Final = 3
_CHARS_MAX: Final = 128


class Tokens:
    """Makes, finds and revokes tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, person: Person, scopes: Iterable[Scope], label: str, now_s: float) -> str:
        """Return a new token, which nobody can show again.

        Raises:
            IdentityError: rights that the person does not have, no label, or too many tokens.
        """
        wanted = frozenset(scopes)
        if not wanted or not wanted <= person.scopes:
            raise IdentityError("scopes: one or more of those that the person has")
        label = label.strip()
        if not 0 < len(label) <= LABEL_CHARS_MAX or not label.isprintable():
            raise IdentityError(f"label: say what it is for, in 1 to {LABEL_CHARS_MAX} characters")
        name, secret = secrets.token_hex(6), secrets.token_urlsafe(32).replace("_", "-")
        with self._store.transaction() as connection:
            (kept,) = connection.execute(
                "SELECT COUNT(*) FROM token WHERE person = ?", (person.id,)
            ).fetchone()
            if kept >= EACH_MAX:
                raise IdentityError(f"no more than {EACH_MAX} tokens; revoke one first")
            connection.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (name, _key(secret), person.id, label, " ".join(sorted(wanted)), now_s),
            )
        return f"antiphon_{name}_{secret}"

    def find(self, bearer: str, now_s: float) -> Grant | None:
        """Return what a program may do that shows this token; None: it is no valid one.

        A person who lost rights loses them for their tokens too.
        """
        parts = bearer.split("_")
        if len(bearer) > _CHARS_MAX or len(parts) != _PARTS or parts[0] != "antiphon":
            return None
        if not parts[1].isascii():
            return None
        row = self._store.row(
            "SELECT person.id, name, role, key, scopes, used_s FROM token "
            "JOIN person ON person.id = token.person WHERE token.id = ?",
            (parts[1],),
        )
        if row is None:
            return None
        who, name, role, key, scopes, used_s = row
        if not hmac.compare_digest(key, _key(parts[2])):
            return None
        if used_s is None or now_s >= used_s + _USED_STEP_S:
            self._store.write("UPDATE token SET used_s = ? WHERE id = ?", (now_s, parts[1]))
        person = Person(who, name, Role(role))
        return Grant(person, _scopes(scopes) & person.scopes)

    def of(self, person: int) -> list[TokenInfo]:
        """Return a person's tokens, the newest first."""
        rows = self._store.rows(
            "SELECT id, label, scopes, made_s, used_s FROM token WHERE person = ? "
            "ORDER BY made_s DESC, rowid DESC",
            (person,),
        )
        return [
            TokenInfo(name, label, _scopes(scopes), made_s, used_s)
            for name, label, scopes, made_s, used_s in rows
        ]

    def revoke(self, name: str, person: int | None) -> bool:
        """End a token, of this person if one is given; tells whether there was one."""
        return bool(
            self._store.write(
                "DELETE FROM token WHERE id = ? AND person = IFNULL(?, person)", (name, person)
            )
        )


def _scopes(text: str) -> frozenset[Scope]:
    return frozenset(Scope(one) for one in text.split())


def _key(secret: str) -> bytes:
    # The secret is 256 random bits: nobody guesses it, so a fast hash will do.
    return hashlib.sha256(secret.encode(errors="replace")).digest()
