"""The satellites that are here, and what is set at each."""

from antiphon_hub.fleet.fleet import Fleet, Satellite
from antiphon_hub.fleet.twins import Twins

__all__ = ["Fleet", "Satellite", "Twins"]
