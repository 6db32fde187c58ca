"""Taking calls into what a hub was taught, and out of it. Blocking."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from antiphon_ears.wake.openwakeword import EMBEDDING, STEP_SAMPLES
from antiphon_hub.callers import CALLS_MAX, Taught, TaughtCall
from antiphon_hub.errors import CallersError
from antiphon_hub.recordings import files_of
from antiphon_hub.turns.history import History
from antiphon_protocol.ids import new_id
from antiphon_protocol.wav import read_wav
from antiphon_tools.teaching.background import load as load_background
from antiphon_tools.teaching.embedding import embeddings
from antiphon_tools.teaching.finding import find_call, with_quiet
from antiphon_tools.teaching.fitting import CALLS_MIN, KEPT, around, fit

PERSON_CALLS_MAX: Final = 10
"""Of one person; more tell nothing new, and would outweigh the others'. The oldest go."""


class Call(msgspec.Struct, frozen=True):
    """A call in a recording."""

    source: str
    """The turn, or the recording by its digest: the same one counts once."""
    phrase: str
    pcm: bytes
    end: int
    """The sample at which a wake engine fired."""


def call_in_turn(state_dir: Path, name: str) -> Call:
    """Return the call with which a turn began.

    Args:
        state_dir: The hub's.
        name: The turn's id or the begin of it, or `last`.

    Raises:
        CallersError: it began with no call, or its audio is not kept.
        StorageError: the journal cannot be read, or there is no such turn.
        WavError: its audio is damaged.
    """
    with History(state_dir) as history:
        turn = history.turn(name)
    wake, streams = turn.trace.get("wake", {}), turn.trace.get("streams", [])
    files = files_of(state_dir, turn.turn)
    if turn.cause != "phrase" or not wake.get("phrase") or not streams:
        raise CallersError(f"{turn.turn} did not begin with the wake phrase")
    if not files:
        raise CallersError(
            f"{turn.turn}: no audio of it is kept; [journal] keep_audio_days in the hub's "
            "settings keeps that of coming turns"
        )
    end = int(streams[-1].get("wake_end", 0))
    return Call(turn.turn, str(wake["phrase"]), read_wav(files[-1]), end)


def call_in_file(file: Path, phrase: str) -> Call:
    """Return the first call in a WAV file: 16 kHz mono.

    Raises:
        EarsError: no wake engine hears the phrase in it.
        WavError: it is no such file.
    """
    pcm = with_quiet(read_wav(file))
    digest = hashlib.sha256(pcm).hexdigest()[:16]
    return Call(f"file-{digest}", phrase, pcm, find_call(pcm, phrase))


def teach(taught: Taught, person: str, calls: Iterable[Call], now_s: float) -> Taught:
    """Return what was taught, with these calls of a person; one that is there already counts anew.

    Raises:
        CallersError: there would be too many.
        EarsError: openWakeWord is not installed.
    """
    known = dict(taught.calls)
    for call in calls:
        cut = around(embeddings(call.pcm), call.end // STEP_SAMPLES)
        known = {id_: one for id_, one in known.items() if one.source != call.source}
        known[new_id("call")] = TaughtCall(
            phrase=call.phrase,
            person=person,
            source=call.source,
            at_s=now_s,
            embeddings=cut.astype("<f2").tobytes(),
        )
    kept = _bounded(known, person)
    if len(kept) > CALLS_MAX:
        raise CallersError(f"no more than {CALLS_MAX} calls can be taught; forget somebody first")
    return _fitted(kept)


def forget(taught: Taught, person: str) -> Taught:
    """Return what was taught, without a person's calls.

    Raises:
        CallersError: there are none.
    """
    kept = {id_: one for id_, one in taught.calls.items() if one.person != person}
    if len(kept) == len(taught.calls):
        names = ", ".join(sorted({one.person for one in taught.calls.values()})) or "nobody"
        raise CallersError(f"no calls of {person!r} are known; known: {names}")
    return _fitted(kept)


def missing(taught: Taught, phrase: str) -> int:
    """Return how many calls of a phrase are wanting before they count."""
    return max(0, CALLS_MIN - sum(one.phrase == phrase for one in taught.calls.values()))


def now() -> float:
    """Return the time, seconds since 1970."""
    return time.time()


def _bounded(calls: Mapping[str, TaughtCall], person: str) -> dict[str, TaughtCall]:
    """Drop the oldest of a person's calls of each phrase; they stand in the order of teaching."""
    own: dict[str, list[str]] = {}
    for id_, one in calls.items():
        if one.person == person:
            own.setdefault(one.phrase, []).append(id_)
    gone = {id_ for ids in own.values() for id_ in ids[:-PERSON_CALLS_MAX]}
    return {id_: one for id_, one in calls.items() if id_ not in gone}


def _fitted(calls: dict[str, TaughtCall]) -> Taught:
    by_phrase: dict[str, list[TaughtCall]] = {}
    for one in calls.values():
        by_phrase.setdefault(one.phrase, []).append(one)
    background = load_background()
    likenesses = {
        phrase: fit([_embeddings(one) for one in own], background).encode()
        for phrase, own in by_phrase.items()
        if len(own) >= CALLS_MIN
    }
    return Taught(calls=calls, likenesses=likenesses)


def _embeddings(call: TaughtCall) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return np.frombuffer(call.embeddings, "<f2").reshape(KEPT, EMBEDDING).astype(np.float64)
