"""Letting a command be."""

from antiphon_hub.skills.port import Reply, Request


class NeverMindSkill:
    """Does nothing, and says so."""

    intents = frozenset({"HassNevermind"})

    async def do(self, request: Request) -> Reply:  # noqa: ARG002 - the port gives it
        """Return the confirmation."""
        return Reply("Okay.")
