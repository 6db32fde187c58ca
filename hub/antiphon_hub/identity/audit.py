"""The audit log: what concerns safety, who did it and when; never a secret."""

from typing import Final

from antiphon_hub.identity.people import AuditEntry
from antiphon_hub.identity.store import Store

KEPT_S: Final = 365 * 86400.0
ENTRIES_MAX: Final = 20_000
"""Policy: drop-oldest; somebody who guesses for weeks must not fill the disk."""
_TEXT_MAX: Final = 200
_PAGE_MAX: Final = 1000


class AuditLog:
    """Writes and reads entries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, now_s: float, who: str, what: str, detail: str = "") -> None:
        """Write an entry down; long or unprintable text is shortened and cleaned."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO audit (at_s, who, what, detail) VALUES (?, ?, ?, ?)",
                (now_s, _clean(who), _clean(what), _clean(detail)),
            )
            connection.execute(
                "DELETE FROM audit WHERE at_s < ? OR id <= (SELECT MAX(id) FROM audit) - ?",
                (now_s - KEPT_S, ENTRIES_MAX),
            )

    def read(self, limit: int, before: int | None) -> list[AuditEntry]:
        """Return entries, the newest first; `before`: only those older than the one of this id."""
        rows = self._store.rows(
            "SELECT id, at_s, who, what, detail FROM audit WHERE id < IFNULL(?, id + 1) "
            "ORDER BY id DESC LIMIT ?",
            (before, max(1, min(limit, _PAGE_MAX))),
        )
        return [AuditEntry(*row) for row in rows]


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:_TEXT_MAX])
