"""Saying when the house listens, and where it goes."""

from typing import Final

from antiphon_hub.skills.port import Reply, Request

ANSWERS: Final = {
    "listening": "No. I wait for the wake word, and listen after it or when I have asked.",
    "data": "Nowhere. What you say stays in this house.",
}


class PrivacySkill:
    """Answers what everybody may ask of a house that listens."""

    intents = frozenset({"HassRespond"})

    async def do(self, request: Request) -> Reply:
        """Return the answer."""
        return Reply(ANSWERS["data" if request.response == "data" else "listening"])
