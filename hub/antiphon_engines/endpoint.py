"""Decides when a command has ended (pure; all times are audio time, in samples of the stream).

Several cues work together:

- voice: the voice-activity probability, with hysteresis;
- level: what is far quieter than the person was is the television, not the person;
- text: the grammar says that the sentence is complete, or complete but able to go on;
- no new words: a complete sentence that has not changed for long, however loud the room is;
- the wake phrase at the beginning is voice, too, but not yet the command;
- nothing said at all, and a hard limit.
"""

from collections import deque
from typing import Final, Literal

import msgspec

from antiphon_engines.stt.port import SttPartial
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import Endpointing

VOICE_ON: Final = 0.5
VOICE_OFF: Final = 0.35
"""Silero's authors' own pair: below the second for a voice that was there."""
LEVEL_DROP_DB: Final = 20.0
"""Below the person's level by more is somebody else; speech itself moves within 15 dB or so."""
LEVEL_WINDOWS: Final = 3
"""Levels are judged over about 100 ms: a plosive's gap is no silence, a click no voice."""
SPEECH_MIN_S: Final = 0.09
"""Shorter voice is a click; the shortest answers (`no`) have 0.15 s."""
RUN_GAP_S: Final = 0.2
"""Voice with shorter pauses is one run: a word's inner silences are up to 0.15 s."""
WAKE_TAIL_S: Final = 0.35
"""Wake engines fire up to so much before the phrase's last sound."""
NO_NEW_WORDS_S: Final = 2.5

Why = Literal["silence", "grammar-complete", "no-speech", "limit", "stream-ended"]


class Window(msgspec.Struct, frozen=True):
    """Some consecutive samples, as the endpoint sees them."""

    begin: int
    """Position of the first sample in the stream."""
    end: int
    """Position after the last."""
    voice: float
    """Voice-activity probability."""
    level_dbfs: float


class Ending(msgspec.Struct, frozen=True):
    """The decision."""

    position: int
    """After the last voiced sample."""
    decided_at: int
    """How much of the stream it took."""
    why: Why


class Endpoint:
    """One utterance: windows and partial texts in, at last an ending out."""

    def __init__(self, rule: Endpointing, *, begin: int, wake_end: int = 0) -> None:
        """Listen from `begin`; `wake_end` is where the wake engine fired, 0 without a phrase."""
        self._rule = rule
        self._start = max(begin, wake_end)
        self._wake_end = wake_end if wake_end > begin else 0
        self._at = begin
        self._levels: deque[float] = deque(maxlen=LEVEL_WINDOWS)
        self._peak_dbfs = -200.0
        self._voiced = False
        self._run_begin = begin
        self._voice_end = begin
        self._command_samples = 0
        self._text: SttPartial | None = None
        self._text_since = begin

    @property
    def spoken(self) -> bool:
        """True once something that may be the command was said."""
        return self._voice_heard or self._may_end

    @property
    def wants_text(self) -> bool:
        """True while the newest text decides."""
        return self._silence_s() >= self._rule.complete_silence_s

    def read(self, partial: SttPartial | None) -> None:
        """Take in what was understood up to here."""
        if self._text is None or partial is None or partial.text != self._text.text:
            self._text_since = self._at
        self._text = partial

    def hear(self, window: Window) -> Ending | None:
        """Take in the next window; return the ending as soon as it is decided."""
        self._at = window.end
        self._levels.append(window.level_dbfs)
        self._voiced = self._is_voiced(window)
        if self._voiced:
            self._extend_run(window)
        why = self._decide()
        return self._ending(why) if why else None

    def stream_ended(self) -> Ending:
        """Return the ending for a stream that is over before it was decided."""
        return self._ending("stream-ended")

    def _is_voiced(self, window: Window) -> bool:
        if window.voice >= VOICE_ON:
            self._peak_dbfs = max(self._peak_dbfs, sum(self._levels) / len(self._levels))
        near = max(self._levels) >= self._peak_dbfs - LEVEL_DROP_DB
        return near and window.voice >= (VOICE_OFF if self._voiced else VOICE_ON)

    def _extend_run(self, window: Window) -> None:
        if window.begin - self._voice_end > RUN_GAP_S * SAMPLE_RATE_HZ:
            self._run_begin = window.begin
        self._voice_end = window.end
        floor = self._wake_end
        if self._run_begin < floor:
            floor += int(WAKE_TAIL_S * SAMPLE_RATE_HZ)
        self._command_samples += max(0, window.end - max(window.begin, floor))

    def _decide(self) -> Why | None:
        silence_s, since_start_s = self._silence_s(), self._seconds_since(self._start)
        if since_start_s >= self._rule.limit_s:
            return "limit"
        if not self.spoken:
            return "no-speech" if since_start_s >= self._rule.no_speech_s else None
        if silence_s >= self._silence_needed_s():
            return "grammar-complete" if self._may_end else "silence"
        if self._may_end and self._seconds_since(self._text_since) >= NO_NEW_WORDS_S:
            return "grammar-complete"
        return None

    def _silence_needed_s(self) -> float:
        """A sentence that could go on gets half of what a whole one saves.

        Text without voice of its own may be misheard from the wake phrase: it saves nothing.
        """
        rule = self._rule
        if self._text is None or not (self._may_end and self._voice_heard):
            return rule.silence_s
        if self._text.must_end:
            return min(rule.complete_silence_s, rule.silence_s)
        return min((rule.complete_silence_s + rule.silence_s) / 2, rule.silence_s)

    @property
    def _voice_heard(self) -> bool:
        return self._command_samples >= SPEECH_MIN_S * SAMPLE_RATE_HZ

    @property
    def _may_end(self) -> bool:
        return self._text is not None and self._text.may_end and bool(self._text.text)

    def _silence_s(self) -> float:
        return self._seconds_since(self._voice_end)

    def _seconds_since(self, position: int) -> float:
        return (self._at - position) / SAMPLE_RATE_HZ

    def _ending(self, why: Why) -> Ending:
        return Ending(self._voice_end, self._at, why)
