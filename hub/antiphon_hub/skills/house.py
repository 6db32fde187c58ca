"""What a plug-in's skill gets to know and to use of the house."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from antiphon_hub.home.model import Home
from antiphon_hub.skills.port import DevicePort


class House:
    """What a plug-in's skill is given of the house."""

    def __init__(
        self,
        name: str,
        *,
        home: Home,
        devices: DevicePort,
        settings: Mapping[str, Any],
        folder: Path,
        language: str,
    ) -> None:
        self.home = home
        """Rooms and devices; another object once the owner changed them."""
        self.devices = devices
        """Switches devices, and knows their states."""
        self.settings = settings
        """The owner's `[skills.options.NAME]`."""
        self.language = language
        self.log = logging.getLogger(f"antiphon.skill.{name}")
        self._folder = folder

    @property
    def folder(self) -> Path:
        """A folder of its own for what the skill remembers; made at the first use."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder
