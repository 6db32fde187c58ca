"""What the hub's own workers hear and speak with: what was installed, and what is chosen."""

from antiphon_hub.equipment.choice import Choice, ForLanguage
from antiphon_hub.equipment.equipment import Equipment
from antiphon_hub.equipment.store import Installed

__all__ = ["Choice", "Equipment", "ForLanguage", "Installed"]
