"""Letting a command be, or the talk altogether."""

from antiphon_hub.skills.port import Reply, Request


class NeverMindSkill:
    """Does nothing: says so for a command taken back, and is quiet when told to stop."""

    intents = frozenset({"HassNevermind", "AntiphonStop"})

    async def do(self, request: Request) -> Reply:
        """Return the confirmation, or nothing to say."""
        return Reply("" if request.intent == "AntiphonStop" else "Okay.")
