"""Saying what can be said."""

from antiphon_hub.home.model import Home
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.wording import deed


class HelpingSkill:
    """Gives examples that work in the asking room."""

    intents = frozenset({"AntiphonHelp"})

    def __init__(self, home: Home) -> None:
        self._home = home

    async def do(self, request: Request) -> Reply:
        """Return two or three sentences that can be said."""
        examples = ["what time is it"]
        room = self._home.room(request.room)
        here = [one for one in self._home.devices if room is not None and one.room == room.id]
        lights = [one for one in here if one.kind == "light"]
        if lights:
            examples.append("turn on the light")
        if any(one.dimmable for one in lights):
            examples.append("set the lights to forty percent")
        other = next((one for one in here if one.kind != "light"), None)
        if other is not None:
            examples.append(f"{deed(other, on=True)} the {other.name}")
        if not here and self._home.devices:
            examples.append("turn off all lights")
        return Reply(f"You can say: {', or: '.join(examples)}.")
