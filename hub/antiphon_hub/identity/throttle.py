"""How often somebody may try (pure): so many in a window, per key."""

from collections import OrderedDict, deque
from typing import Final

from antiphon_hub.errors import TooManyTriesError

SOURCE_TRIES: Final = 10
SOURCE_WINDOW_S: Final = 300.0
"""From one address."""
ACCOUNT_TRIES: Final = 50
ACCOUNT_WINDOW_S: Final = 3600.0
"""At one account, from wherever: below the hundred an hour of ASVS 4.0.3, 2.2.1."""

KEYS_MAX: Final = 4096
"""Keys that are remembered; policy: drop-oldest. Who can come from so many addresses at once is
held by the limit per account instead."""


class Throttle:
    """A sliding window per key; times are seconds on any clock."""

    def __init__(self, tries: int, window_s: float) -> None:
        self._tries = tries
        self._window_s = window_s
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> float:
        """Use up one try; returns 0.0, or for how long to wait when there is none left, seconds."""
        taken = self._taken.setdefault(key, deque(maxlen=self._tries))
        self._taken.move_to_end(key)
        while len(self._taken) > KEYS_MAX:
            self._taken.popitem(last=False)
        while taken and taken[0] + self._window_s <= now_s:
            taken.popleft()
        if len(taken) >= self._tries:
            return taken[0] + self._window_s - now_s
        taken.append(now_s)
        return 0.0

    def forgive(self, key: str) -> None:
        """Forget the tries: the last one was right."""
        self._taken.pop(key, None)


class SignInLimit:
    """Tries at passwords: counted per account and per address, before they are looked at."""

    def __init__(self) -> None:
        self._by_source = Throttle(SOURCE_TRIES, SOURCE_WINDOW_S)
        self._by_account = Throttle(ACCOUNT_TRIES, ACCOUNT_WINDOW_S)

    def take(self, account: str, source: str, now_s: float) -> None:
        """Use up one try.

        Raises:
            TooManyTriesError: there is none left.
        """
        wait_s = self._by_account.take(account, now_s)
        if source:
            wait_s = max(wait_s, self._by_source.take(source, now_s))
        if wait_s:
            raise TooManyTriesError(wait_s)

    def forgive(self, account: str, source: str) -> None:
        """The last try was right."""
        self._by_source.forgive(source)
        self._by_account.forgive(account)
