"""Decides when a command has ended (pure; all times are audio time, in samples of the stream).

Several cues work together:

- voice: the voice-activity probability, with hysteresis;
- level: voice far below the person's own is the television, not the person (`nearness`);
- text: the sentence is complete, complete but able to go on, or unfinished, by the grammar; words
  that come while only others talk are not the person's, and a word that completes the sentence only
  in the silence is none;
- no new words: a complete sentence that has not changed for long, however loud the room is;
- rhythm: who paused inside the sentence may pause again as long;
- what is awaited: an answer is one word, and ends sooner; until it begins, what is quieter than who
  called is the room (`awaiting`), and a word that stood before it began is the room's;
- the wake phrase at the beginning is voice, too, but not yet the command;
- nothing said at all, and a hard limit.
"""

from typing import Final, Literal

import msgspec

from antiphon_engines.awaiting import Awaiting, Begun
from antiphon_engines.nearness import UNKNOWN_DBFS, Nearness
from antiphon_engines.stt.port import SttPartial
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import Endpointing

VOICE_ON: Final = 0.5
VOICE_OFF: Final = 0.35
"""Silero's authors' own pair: below the second for a voice that was there."""
SPEECH_MIN_S: Final = 0.09
"""Shorter voice is a click; the shortest answers (`no`) have 0.15 s."""
RUN_GAP_S: Final = 0.2
"""Voice with shorter pauses is one run: a word's inner silences are up to 0.15 s."""
WAKE_TAIL_S: Final = 0.35
"""Wake engines fire up to so much before the phrase's last sound."""
CALL_TEXT_S: Final = 0.4
"""Until so long after the wake engine fired, words are most likely made of the phrase."""
WORD_LEAD_S: Final = 0.1
"""A recogniser shows a word at least so long before its last sound; one that comes later is made of
the end of the word before, or of the room."""
TEXT_LAG_S: Final = 0.15
"""So long after a sound a recogniser's text still changes by it."""
LATE_S: Final = 0.12
"""What becomes complete so long after the last sound is completed by the recogniser, which prefers
whole sentences, and not by the person, who looks for a word."""
FAINT_S: Final = 0.15
"""More silence is wanted where somebody talks on, quieter: it may be the person's last syllable."""
RHYTHM: Final = 1.25
"""Times the longest pause inside a sentence is the least that ends it..."""
RHYTHM_MAX_S: Final = 0.5
"""...up to this; a longer pause was a search for a word, and says nothing of the next."""
ANSWER_SILENCE_S: Final = 0.45
"""Ends an answer of which the grammar knows nothing: one word has no pauses."""
STALE_SILENCE_S: Final = 0.6
"""Ends an answer whose text stood before it began: its own word may come yet."""
SETTLED_S: Final = 0.2
"""Where others talk, an answer's text has stood for so long: the end of a word, drowned by a
television, changes it."""
NO_NEW_WORDS_S: Final = 2.0
"""People say two or three words a second: who talks on without any of the grammar's is not the
person who commands, or does not command. In less the end of a long command may be unclear yet."""
LAST_WORD_S: Final = 1.2
"""The same where no word can follow; an answer of which nothing can follow needs no more than its
silence."""

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

    def __init__(
        self,
        rule: Endpointing,
        *,
        begin: int,
        wake_end: int = 0,
        call_dbfs: float = UNKNOWN_DBFS,
        grammar: bool = True,
    ) -> None:
        """Listen from `begin` on.

        Args:
            rule: The numbers.
            begin: Position of the first window.
            wake_end: Where the wake engine fired, 0 without a phrase.
            call_dbfs: How loud the person called, if known.
            grammar: The texts follow a closed grammar, and tell what is unfinished.
        """
        self._rule = rule
        self._grammar = grammar
        self._start = max(begin, wake_end)
        self._wake_end = wake_end if wake_end > begin else 0
        self._call_text_s = CALL_TEXT_S if self._wake_end else 0.0
        self._at = begin
        self._call_dbfs = call_dbfs
        self._nearness = Nearness(call_dbfs)
        asked = rule.expect != "command" and not self._wake_end and call_dbfs > UNKNOWN_DBFS
        self._awaiting = Awaiting(call_dbfs, begin) if asked else None
        self._answer_begin = 0
        self._answer_in_noise = False
        self._voiced = False
        self._run_begin = begin
        self._voice_end = begin
        self._others_end = begin
        self._command_samples = 0
        self._longest_pause_s = 0.0
        self._text: SttPartial | None = None
        self._text_since = begin
        self._complete_since = begin
        self._complete_until = -1
        self._complete_text = ""
        self._words_shown = False

    @property
    def spoken(self) -> bool:
        """True once something that may be the command was said."""
        return self._voice_heard or self._may_end

    def hear_room(self, level_dbfs: float) -> None:
        """Take in the level of a window before the call, when others talked if anybody did."""
        self._nearness.hear_room(level_dbfs)

    def read(self, partial: SttPartial | None) -> None:
        """Take in what was understood up to here."""
        if self._others_talk:
            return
        if self._text is None or partial is None or partial.text != self._text.text:
            self._text_since = self._at
        was_complete = self._may_end
        if was_complete:
            self._complete_until = self._at
        self._text = partial
        self._words_shown |= partial is not None and bool(partial.text)
        if self._may_end and partial is not None:
            self._complete_until, self._complete_text = self._at, partial.text
            if not was_complete:
                self._complete_since = self._at

    def hear(self, window: Window) -> Ending | None:
        """Take in the next window; return the ending as soon as it is decided."""
        self._at = window.end
        if self._awaiting is not None:
            self._await(self._awaiting, window)
        if self._awaiting is None:
            self._weigh(window)
        why = self._decide()
        return self._ending(why) if why else None

    def stream_ended(self) -> Ending:
        """Return the ending for a stream that is over before it was decided."""
        return self._ending("stream-ended")

    def _await(self, awaiting: Awaiting, window: Window) -> None:
        """Look whether who was asked begins to answer; what sounds before that is the room."""
        voiced = window.voice >= VOICE_ON
        begun = awaiting.hear(window.begin, window.end, window.level_dbfs, voiced=voiced)
        if begun is None:
            self._nearness.hear_room(window.level_dbfs)
            return
        self._awaiting = None
        if begun is not Begun.NEAR:  # all voice counts: what was taken for the room tells nothing
            self._nearness = Nearness(self._call_dbfs)
        if begun is Begun.SOFT:
            self._voice_end = awaiting.soft_end
            self._command_samples = awaiting.soft_samples
        else:
            self._answer_begin = window.begin
            self._answer_in_noise = awaiting.soft_samples > 0

    def _weigh(self, window: Window) -> None:
        near = self._nearness.hear(
            window.level_dbfs, voiced=window.voice >= VOICE_ON, commanding=self._voice_heard
        )
        self._voiced = window.voice >= (VOICE_OFF if self._voiced else VOICE_ON)
        if self._voiced and near:
            self._extend_run(window)
        elif self._voiced:
            self._others_end = window.end

    def _extend_run(self, window: Window) -> None:
        pause_s = (window.begin - self._voice_end) / SAMPLE_RATE_HZ
        if pause_s > RUN_GAP_S:
            self._run_begin = window.begin
        if self._voice_heard and pause_s <= RHYTHM_MAX_S:
            self._longest_pause_s = max(self._longest_pause_s, pause_s)
        self._voice_end = window.end
        floor = self._wake_end
        if self._run_begin < floor:
            floor += int(WAKE_TAIL_S * SAMPLE_RATE_HZ)
        self._command_samples += max(0, window.end - max(window.begin, floor))

    def _decide(self) -> Why | None:
        since_start_s = self._seconds_since(self._start)
        if since_start_s >= self._rule.limit_s:
            return "limit"
        if not self.spoken:
            return "no-speech" if since_start_s >= self._rule.no_speech_s else None
        if self._seconds_since(self._voice_end) >= self._silence_needed_s():
            return "grammar-complete" if self._may_end else "silence"
        stood_s = self._seconds_since(max(self._text_since, self._answer_begin))
        if self._may_end and stood_s >= self._no_words_needed_s():
            return "grammar-complete"
        return None

    def _no_words_needed_s(self) -> float:
        if self._command_text is None or not self._command_text.must_end or self._text_is_stale:
            return NO_NEW_WORDS_S
        return LAST_WORD_S if self._rule.expect == "command" else ANSWER_SILENCE_S

    def _silence_needed_s(self) -> float:
        needed_s = self._text_needs_s()
        if self._others_talk:
            needed_s += FAINT_S
        if self._answer_begin and self._may_end and (self._others_talk or self._answer_in_noise):
            settled_s = (self._text_since - self._voice_end) / SAMPLE_RATE_HZ + SETTLED_S
            needed_s = max(needed_s, min(settled_s, STALE_SILENCE_S))
        return needed_s

    def _text_needs_s(self) -> float:
        """Text without voice of its own may be misheard from the wake phrase: it saves nothing."""
        rule, text = self._rule, self._command_text
        if self._text_is_stale:
            return STALE_SILENCE_S
        begun = self._words_shown and not self._complete_text
        if text is None or not (self._grammar and (text.text or begun) and self._voice_heard):
            return self._at_most_an_answers(rule.silence_s)
        if not self._may_end and self._was_complete:
            return self._at_most_an_answers(rule.may_go_on_silence_s + FAINT_S)
        if not self._may_end or self._completed_late:
            return self._at_most_an_answers(rule.unfinished_silence_s)
        complete_s = rule.complete_silence_s if text.must_end else rule.may_go_on_silence_s
        return max(complete_s, min(RHYTHM * self._longest_pause_s, rule.silence_s))

    def _at_most_an_answers(self, silence_s: float) -> float:
        return silence_s if self._rule.expect == "command" else min(silence_s, ANSWER_SILENCE_S)

    @property
    def _text_is_stale(self) -> bool:
        """What is understood of an answer stood before it began: others said it."""
        return self._may_end and self._text_since < self._answer_begin

    @property
    def _was_complete(self) -> bool:
        """The sentence was complete until about the last sound, and more words came behind it."""
        text = self._text.text if self._text is not None else ""
        until = self._voice_end - WORD_LEAD_S * SAMPLE_RATE_HZ
        return self._complete_until > until and text.startswith(f"{self._complete_text} ")

    @property
    def _completed_late(self) -> bool:
        """It became complete when nobody spoke any more."""
        prompt = self._text is not None and self._text.prompt
        return prompt and self._complete_since - self._voice_end > LATE_S * SAMPLE_RATE_HZ

    @property
    def _others_talk(self) -> bool:
        """Somebody quieter has talked since the person stopped."""
        return self._others_end - self._voice_end > TEXT_LAG_S * SAMPLE_RATE_HZ

    @property
    def _voice_heard(self) -> bool:
        return self._command_samples >= SPEECH_MIN_S * SAMPLE_RATE_HZ

    @property
    def _may_end(self) -> bool:
        text = self._command_text
        return text is not None and text.may_end and bool(text.text)

    @property
    def _command_text(self) -> SttPartial | None:
        """What was understood, unless it is too early for it.

        That is right behind a call, and before an answer begins: silence may fit a short grammar.
        """
        early = self._seconds_since(self._wake_end) < self._call_text_s
        unsaid = not self._wake_end and not self._command_samples
        return None if early or unsaid else self._text

    def _seconds_since(self, position: int) -> float:
        return (self._at - position) / SAMPLE_RATE_HZ

    def _ending(self, why: Why) -> Ending:
        return Ending(self._voice_end, self._at, why)
