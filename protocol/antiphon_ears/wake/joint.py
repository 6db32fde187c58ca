"""Several wake engines as one: what each of them is unsure of, another may confirm.

A call excites all engines. What only resembles one excites one of them, for they were trained
apart. So a score that means little alone is a call where two engines have it at about the same
time; and one engine may still be sure alone, for they miss different voices.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from antiphon_ears.errors import PhraseUnknownError
from antiphon_ears.wake.port import WakeDetection, WakeEngine, WakeStream
from antiphon_ears.wake.trigger import JointTrigger

TOGETHER: Final = 0.1
"""Score from which on a phrase counts that two engines hear; chosen on recordings, see
docs/measurements.md."""
ALONE: Final = 0.95
"""The least score that one engine must have where another listens too and does not agree."""


class Part(msgspec.Struct, frozen=True, eq=False):
    """One of the engines, with its stream."""

    engine: str
    stream: WakeStream
    thresholds: Mapping[str, float]
    """From which score each phrase counts that no other engine hears."""


class JointEngine:
    """See WakeEngine; each phrase is listened for by every engine that knows it."""

    def __init__(self, engines: Sequence[WakeEngine], together: float = TOGETHER) -> None:
        self._engines = tuple(engines)
        self._together = together
        self.name = "+".join(engine.name for engine in self._engines)
        known = [phrase for engine in self._engines for phrase in engine.phrases]
        self.phrases = tuple(dict.fromkeys(known))

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> "JointStream":
        """See WakeEngine.open; the threshold is for what one engine hears alone.

        None: each engine's own, and ALONE at least for phrases that others know, too.
        """
        unknown = [phrase for phrase in phrases if phrase not in self.phrases]
        if unknown or not phrases:
            raise PhraseUnknownError(
                f"no wake engine here knows {', '.join(unknown) or 'a phrase of no words'}; "
                f"known: {', '.join(self.phrases)}"
            )
        known = [
            (engine, [phrase for phrase in phrases if phrase in engine.phrases])
            for engine in self._engines
        ]
        streams = [(one.name, one.open(its, threshold)) for one, its in known if its]
        shared = {one for one in phrases if sum(one in its for _, its in known) > 1}
        least = dict.fromkeys(shared, ALONE) if threshold is None else {}
        parts = [
            Part(
                name,
                stream,
                {p: max(own, least.get(p, own)) for p, own in stream.thresholds.items()},
            )
            for name, stream in streams
        ]
        return JointStream(parts, self._together)


class JointStream:
    """See WakeStream; one call is one detection, which names the engines that agreed on it."""

    def __init__(self, parts: Sequence[Part], together: float = TOGETHER) -> None:
        self.parts = tuple(parts)
        self.thresholds: Mapping[str, float] = _joined(
            min, [part.thresholds for part in self.parts]
        )
        self._trigger = JointTrigger([part.thresholds for part in self.parts], together)

    def feed(self, pcm: bytes) -> Sequence[WakeDetection]:
        """See WakeStream.feed."""
        found = []
        for end, at, scores in self._moments(pcm):
            if judged := self._trigger.judge(at, scores, end):
                detection, agreed = judged
                names = "+".join(self.parts[one].engine for one in agreed)
                found.append(msgspec.structs.replace(detection, engine=names))
        return found

    def scores(self, pcm: bytes) -> Sequence[tuple[int, Mapping[str, float]]]:
        """See WakeStream.scores."""
        return [(end, scores) for end, _, scores in self._moments(pcm)]

    def reset(self) -> None:
        """See WakeStream.reset."""
        self._trigger.reset()
        for part in self.parts:
            part.stream.reset()

    def peaks(self) -> Mapping[str, float]:
        """See WakeStream.peaks."""
        return _joined(max, [part.stream.peaks() for part in self.parts])

    def _moments(self, pcm: bytes) -> list[tuple[int, int, Mapping[str, float]]]:
        """Return position, part and scores of every window, in the order of time."""
        told = [
            (end, at, scores)
            for at, part in enumerate(self.parts)
            for end, scores in part.stream.scores(pcm)
        ]
        return sorted(told, key=lambda one: one[:2])


def _joined(
    choose: Callable[[list[float]], float], several: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    phrases = dict.fromkeys(phrase for one in several for phrase in one)
    return {phrase: choose([one[phrase] for one in several if phrase in one]) for phrase in phrases}
