"""What is measured. Names and units follow Prometheus' conventions: base units, `_total`.

No label holds what people said, a room, or anything else that grows without bound.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from antiphon_hub.publisher import Publisher
from antiphon_protocol.messages.event import Event, TurnEnded

STAGE_BUCKETS_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""From the hub's own milliseconds up to a long reply's playing time."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Some part's counters, read when somebody looks."""

    part: str
    """Who counts: `link`, `turns`, `workers`."""
    counts: Mapping[str, int]
    drops: Collection[str] = ()
    """Those that count what a full queue or store did not take."""


class Meters:
    """All metrics of one hub."""

    def __init__(self, software: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._parts = _Parts()
        self.registry.register(self._parts)
        Gauge("antiphon_info", "The hub.", ("version",), registry=self.registry).labels(
            software
        ).set(1)
        self._turns = Counter(
            "antiphon_turns",
            "Turns that have ended, by outcome and by the reason of those not answered.",
            ("outcome", "code"),
            registry=self.registry,
        )
        self._stages = Histogram(
            "antiphon_stage_seconds",
            "Time of a turn's stages.",
            ("stage",),
            buckets=STAGE_BUCKETS_S,
            registry=self.registry,
        )

    def ended(self, turn: TurnEnded) -> None:
        """Count a turn that has ended."""
        self._turns.labels(turn.outcome, turn.code).inc()
        for stage, ms in turn.timings.items():
            self._stages.labels(stage).observe(ms / 1e3)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show what `read` returns whenever somebody looks, as `antiphon_NAME`."""
        Gauge(f"antiphon_{name}", text, registry=self.registry).set_function(read)

    def counted(self, counts: Counts) -> None:
        """Show a part's counters."""
        self._parts.all.append(counts)


class _Parts(Collector):
    """The counters of all parts, as two families."""

    def __init__(self) -> None:
        self.all: list[Counts] = []

    def collect(self) -> Iterator[CounterMetricFamily]:
        drops = CounterMetricFamily(
            "antiphon_queue_drops",
            "What a full queue or store did not take, by part and queue.",
            labels=("part", "queue"),
        )
        events = CounterMetricFamily(
            "antiphon_part_events", "What a part of the hub counted.", labels=("part", "event")
        )
        for one in self.all:
            for name in one.drops:
                drops.add_metric((one.part, name), one.counts.get(name, 0))
            for name, count in one.counts.items():
                if name not in one.drops:
                    events.add_metric((one.part, name), count)
        yield drops
        yield events


class MeteredPublisher:
    """A publisher that measures the turns whose end it publishes."""

    def __init__(self, publisher: Publisher, meters: Meters) -> None:
        self._publisher = publisher
        self._meters = meters

    def publish(self, event: Event) -> None:
        """Make the fact known."""
        if isinstance(event, TurnEnded):
            self._meters.ended(event)
        self._publisher.publish(event)
