"""Lists by voice: what to buy, what to do."""

from antiphon_hub.errors import TimersError
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.wording import listed, sentence
from antiphon_hub.timers.lists import SHOPPING, Lists


class ListSkill:
    """Puts things on lists, takes them off, and reads them out."""

    intents = frozenset(
        {
            *("HassShoppingListAddItem", "HassListAddItem"),
            *("HassShoppingListCompleteItem", "HassListCompleteItem", "HassListRemoveItem"),
            *("AntiphonReadList", "AntiphonClearList"),
        }
    )

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    async def do(self, request: Request) -> Reply:
        """Do it and say what came of it."""
        name = str(request.slots.get("name", SHOPPING))
        slots = ("item", "item_2", "item_3")
        items = [str(request.slots[slot]) for slot in slots if slot in request.slots]
        if request.intent.endswith("Item") and not items:
            return Reply("Sorry, I didn't get what on the list.", ok=False, code="no-item")
        try:
            if request.intent.endswith("AddItem"):
                return await self._add(name, items)
            if request.intent.endswith(("CompleteItem", "RemoveItem")):
                return await self._remove(name, items)
        except TimersError as error:
            return Reply(str(error), ok=False, code="list-full")
        if request.intent == "AntiphonClearList":
            await self._lists.clear(name)
            return Reply(f"The {name} list is empty now.")
        held = await self._lists.items(name)
        said = f"On the {name} list: {listed(held)}." if held else f"The {name} list is empty."
        return Reply(said)

    async def _add(self, name: str, items: list[str]) -> Reply:
        for item in items:
            await self._lists.add(name, item)
        verb = "are" if len(items) > 1 or items[0].endswith("s") else "is"
        return Reply(sentence(f"{listed(items)} {verb} on the {name} list"))

    async def _remove(self, name: str, items: list[str]) -> Reply:
        gone = [item for item in items if await self._lists.remove(name, item)]
        if not gone:
            missing = listed(items, "or")
            return Reply(f"There is no {missing} on the {name} list.", ok=False, code="no-item")
        verb = "are" if len(gone) > 1 or gone[0].endswith("s") else "is"
        return Reply(sentence(f"{listed(gone)} {verb} off the {name} list"))
