"""End of speech: how long after the last voiced sample it is decided, and how often too early.

Every command is replayed as a satellite sends it: two seconds of the room with a wake phrase at
their end, the command, and the room again, until the rule of the worker (`hearing`, with the real
voice activity and recogniser) has decided. Rooms: silent; five people talking; one talking on
television. In a fourth one, apart from the totals, the person hesitates early in the command.
Answers come behind no phrase, but it is known how loud the same person called in the turn before.
Beside it, on the same voice activity: 0.7 s of silence ends a command, whatever was said. The room
goes on for six seconds; a rule that has not decided by then counts as having decided then.

The last voiced sample is known from the recording alone, before the room is added: the end of the
last 32 ms window that silero gives 0.5 or more, with a voiced neighbour. A command is cut when the
decision falls before that, or when nothing of it was heard; delays are of those that are not.
"""

import argparse
import functools
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from antiphon_ears.vad.port import VadStream
from antiphon_ears.vad.silero import SileroEngine
from antiphon_engines.endpoint import SPEECH_MIN_S, VOICE_ON, WAKE_TAIL_S, Ending
from antiphon_engines.errors import EngineError
from antiphon_engines.hearing import Hearing
from antiphon_engines.registry import load_stt
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.lexicon import Lexicon
from antiphon_engines.stt.port import SttContext, SttStream
from antiphon_hub.errors import HubError
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import Endpointing, Expectation, Transcribe
from tests.bench._hearing import hear_all
from tests.bench._intervals import share_interval
from tests.bench._recordings import NoRecordingsError, read, rows
from tests.bench._rooms import Clip, Condition, Rooms, Scene, clip
from tests.bench.commands import CORPORA, context

FIXED_S: Final = 0.7
NOISY: Final[tuple[Condition, ...]] = ("silence", "babble", "television")
ONE_SYLLABLE_MS: Final = 600


class Task(NamedTuple):
    """One replay."""

    kind: str
    """`command` or `answer`."""
    condition: Condition
    index: int
    """Which of the clips of that kind."""


class Decision(NamedTuple):
    """When a rule decided."""

    ms: float
    """After the last voiced sample; negative: too early."""
    why: str

    @property
    def cut(self) -> bool:
        """The person was cut short, or not heard at all."""
        return self.ms < 0 or self.why == "no-speech"


class Outcome(NamedTuple):
    """What came of one replay."""

    task: Task
    ours: Decision
    fixed: Decision


