"""Figures for Prometheus: what the hub counts, shown where the owner asks for it."""

from antiphon_hub.metrics.exporter import Exporter
from antiphon_hub.metrics.meters import Counts, MeteredPublisher, Meters

__all__ = ["Counts", "Exporter", "MeteredPublisher", "Meters"]
