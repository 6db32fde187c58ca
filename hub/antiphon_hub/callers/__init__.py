"""How the people of the house call it: taught by some calls, kept here, forgotten at a word."""

from antiphon_hub.callers.callers import Callers
from antiphon_hub.callers.store import CALLS_MAX, FILE, Taught, TaughtCall, load, save

__all__ = ["CALLS_MAX", "FILE", "Callers", "Taught", "TaughtCall", "load", "save"]
