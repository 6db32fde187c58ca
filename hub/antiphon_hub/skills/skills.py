"""Which skill does what: the one door for requests."""

from collections.abc import Sequence

import msgspec

from antiphon_hub.home.model import Home
from antiphon_hub.nlu.natural.phrases import DOING
from antiphon_hub.reply_template import fill
from antiphon_hub.skills.asking import AskingSkill
from antiphon_hub.skills.calendar import CalendarSkill
from antiphon_hub.skills.clock import ClockSkill
from antiphon_hub.skills.dimming import DimmingSkill
from antiphon_hub.skills.helping import HelpingSkill
from antiphon_hub.skills.never_mind import NeverMindSkill
from antiphon_hub.skills.playing import PlayingSkill
from antiphon_hub.skills.port import DevicePort, OwnWords, Reply, Request, Skill
from antiphon_hub.skills.privacy import PrivacySkill
from antiphon_hub.skills.switching import SwitchingSkill


class Skills:
    """All skills of a home."""

    def __init__(
        self,
        home: Home,
        devices: DevicePort,
        words: OwnWords,
        more: Sequence[Skill] = (),
    ) -> None:
        """Build the skills; `words` come from the interpreter, `more` may replace our own."""
        skills: list[Skill] = [
            ClockSkill(),
            CalendarSkill(),
            SwitchingSkill(home, devices),
            DimmingSkill(home, devices),
            AskingSkill(home, devices),
            PlayingSkill(home, devices),
            HelpingSkill(home),
            NeverMindSkill(),
            PrivacySkill(),
            *more,
        ]
        self._skills = {intent: skill for skill in skills for intent in skill.intents}
        self._responses = words.responses
        self._own = words.own_intents

    async def do(self, request: Request) -> Reply:
        """Do what is asked; an owner's reply template takes the place of a skill's own words.

        An intent of the owner's without a skill is told to the house as an event, for automations.
        """
        skill = self._skills.get(request.intent)
        if skill is not None:
            # A copy: what the interpreter remembers of a sentence is no skill's to change.
            own = msgspec.structs.replace(request, slots=dict(request.slots))
            reply = await skill.do(own)
        elif request.intent in self._own:
            reply = Reply("Okay.")
        else:
            what = DOING.get(request.intent, "do that")
            reply = Reply(f"Sorry, I can't {what} yet.", ok=False, code="no-skill")
        return self._worded(request, reply)

    def _worded(self, request: Request, reply: Reply) -> Reply:
        texts = self._responses.get(request.intent, {})
        template = texts.get(request.response) or texts.get("default")
        if template is None or reply.question is not None or not reply.ok:
            return reply
        return Reply(fill(template, request.slots))
