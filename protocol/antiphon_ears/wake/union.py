"""Several wake engines as one: whichever fires first has heard the phrase.

Engines miss different voices, so together they miss fewer; their false wakes add up, which fits
where a voice-activity gate has already said that somebody speaks.
"""

from collections.abc import Callable, Mapping, Sequence

from antiphon_ears.errors import PhraseUnknownError
from antiphon_ears.wake.port import WakeDetection, WakeEngine, WakeStream
from antiphon_ears.wake.trigger import REFRACTORY_SAMPLES


class UnionEngine:
    """See WakeEngine; each phrase is listened for by every engine that knows it."""

    def __init__(self, engines: Sequence[WakeEngine]) -> None:
        self._engines = tuple(engines)
        self.name = "+".join(engine.name for engine in self._engines)
        known = [phrase for engine in self._engines for phrase in engine.phrases]
        self.phrases = tuple(dict.fromkeys(known))

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> "UnionStream":
        """See WakeEngine.open."""
        unknown = [phrase for phrase in phrases if phrase not in self.phrases]
        if unknown or not phrases:
            raise PhraseUnknownError(
                f"no wake engine here knows {', '.join(unknown) or 'a phrase of no words'}; "
                f"known: {', '.join(self.phrases)}"
            )
        known = {
            engine: [phrase for phrase in phrases if phrase in engine.phrases]
            for engine in self._engines
        }
        return UnionStream([one.open(its, threshold) for one, its in known.items() if its])


class UnionStream:
    """See WakeStream; one call is one detection, by the engine that fired first."""

    def __init__(self, streams: Sequence[WakeStream]) -> None:
        self._streams = tuple(streams)
        self.thresholds: Mapping[str, float] = _joined(
            min, [one.thresholds for one in self._streams]
        )
        self._rests_until = 0

    def feed(self, pcm: bytes) -> Sequence[WakeDetection]:
        """See WakeStream.feed."""
        # Every engine is fed, also behind a detection: its windows must not have holes.
        found = [one for stream in self._streams for one in stream.feed(pcm)]
        calls = []
        for one in sorted(found, key=lambda one: one.end):
            if one.end >= self._rests_until:
                calls.append(one)
                self._rests_until = one.end + REFRACTORY_SAMPLES
        return calls

    def reset(self) -> None:
        """See WakeStream.reset."""
        self._rests_until = 0
        for stream in self._streams:
            stream.reset()

    def peaks(self) -> Mapping[str, float]:
        """See WakeStream.peaks."""
        return _joined(max, [one.peaks() for one in self._streams])


def _joined(
    choose: Callable[[list[float]], float], several: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    phrases = dict.fromkeys(phrase for one in several for phrase in one)
    return {phrase: choose([one[phrase] for one in several if phrase in one]) for phrase in phrases}