class Speech(NamedTuple):
    """Clips of one kind, and how they are to be heard."""

    clips: Sequence[tuple[str, Clip]]
    grammar: SttContext
    phrase: str
    expect: Expectation
    rooms: Rooms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    talk = CORPORA / "free_speech" / "manifest.jsonl"
    parser.add_argument(
        "--manifest", type=Path, default=CORPORA / "speech_to_intent" / "manifest.jsonl"
    )
    parser.add_argument("--root", type=Path, default=CORPORA, help="what the paths are below")
    parser.add_argument(
        "--grammar",
        type=Path,
        default=CORPORA.parent / "coffee.yaml",
        help="templates of the commands; where rows have no slots, their texts are the grammar",
    )
    parser.add_argument("--answers", type=Path, default=talk, help="rows of one syllable count")
    parser.add_argument("--voices", type=Path, default=talk, help="sentences for the other people")
    parser.add_argument(
        "--wake", type=Path, default=CORPORA / "wake_words" / "manifest.jsonl", help="calls"
    )
    parser.add_argument("--wake-word", default="alexa")
    parser.add_argument("--snr", type=float, default=12.0, help="speech over the others, dB")
    parser.add_argument("--limit", type=int, default=100, help="commands a room, 0: all")
    parser.add_argument("--half", choices=("first", "second"), help="every other row only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="pocketsphinx")
    parser.add_argument("--processes", type=int, default=2)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return delays and cuts of both rules."""
    try:
        return figures(args)
    except (NoRecordingsError, EngineError, HubError) as error:
        sys.exit(f"endpoint: {error}")


def figures(args: argparse.Namespace) -> dict[str, Any]:
    """Return delays and cuts, all in all and by room."""
    others = other_voices(args)
    speech = {"command": commands(args, others), "answer": answers(args, others)}
    tasks = [
        Task(kind, condition, index)
        for kind, conditions in (("command", (*NOISY, "hesitation")), ("answer", NOISY))
        for condition in conditions
        for index in range(len(speech[kind].clips))
    ]
    make = functools.partial(replayer, args.engine, speech)
    outcomes = hear_all(make, [functools.partial(Task, *task) for task in tasks], args.processes)
    spoken = [one for one in outcomes if one.task.kind == "command"]
    answered = [one for one in outcomes if one.task.kind == "answer"]
    return {
        **both([one for one in spoken if one.task.condition in NOISY]),
        "rooms": _by_room(spoken),
        "one_syllable": {**both(answered), "rooms": _by_room(answered)},
    }


def both(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures of the worker's rule, and those of the fixed one under its name."""
    ours, fixed = [one.ours for one in outcomes], [one.fixed for one in outcomes]
    return {**summary(ours), f"fixed_{1000 * FIXED_S:.0f}": summary(fixed)}


def summary(decisions: Sequence[Decision]) -> dict[str, Any]:
    """Return the figures of one rule, with 95 % intervals."""
    delays = sorted(one.ms for one in decisions if not one.cut)
    cut = len(decisions) - len(delays)
    within = sum(ms <= ONE_SYLLABLE_MS for ms in delays)
    count = max(1, len(decisions))
    return {
        "n": len(decisions),
        "median_ms": _quantile(delays, 0.5),
        "median_ms_95": _median_interval(delays),
        "p95_ms": _quantile(delays, 0.95),
        "cut_share": round(cut / count, 4),
        "cut_share_95": share_interval(cut, len(decisions)),
        f"within_{ONE_SYLLABLE_MS}_ms": round(within / count, 4),
        "why": dict(Counter(one.why for one in decisions)),
    }


def _by_room(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    found = {one.task.condition for one in outcomes}
    return {
        room: both([one for one in outcomes if one.task.condition == room])
        for room in (*NOISY, "hesitation")
        if room in found
    }


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[int(share * (len(ordered) - 1) + 0.5)], 1) if ordered else None


def _median_interval(ordered: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the median: the order statistics beside it."""
    if not ordered:
        return None
    half = 0.98 * len(ordered) ** 0.5
    low, high = len(ordered) / 2 - half, len(ordered) / 2 + half
    return ordered[max(0, int(low))], ordered[min(len(ordered) - 1, int(high))]


# -- what is spoken -------------------------------------------------------------------------------


def commands(args: argparse.Namespace, others: Sequence[Clip]) -> Speech:
    """Return the manifest's commands, with wake phrases in front."""
    chosen = list(rows(args.manifest, args.root))
    if args.half:
        chosen = chosen[args.half == "second" :: 2]
    if args.limit and args.limit < len(chosen):
        chosen = random.Random(args.seed).sample(chosen, args.limit)
    calls = [row for row in rows(args.wake, args.root) if row["wake_word"] == args.wake_word]
    if any(row.get("slots") for row in chosen):
        grammar = context(args)
    else:
        grammar = of_texts("commands", [row["text"] for row in chosen])
    rooms = Rooms(
        calls=[one for _, one in clips(calls)],
        voices=others,
        snr_db=args.snr,
        seed=args.seed,
    )
    return Speech(clips(chosen), grammar, args.wake_word, "command", rooms)


def answers(args: argparse.Namespace, others: Sequence[Clip]) -> Speech:
    """Return the words of one syllable, as answers to a question: no wake phrase."""
    lexicon = Lexicon(model_path("en-us/cmudict-en-us.dict"))
    chosen = [row for row in rows(args.answers, args.root) if _one_syllable(row["text"], lexicon)]
    if args.half:
        chosen = chosen[args.half == "second" :: 2]
    if args.limit and args.limit // 2 < len(chosen):
        chosen = random.Random(args.seed).sample(chosen, args.limit // 2)
    grammar = of_texts("answers", [row["text"] for row in chosen])
    rooms = Rooms(calls=(), voices=others, snr_db=args.snr, seed=args.seed)
    return Speech(clips(chosen), grammar, "", "answer", rooms)


def _one_syllable(text: str, lexicon: Lexicon) -> bool:
    if not text.isalpha() or not text.isascii():
        return False
    (first, *_) = lexicon.pronounce([text], {})[text]
    return sum(phone[0] in "AEIOU" for phone in first.split()) == 1


def other_voices(args: argparse.Namespace) -> Sequence[Clip]:
    """Return sentences that others speak."""
    sentences = [row for row in rows(args.voices, args.root) if len(row["text"].split()) > 1]
    return [one for _, one in clips(sentences)]


def clips(chosen: Sequence[dict[str, Any]]) -> list[tuple[str, Clip]]:
    """Return the recordings in which there is voice, by path."""
    vad = SileroEngine()
    found = [(row["path"], clip(read(row["file"]), vad)) for row in chosen]
    return [(path, one) for path, one in found if one is not None]


def of_texts(name: str, texts: Sequence[str]) -> SttContext:
    """Return the grammar of exactly these sentences."""
    sentences = " | ".join(sorted({text.lower() for text in texts if text})) or "<VOID>"
    grammar = f"#JSGF V1.0; grammar texts; public <text> = {sentences};"
    return SttContext(id=name, language="en", grammar=grammar)


# -- the rules ------------------------------------------------------------------------------------


def replayer(engine_name: str, speech: dict[str, Speech]) -> Callable[[Task], Outcome]:
    """Return what replays one task, with an engine of its own."""
    engine, vad = load_stt(engine_name, {}), SileroEngine()
    for one in speech.values():
        engine.load_context(one.grammar)

    def replay(task: Task) -> Outcome:
        kind = speech[task.kind]
        path, said = kind.clips[task.index]
        scene = kind.rooms.scene(said, task.condition, path)

        def open_stt(phrase: str) -> SttStream:
            return engine.open(language="en", context=kind.grammar.id, wake_phrase=phrase)

        job = Transcribe(
            job="job",
            turn="turn",
            satellite="satellite",
            stream="stream",
            context=kind.grammar.id,
            begin=scene.begin,
            wake_end=scene.wake_end,
            wake_phrase=kind.phrase,
            level_dbfs=scene.called_dbfs,
            endpointing=Endpointing(expect=kind.expect),
        )
        voice = Voice(vad.open())
        ear = Hearing(job, open_stt=open_stt, vad=voice, wake=None)
        return Outcome(task, ours(ear, scene), fixed(voice.of(scene), scene))

    return replay


class Voice:
    """Voice activity that both rules judge by: computed once, and only as far as one needs it."""

    def __init__(self, stream: VadStream) -> None:
        self._stream = stream
        self._heard: list[float] = []

    def feed(self, pcm: bytes) -> Sequence[float]:
        """See VadStream.feed."""
        self._heard += (found := self._stream.feed(pcm))
        return found

    def reset(self) -> None:
        """See VadStream.reset."""
        self._stream.reset()

    def of(self, scene: Scene) -> Iterator[float]:
        """Yield the probability of each window from the scene's begin on."""
        yield from list(self._heard)
        begin = scene.begin * SAMPLE_BYTES + len(self._heard) * FRAME_BYTES
        for at in range(begin, len(scene.pcm) - FRAME_BYTES + 1, FRAME_BYTES):
            yield from self._stream.feed(scene.pcm[at : at + FRAME_BYTES])


def ours(ear: Hearing, scene: Scene) -> Decision:
    """Return when the worker decides."""
    ear.open()
    events = [
        event
        for at in range(0, len(scene.pcm), FRAME_BYTES)
        if not ear.ended
        for event in ear.feed(scene.pcm[at : at + FRAME_BYTES])
    ]
    events += [] if ear.ended else ear.end()
    ear.close()
    (ending,) = [event for event in events if isinstance(event, Ending)]
    return _decision(ending.decided_at, ending.why, scene)


def fixed(voice: Iterable[float], scene: Scene) -> Decision:
    """Return when 0.7 s without voice end a command, of which something was heard.

    Voice that began before the wake engine fired counts as the phrase's last sound for a while.
    """
    phrase_end = scene.wake_end + int(WAKE_TAIL_S * SAMPLE_RATE_HZ)
    heard, run_begin, last = 0, 0, 0
    end = scene.begin
    for chance in voice:
        begin, end = end, end + FRAME_SAMPLES
        if chance >= VOICE_ON:
            run_begin = run_begin if begin - last <= FRAME_SAMPLES else begin
            last = end
            if begin >= (phrase_end if run_begin < scene.wake_end else scene.wake_end):
                heard += FRAME_SAMPLES
        if heard >= SPEECH_MIN_S * SAMPLE_RATE_HZ and end - last >= FIXED_S * SAMPLE_RATE_HZ:
            return _decision(end, "silence", scene)
    return _decision(end, "stream-ended", scene)


def _decision(decided_at: int, why: str, scene: Scene) -> Decision:
    return Decision((decided_at - scene.said) / SAMPLE_RATE_HZ * 1e3, why)
