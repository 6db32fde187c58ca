"""Makes calls out of microphone frames: measures, keeps the pre-roll, asks the wake engines. Pure.

All positions are counted in samples since the satellite started to hear.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from antiphon_ears.wake.joint import JointStream, Part
from antiphon_ears.wake.port import WakeDetection
from antiphon_ears.wake.trigger import REFRACTORY_SAMPLES
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_satellite.levels import SILENCE_DBFS, level_dbfs
from antiphon_satellite.listen.gate import Gate
from antiphon_satellite.listen.microphone import FRAME_S, PcmFrame
from antiphon_satellite.listen.noise import NoiseFloor
from antiphon_satellite.listen.preroll import Measured, PreRoll

WORD_S: Final = 0.45
LAG_S: Final = 0.6
"""A typical wake word's length, and how long after the phrase engines fire (both measured on
synthetic phrases, rounded up: audio too much costs nothing, a cut phrase cannot be told from
speech)."""
ANSWER_LEAD_SAMPLES: Final = SAMPLE_RATE_HZ
"""People answer at once: what they say while the hub opens the microphone belongs to the answer."""
PRESS_LEAD_S: Final = 0.5
"""People begin to speak as their finger goes down."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody may have called."""

    cause: Literal["phrase", "button", "voice"]
    at_us: int
    """Our clock, microseconds since 1970."""
    begin: int
    """Position where the call may begin."""
    end: int
    """Position behind the frame in which it was noticed."""
    phrase: str = ""
    engine: str = ""
    confidence: float = 1.0
    level_dbfs: float = SILENCE_DBFS
    noise_dbfs: float = SILENCE_DBFS


class Ear:
    """Hears every frame, and says when somebody called."""

    def __init__(self, wake: JointStream | None = None, gate: Gate | None = None) -> None:
        self._wake = wake
        self._gate = gate
        self._noise = NoiseFloor()
        self._attentive = False
        self._quiet_from = -ANSWER_LEAD_SAMPLES - 1
        self._called_until = 0
        """The phrase of the last call may still sound so long, whatever happened since."""
        self.preroll = PreRoll()
        self.level_dbfs = SILENCE_DBFS

    @property
    def noise_dbfs(self) -> float:
        """The room's noise floor."""
        return self._noise.dbfs

    @property
    def voice(self) -> bool:
        """Whether the gate is open; False without one."""
        return self._gate is not None and self._gate.is_open

    def listen_with(self, wake: JointStream | None, gate: Gate | None) -> None:
        """Listen with others from the next frame on; they begin anew."""
        self._wake, self._gate = wake, gate

    def peaks(self) -> list[tuple[Part, Mapping[str, float]]]:
        """Return each engine's highest scores since this was asked last."""
        return [(part, part.stream.peaks()) for part in self._wake.parts] if self._wake else []

    def take(self, frame: PcmFrame, *, attentive: bool) -> Call | None:
        """Take the next frame; return the call that it completes.

        Inattentive (a stream runs, a reply sounds) the wake engines rest: they cost the most, and
        would hear our own voice. They begin anew afterwards.
        """
        self.level_dbfs = level_dbfs(frame.pcm)
        self._noise.take(self.level_dbfs, FRAME_S)
        self.preroll.push(Measured(frame, self.level_dbfs, self._noise.dbfs))
        opened = self._gate is not None and self._gate.feed(frame.pcm)
        if attentive and not self._attentive and self._wake:
            self._wake.reset()
        self._attentive = attentive
        if not attentive:
            return None
        return self._wake_call(frame) or (self._call("voice", 0, frame) if opened else None)

    def fell_quiet(self) -> None:
        """Our own voice has just ended: what is heard from here on is the room's."""
        self._quiet_from = self.preroll.position

    def since_quiet(self) -> list[PcmFrame]:
        """Return what was heard since our own voice ended, if that was just now."""
        if self.preroll.position - self._quiet_from > ANSWER_LEAD_SAMPLES:
            return []
        return [one.frame for one in self.preroll.since(self._quiet_from)]

    def pressed(self, at_us: int) -> Call:
        """Return the call of a button that was pressed now."""
        end = self.preroll.position
        return Call(
            cause="button",
            at_us=at_us,
            begin=max(self.preroll.begin, end - int(PRESS_LEAD_S * SAMPLE_RATE_HZ)),
            end=end,
            level_dbfs=self.level_dbfs,
            noise_dbfs=self.noise_dbfs,
        )

    def _wake_call(self, frame: PcmFrame) -> Call | None:
        heard = self._wake.feed(frame.pcm) if self._wake else ()
        if not heard or self.preroll.position < self._called_until:
            return None
        # Engines that begin anew, because another room answers, would hear its end as a call.
        self._called_until = self.preroll.position + REFRACTORY_SAMPLES
        return self._call("phrase", _length(heard[0]), frame, heard[0])

    def _call(
        self,
        cause: Literal["phrase", "voice"],
        samples: int,
        frame: PcmFrame,
        detection: WakeDetection | None = None,
    ) -> Call:
        end = self.preroll.position
        begin = max(self.preroll.begin, end - samples) if samples else self.preroll.begin
        spoken = self.preroll.since(begin)
        return Call(
            cause=cause,
            at_us=frame.at_us + int(FRAME_S * 1e6),
            begin=begin,
            end=end,
            phrase=detection.phrase if detection else "",
            engine=detection.engine if detection else "",
            confidence=min(1.0, max(0.0, detection.score)) if detection else 1.0,
            level_dbfs=max(one.level_dbfs for one in spoken),
            noise_dbfs=spoken[0].noise_dbfs,
        )


def _length(detection: WakeDetection) -> int:
    words = max(1, len(detection.phrase.split()))
    return int((LAG_S + WORD_S * words) * SAMPLE_RATE_HZ)
