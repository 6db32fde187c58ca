"""What can be done: one skill a file, behind one small port."""

from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Expected, Question
from antiphon_hub.skills.fake import FakeDevices
from antiphon_hub.skills.house import House
from antiphon_hub.skills.plugins import Plugin, PluginOptions, Plugins, find_plugins
from antiphon_hub.skills.port import DevicePort, OwnWords, Reply, Request, Skill
from antiphon_hub.skills.skills import Skills
from antiphon_protocol.messages.event import DeviceState

__all__ = [
    "DevicePort",
    "DeviceState",
    "Expected",
    "FakeDevices",
    "House",
    "Interpretation",
    "OwnWords",
    "Plugin",
    "PluginOptions",
    "Plugins",
    "Question",
    "Reply",
    "Request",
    "Skill",
    "Skills",
    "find_plugins",
]
