"""Jobs: what the hub asks of a worker, and what came of it."""

from typing import Annotated, Literal

from msgspec import Meta

from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.codec import Message, Record
from antiphon_protocol.ids import Slug
from antiphon_protocol.limits import CONTEXT_BYTES_MAX, LIKENESS_BYTES_MAX, LIST_ITEMS_MAX
from antiphon_protocol.messages.fields import (
    Language,
    LevelDbfs,
    Name,
    Samples,
    Score,
    Seconds,
    Text,
)


class LoadContext(Message, frozen=True, kw_only=True, tag="load-context"):
    """What may be said here: loaded before the jobs that name it, kept until replaced."""

    context: Slug
    """Names the content (a digest): the same name is the same grammar."""
    language: Language
    grammar: Annotated[str, Meta(max_length=CONTEXT_BYTES_MAX)]
    """JSGF 1.0 text with one public rule; lower-case words, numbers in words."""
    pronunciations: Annotated[dict[Name, Name], Meta(max_length=4096)] = {}  # noqa: RUF012 - msgspec copies it
    """Word to ARPAbet phones (`L AY T`), for names that no dictionary has."""


Likeness = Annotated[bytes, Meta(max_length=LIKENESS_BYTES_MAX)]
"""What a household's own calls of a phrase have in common, as `antiphon_ears.wake.household` has
it."""


class WakeCheck(Record, frozen=True, kw_only=True):
    """Look for the wake phrase first: the satellite could not, or a second opinion is wanted."""

    phrases: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=16)]
    threshold: Score | None = None
    """Score at which it counts; None for the engine's own."""
    heard_by: Name = ""
    """The satellite's engine, which has heard it: the worker's others are asked, as far as it has
    any; empty: all are."""
    within_s: Seconds = 5.0
    """Give up when it was not heard in this much audio."""
    household: Likeness = b""
    """A call of the phrase that is like the household's own counts too; empty: none are known."""


Expectation = Literal["command", "answer", "yes-no"]
"""What kind of sentence is awaited: a command after a call or in a follow-up; an answer to a
question of ours; yes or no, or another word that settles it."""


class Endpointing(Record, frozen=True, kw_only=True):
    """When a command counts as ended; all in audio time."""

    silence_s: Seconds = 0.7
    """Silence that ends speech of which the grammar knows nothing."""
    complete_silence_s: Seconds = 0.25
    """The same when the sentence is complete, and no sentence goes on from it."""
    may_go_on_silence_s: Seconds = 0.3
    """The same when the sentence is complete, yet could go on."""
    unfinished_silence_s: Seconds = 1.5
    """The same when the grammar expects more words: the person looks for a name."""
    no_speech_s: Seconds = 5.0
    """Nothing said at all after the wake phrase."""
    limit_s: Seconds = 15.0
    """The hard limit."""
    expect: Expectation = "command"
    """What is awaited: answers are short, and end sooner."""


class Transcribe(Message, frozen=True, kw_only=True, tag="transcribe"):
    """Read that satellite's stream from the broker and hear what is said."""

    job: Slug
    turn: Slug
    satellite: Slug
    stream: Slug
    language: Language = "en"
    engine: Name = ""
    """STT engine by name; empty: the worker's first."""
    context: Slug | None = None
    """The closed grammar to hear against; None for open dictation only."""
    begin: Samples = 0
    """Hear from this position of the stream on."""
    wake_phrase: Name = ""
    """This may stand before the command in the audio, and is not part of it."""
    wake_end: Samples = 0
    """Where in the stream the wake engine fired (`WakeHeard.end`): voice up to there is the wake
    phrase, not yet the command; 0: not known, or no phrase."""
    level_dbfs: LevelDbfs = -200.0
    """How loud the person was in the call, where that is known (`WakeHeard.level_dbfs`); what is
    far quieter is not the person. -200: not known."""
    wake: WakeCheck | None = None
    endpointing: Endpointing = Endpointing()


class Finish(Message, frozen=True, kw_only=True, tag="finish"):
    """No more audio comes for the job: finish with what is there."""

    job: Slug
    frames: Annotated[int, Meta(ge=0, lt=2**32)]
    """How many frames the stream had."""


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    """Drop the job; no answer is wanted."""

    job: Slug


