"""Lists: shopping, and any other name."""

from typing import Final

from antiphon_hub.errors import TimersError
from antiphon_hub.publisher import Publisher
from antiphon_hub.timers.finding import plain_name
from antiphon_hub.timers.store import Store
from antiphon_protocol.messages.timer import ListChanged

SHOPPING: Final = "shopping"


class Lists:
    """What stands on lists; what changes one raises StorageError when it cannot be kept."""

    def __init__(self, store: Store, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher

    async def items(self, name: str = SHOPPING) -> tuple[str, ...]:
        """Return what is on it."""
        return await self._store.items(_tidy(name))

    async def add(self, name: str, item: str) -> None:
        """Put something on it; what is there stays there once.

        Raises:
            TimersError: it is full, or there are too many lists.
        """
        if _same(await self.items(name), item):
            return
        if not await self._store.add(_tidy(name), _tidy(item)):
            raise TimersError(f"Sorry, there is no room on the {_tidy(name)} list.")
        await self._tell(name)

    async def remove(self, name: str, item: str) -> bool:
        """Take something off it; tells whether it was there."""
        found = _same(await self.items(name), item)
        if found:
            await self._store.remove(_tidy(name), found)
            await self._tell(name)
        return bool(found)

    async def clear(self, name: str) -> None:
        """Take everything off it."""
        await self._store.remove(_tidy(name), await self.items(name))
        await self._tell(name)

    async def _tell(self, name: str) -> None:
        self._publisher.publish(ListChanged(list=_tidy(name), items=await self.items(name)))


def _tidy(text: str) -> str:
    return " ".join(text.lower().split())


def _same(items: tuple[str, ...], item: str) -> tuple[str, ...]:
    wanted = plain_name(item)
    return tuple(one for one in items if plain_name(one) == wanted)
