"""Accounts: who may use the console, and how they prove it.

Every method is synchronous and quick but those that check or make a password, which take some ten
milliseconds each: call those in a thread.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from antiphon_hub.errors import IdentityError, SignInError
from antiphon_hub.identity.audit import AuditLog
from antiphon_hub.identity.passwords import Passwords, require_good
from antiphon_hub.identity.people import AuditEntry, Grant, Person, Role, Scope, Session, TokenInfo
from antiphon_hub.identity.sessions import Sessions
from antiphon_hub.identity.store import Store
from antiphon_hub.identity.throttle import SignInLimit
from antiphon_hub.identity.tokens import Tokens

PEOPLE_MAX: Final = 100
NAME_CHARS_MAX: Final = 64
_SETUP_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""No signs that are mistaken for one another: the token is copied from a terminal by hand."""

_MIGRATIONS: Final = (
    """
    CREATE TABLE person (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        password TEXT NOT NULL
    );
    CREATE TABLE session (
        key BLOB PRIMARY KEY,
        person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        made_s REAL NOT NULL,
        seen_s REAL NOT NULL
    );
    CREATE TABLE token (
        id TEXT PRIMARY KEY,
        key BLOB NOT NULL,
        person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        label TEXT NOT NULL,
        scopes TEXT NOT NULL,
        made_s REAL NOT NULL,
        used_s REAL
    );
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_s REAL NOT NULL,
        who TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    )
    """,
)


