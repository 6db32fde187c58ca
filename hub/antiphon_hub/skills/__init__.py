"""What can be done: one skill a file, behind one small port."""

from antiphon_hub.skills.fake import FakeDevices
from antiphon_hub.skills.port import DevicePort, OwnWords, Reply, Request, Skill
from antiphon_hub.skills.skills import Skills

__all__ = ["DevicePort", "FakeDevices", "OwnWords", "Reply", "Request", "Skill", "Skills"]
