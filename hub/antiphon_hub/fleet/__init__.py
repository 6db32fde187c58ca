"""The satellites that are here."""

from antiphon_hub.fleet.fleet import Fleet, Satellite

__all__ = ["Fleet", "Satellite"]