class Accounts:
    """The people of this house, their sessions and tokens, and the audit log."""

    def __init__(
        self, path: Path, *, clock: Callable[[], float], passwords: Passwords | None = None
    ) -> None:
        """Open the accounts.

        Args:
            path: SQLite file, made if it is missing.
            clock: Gives seconds since 1970.
            passwords: Makes hashes; None: at today's cost.

        Raises:
            StorageError: the file cannot be opened.
        """
        self._store = Store(path, _MIGRATIONS)
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._sessions = Sessions(self._store)
        self._tokens = Tokens(self._store)
        self._audit = AuditLog(self._store)
        self._limit = SignInLimit()
        self._setup_token = None if self._owners() else _new_setup_token()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # -- the first evening ------------------------------------------------------------------------

    @property
    def setup_token(self) -> str | None:
        """What proves to the console that somebody sits at the hub; None once there is an owner."""
        return self._setup_token

    def set_up(self, token: str, name: str, password: str, *, source: str = "") -> Session:
        """Make the first owner and sign them in. Takes a password's time.

        Raises:
            SignInError: the token is wrong, or there is an owner already.
            TooManyTriesError: wrong tokens too often.
            IdentityError: the name or the password will not do.
        """
        self._limit.take("set-up", source, self._clock())
        expected = self._setup_token
        given = "".join(token.lower().split()).replace("-", "")
        if expected is None or not _same(given, expected.replace("-", "")):
            self.audit("", "set-up refused", f"from {source}" if source else "")
            raise SignInError("this is not the token that the hub shows; look at its console")
        person = self._insert(name, Role.OWNER, password, only_first=True)
        self._setup_token = None
        self.audit(person.name, "set up", "first owner")
        return self._sessions.begin(person, self._clock())

    def sign_in(self, name: str, password: str, *, source: str) -> Session:
        """Begin a session. Takes a password's time, also for names that do not exist.

        Args:
            name: Whose; upper case does not matter.
            password: Theirs.
            source: Where the try comes from, an address: tries are counted by it too.

        Raises:
            SignInError: wrong name or password.
            TooManyTriesError: wrong ones too often.
        """
        key = _name_key(name)
        self._limit.take(key, source, self._clock())
        row = self._store.row(
            "SELECT id, name, role, password FROM person WHERE name_key = ?", (key,)
        )
        if not self._passwords.verify(row[3] if row else None, password) or row is None:
            self.audit(name, "sign-in refused", f"from {source}")
            raise SignInError("wrong name or password")
        person = Person(row[0], row[1], Role(row[2]))
        self._limit.forgive(key, source)
        if self._passwords.is_dated(row[3]):
            self._store_password(person.id, password)
        self.audit(person.name, "signed in", f"from {source}")
        return self._sessions.begin(person, self._clock())

    def session(self, cookie: str) -> Session | None:
        """Return the session that a cookie stands for; None: none that holds."""
        return self._sessions.find(cookie, self._clock())

    def sign_out(self, cookie: str) -> None:
        """End a session."""
        self._sessions.end(cookie)

    # -- people -----------------------------------------------------------------------------------

    def people(self) -> list[Person]:
        """Return everybody, by name."""
        rows = self._store.rows("SELECT id, name, role FROM person ORDER BY name_key")
        return [Person(who, name, Role(role)) for who, name, role in rows]

    def person(self, who: int) -> Person:
        """Return one person.

        Raises:
            IdentityError: there is none of this id.
        """
        row = self._store.row("SELECT id, name, role FROM person WHERE id = ?", (who,))
        if row is None:
            raise IdentityError(f"there is no person {who}")
        return Person(row[0], row[1], Role(row[2]))

    def add_person(self, name: str, role: Role, password: str, *, by: str = "") -> Person:
        """Make an account. Takes a password's time.

        Args:
            name: What they sign in with; upper case does not matter.
            role: What they may do.
            password: Theirs.
            by: Who does it, for the audit log; likewise below.

        Raises:
            IdentityError: the name is taken or none, the password is easy to guess.
        """
        person = self._insert(name, role, password)
        self.audit(by, "added a person", f"{person.name}, {role}")
        return person

    def change_password(self, who: int, current: str, password: str, *, keep: str = "") -> None:
        """Change one's own password and end one's other sessions. Takes two passwords' time.

        Args:
            who: The person's id.
            current: The password until now.
            password: The new one.
            keep: Cookie of the session that goes on.

        Raises:
            SignInError: the current password is wrong.
            TooManyTriesError: it was wrong too often.
            IdentityError: the new one will not do.
        """
        person = self.person(who)
        key = _name_key(person.name)
        self._limit.take(key, "", self._clock())
        row = self._store.row("SELECT password FROM person WHERE id = ?", (who,))
        if not self._passwords.verify(row[0] if row else None, current):
            self.audit(person.name, "password change refused")
            raise SignInError("the current password is wrong")
        self._limit.forgive(key, "")
        self.reset_password(who, password, by=person.name, keep=keep)

    def reset_password(self, who: int, password: str, *, by: str, keep: str = "") -> None:
        """Give a person a new password, for an owner to do; ends their sessions.

        Raises:
            IdentityError: nobody of this id, or the password will not do.
        """
        person = self.person(who)
        require_good(password, person.name)
        self._store_password(who, password)
        self._sessions.end_all(who, but=keep)
        self.audit(by, "changed a password", person.name)

    def set_role(self, who: int, role: Role, *, by: str = "") -> None:
        """Change what a person may do; it counts at once, for open sessions and tokens too.

        Raises:
            IdentityError: nobody of this id, or they are the last owner.
        """
        person = self.person(who)
        self._change_keeping_an_owner("UPDATE person SET role = ? WHERE id = ?", (role, who))
        self.audit(by, "changed a role", f"{person.name}: {person.role} to {role}")

    def remove_person(self, who: int, *, by: str = "") -> None:
        """Remove an account with its sessions and tokens.

        Raises:
            IdentityError: nobody of this id, or they are the last owner.
        """
        person = self.person(who)
        self._change_keeping_an_owner("DELETE FROM person WHERE id = ?", (who,))
        self.audit(by, "removed a person", person.name)

    def new_token(self, person: Person, scopes: Iterable[Scope], label: str) -> str:
        """Return a new token for a program; it can be shown this once.

        Raises:
            IdentityError: rights that the person does not have, no label, or too many tokens.
        """
        token = self._tokens.make(person, scopes, label, self._clock())
        self.audit(person.name, "made a token", label)
        return token

    def token(self, bearer: str) -> Grant | None:
        """Return what a program with this token may do; None: it is no valid one."""
        return self._tokens.find(bearer, self._clock())

    def tokens(self, person: Person) -> list[TokenInfo]:
        """Return a person's tokens, the newest first."""
        return self._tokens.of(person.id)

    def revoke_token(self, token: str, *, person: Person | None = None, by: str = "") -> bool:
        """End a token by its id, only if it is this person's where one is given."""
        revoked = self._tokens.revoke(token, person.id if person else None)
        if revoked:
            self.audit(by or (person.name if person else ""), "revoked a token", token)
        return revoked

    def audit(self, who: str, what: str, detail: str = "") -> None:
        """Write down what somebody did; never give it a secret."""
        self._audit.add(self._clock(), who, what, detail)

    def audit_log(self, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        """Return what was written down, the newest first, before the entry of this id."""
        return self._audit.read(limit, before)

    # -- inside -----------------------------------------------------------------------------------

    def _owners(self) -> int:
        row = self._store.row("SELECT COUNT(*) FROM person WHERE role = ?", (Role.OWNER,))
        return int(row[0]) if row else 0

    def _insert(self, name: str, role: Role, password: str, *, only_first: bool = False) -> Person:
        name = _require_name(name)
        require_good(password, name)
        hashed = self._passwords.hash(password)
        with self._store.transaction() as connection:
            (kept,) = connection.execute("SELECT COUNT(*) FROM person").fetchone()
            if only_first and kept:
                raise SignInError("there is an owner already; sign in")
            if kept >= PEOPLE_MAX:
                raise IdentityError(f"no more than {PEOPLE_MAX} people; remove one first")
            made = connection.execute(
                "INSERT OR IGNORE INTO person (name, name_key, role, password) VALUES (?, ?, ?, ?)",
                (name, _name_key(name), role, hashed),
            )
            if not made.rowcount:
                raise IdentityError(f"name: there is a {name} already")
            return Person(int(made.lastrowid or 0), name, role)

    def _store_password(self, who: int, password: str) -> None:
        hashed = self._passwords.hash(password)
        self._store.write("UPDATE person SET password = ? WHERE id = ?", (hashed, who))

    def _change_keeping_an_owner(self, statement: str, values: tuple[object, ...]) -> None:
        with self._store.transaction() as connection:
            connection.execute(statement, values)
            owners = connection.execute(
                "SELECT COUNT(*) FROM person WHERE role = ?", (Role.OWNER,)
            ).fetchone()
            if not owners[0]:
                raise IdentityError("this is the last owner; make somebody else one first")


def _require_name(name: str) -> str:
    name = unicodedata.normalize("NFKC", name).strip()
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise IdentityError(f"name: 1 to {NAME_CHARS_MAX} printable characters")
    return name


def _name_key(name: str) -> str:
    whole = name[:NAME_CHARS_MAX].encode(errors="replace").decode()  # half of a surrogate pair
    return unicodedata.normalize("NFKC", whole).strip().casefold()


def _new_setup_token() -> str:
    """Return 79 random bits in four groups of four."""
    groups = ("".join(secrets.choice(_SETUP_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
