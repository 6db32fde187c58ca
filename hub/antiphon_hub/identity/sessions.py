"""Sessions of people who signed in: a random cookie each, of which only the hash is kept."""

import hashlib
import hmac
import secrets
from typing import Final

from antiphon_hub.identity.people import Person, Role, Session
from antiphon_hub.identity.store import Store

IDLE_S: Final = 7 * 86400.0
"""A session that nobody used for so long is over."""
LIMIT_S: Final = 30 * 86400.0
"""No session is older."""
EACH_MAX: Final = 32
"""Sessions of one person; with one more the least recently used ends."""
_SEEN_STEP_S: Final = 60.0
"""Last use is written down to the minute, not with every request."""
_COOKIE_CHARS_MAX: Final = 64


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, person: Person, now_s: float) -> Session:
        """Return a new session."""
        cookie = secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?)", (_key(cookie), person.id, now_s, now_s)
            )
            connection.execute(
                "DELETE FROM session WHERE person = ? AND key NOT IN (SELECT key FROM session "
                "WHERE person = ? ORDER BY seen_s DESC, rowid DESC LIMIT ?)",
                (person.id, person.id, EACH_MAX),
            )
            connection.execute(
                "DELETE FROM session WHERE made_s <= ? OR seen_s <= ?",
                (now_s - LIMIT_S, now_s - IDLE_S),
            )
        return _session(cookie, person, now_s, now_s)

    def find(self, cookie: str, now_s: float) -> Session | None:
        """Return the session that the cookie stands for, if it is one and still holds."""
        if len(cookie) > _COOKIE_CHARS_MAX:
            return None
        row = self._store.row(
            "SELECT person.id, name, role, made_s, seen_s FROM session "
            "JOIN person ON person.id = session.person WHERE key = ?",
            (_key(cookie),),
        )
        if row is None:
            return None
        who, name, role, made_s, seen_s = row
        session = _session(cookie, Person(who, name, Role(role)), made_s, seen_s)
        if now_s >= session.expires_s:
            self.end(cookie)
            return None
        if now_s < seen_s + _SEEN_STEP_S:
            return session
        self._store.write("UPDATE session SET seen_s = ? WHERE key = ?", (now_s, _key(cookie)))
        return _session(cookie, session.person, made_s, now_s)

    def end(self, cookie: str) -> None:
        """End one session."""
        self._store.write("DELETE FROM session WHERE key = ?", (_key(cookie),))

    def end_all(self, person: int, *, but: str = "") -> None:
        """End a person's sessions, but for the one with this cookie."""
        self._store.write("DELETE FROM session WHERE person = ? AND key != ?", (person, _key(but)))


def _session(cookie: str, person: Person, made_s: float, seen_s: float) -> Session:
    # Made of the cookie, so that there is nothing to keep; nobody can go back from it.
    csrf = hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()
    return Session(cookie, csrf, person, min(seen_s + IDLE_S, made_s + LIMIT_S))


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode(errors="replace")).digest()
