"""Makes coffee: switches the machine on, and knows when the cup is full."""

from datetime import datetime, timedelta

from antiphon_hub.skills import DeviceState, House, Reply, Request

BREWING = {"small": timedelta(seconds=40), "large": timedelta(seconds=70)}


class Coffee:
    """Orders a cup, and tells how far it is."""

    intents = frozenset({"OrderCoffee", "CoffeeProgress"})

    def __init__(self, house: House) -> None:
        self._house = house
        self._ready_at: datetime | None = None

    async def do(self, request: Request) -> Reply:
        """Do what was asked."""
        if request.intent == "CoffeeProgress":
            return self._progress(request.now)
        return await self._order(request)

    async def _order(self, request: Request) -> Reply:
        machine = self._house.home.device(self._house.settings.get("machine", "coffee-machine"))
        if machine is None:
            return Reply("Sorry, there is no coffee machine here.", ok=False, code="no-machine")
        await self._house.devices.apply(machine, DeviceState(on=True))
        self._ready_at = request.now + BREWING[request.slots.get("size", "small")]
        return Reply("")  # the words are in sentences.yaml

    def _progress(self, now: datetime) -> Reply:
        if self._ready_at is None:
            return Reply("You did not order any.")
        left = round((self._ready_at - now).total_seconds())
        return Reply(f"In {left} seconds." if left > 0 else "Yes, it is ready.")