class Synthesize(Message, frozen=True, kw_only=True, tag="synthesize"):
    """Speak the text onto `down/<group>/<playback>`, sentence by sentence."""

    job: Slug
    turn: Slug
    playback: Slug
    group: Slug = "all"
    """The satellite that plays it; `all`: several, or not known."""
    text: Text
    language: Language = "en"
    engine: Name = ""
    voice: Name = ""
    format: AudioFormat = AudioFormat()


class Relay(Message, frozen=True, kw_only=True, tag="relay"):
    """Play a part of a satellite's stream onto `down/<group>/<playback>`, in its own voice."""

    job: Slug
    turn: Slug
    playback: Slug
    group: Slug = "all"
    """See Synthesize."""
    satellite: Slug
    stream: Slug
    begin: Samples
    """From this position of the stream on..."""
    end: Samples
    """...up to this one."""
    format: AudioFormat = AudioFormat()


class WorkBegan(Message, frozen=True, kw_only=True, tag="work-began"):
    """The worker took the job."""

    job: Slug
    worker: Slug
    engine: Name


class FramesMissing(Message, frozen=True, kw_only=True, tag="frames-missing"):
    """The stream has a hole: the hub should ask the satellite to send these again."""

    job: Slug
    stream: Slug
    first: Annotated[int, Meta(ge=0, lt=2**32)]
    last: Annotated[int, Meta(ge=0, lt=2**32)]


class WakeConfirmed(Message, frozen=True, kw_only=True, tag="wake-confirmed"):
    """The wake phrase is in the stream, so this is a turn."""

    job: Slug
    phrase: Name
    engine: Name
    score: Score
    end: Samples
    """Where in the stream the engine fired."""


class Partial(Message, frozen=True, kw_only=True, tag="partial"):
    """What has been understood so far; it may change."""

    job: Slug
    text: Text


class SpeechEnded(Message, frozen=True, kw_only=True, tag="speech-ended"):
    """The person has finished: the satellite may stop."""

    job: Slug
    position: Samples
    """Last voiced sample in the stream."""
    decided_at: Samples
    """How much of the stream it took to decide."""
    why: Literal["silence", "grammar-complete", "no-speech", "limit", "stream-ended"]


class Alternative(Record, frozen=True, kw_only=True):
    """One way to hear the same audio."""

    text: Text
    source: Literal["grammar", "dictation"]
    confidence: Score


class Heard(Message, frozen=True, kw_only=True, tag="heard"):
    """The transcript. Empty text: nothing was said, or nothing that it would stand by."""

    job: Slug
    text: Text
    source: Literal["grammar", "dictation", "nothing"]
    """Which decoding won; `nothing`: silence or rejected, see `rejected`."""
    confidence: Score
    engine: Name
    rejected: bool = False
    """Speech was there, and no hypothesis was good enough: ask back."""
    alternatives: Annotated[tuple[Alternative, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    audio_s: Seconds = 0.0
    """Audio that went into the recogniser."""
    engine_ms: Annotated[float, Meta(ge=0.0)] = 0.0
    """Time that the recogniser computed, all in all."""
    tail_ms: Annotated[float, Meta(ge=0.0)] = 0.0
    """From the end-of-speech decision to the transcript: engine time that the person waits."""


class SpeechBegan(Message, frozen=True, kw_only=True, tag="speech-began"):
    """The first audio of a reply is on its way to the satellites."""

    job: Slug
    engine: Name
    engine_ms: Annotated[float, Meta(ge=0.0)]
    """Time from taking the job to the engine's first samples."""


class SpeechSynthesized(Message, frozen=True, kw_only=True, tag="speech-synthesized"):
    """All audio of a reply was sent."""

    job: Slug
    samples: Samples
    frames: Annotated[int, Meta(ge=0, lt=2**32)]


class WorkFailed(Message, frozen=True, kw_only=True, tag="work-failed"):
    """The job could not be done here."""

    job: Slug
    code: Literal[
        "no-wake", "no-engine", "no-context", "no-audio", "engine-failed", "busy", "bad-request"
    ]
    text: Text
    retryable: bool
    """Another worker may do better."""


WorkerCommand = LoadContext | Transcribe | Finish | Cancel | Synthesize | Relay
WorkFact = (
    WorkBegan
    | FramesMissing
    | WakeConfirmed
    | Partial
    | SpeechEnded
    | Heard
    | SpeechBegan
    | SpeechSynthesized
    | WorkFailed
)
