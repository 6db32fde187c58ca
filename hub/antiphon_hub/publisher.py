"""Facts leave a service through this port; nobody waits for them."""

from typing import Protocol

from antiphon_protocol.messages.event import Event


class Publisher(Protocol):
    """Where facts go."""

    def publish(self, event: Event) -> None:
        """Make a fact known; returns at once, and never fails the caller."""
        ...


class RecordingPublisher:
    """The fake: keeps what was published."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, event: Event) -> None:
        """Keep the fact."""
        self.events.append(event)
