"""What a message costs to encode and decode, beside plain msgspec and the standard library.

And what a second of speech costs as PCM and as Opus: bytes, and time at either end.
"""

import argparse
import json
import statistics
import time
from typing import Any

import msgspec

from antiphon_codecs.codecs import MAKERS, OPUS, PCM, missing
from antiphon_codecs.joiner import Joiner
from antiphon_protocol import topics
from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_BYTES, SAMPLE_RATE_HZ, AudioFrame, Frame
from antiphon_protocol.topics import Topic
from antiphon_tools import speech
from tests.bench._timing import microseconds_per_call
from tests.protocol.examples import EXAMPLES
from tests.support.house import a_voice

FRAME = AudioFrame(1000, 512_000, 1_750_000_000_000_000, bytes(range(256)) * (FRAME_BYTES // 256))

SENT_ON: dict[str, Topic[Any]] = {
    PCM: topics.SATELLITE_AUDIO,
    **({} if missing() else {OPUS: topics.SATELLITE_OPUS}),
}
ROUNDS_OF_SPEECH = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--calls", type=int, default=2000, help="per round (default 2000)")
    parser.add_argument("--rounds", type=int, default=30, help="rounds (default 30)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure one audio frame, and the mean over all control messages."""
    controls = [one for one in EXAMPLES if one.topic.qos == 1]
    frame_payload = topics.SATELLITE_AUDIO.encode(FRAME)
    return {
        "unit": "microseconds a call: spread over rounds of their mean",
        "frame_bytes": len(frame_payload),
        "frame": _topic(topics.SATELLITE_AUDIO, FRAME, args),
        "speech": {name: _speech(name, topic) for name, topic in SENT_ON.items()},
        "control_messages": len(controls),
        "control": _all_controls(controls, args),
        "match_us": microseconds_per_call(
            lambda: topics.SATELLITE_AUDIO.match("antiphon/1/sat/kitchen/up/stream-1"),
            calls=args.calls,
            rounds=args.rounds,
        ),
    }


def _speech(codec: str, topic: Topic[Any]) -> dict[str, float]:
    """Send a spoken sentence there and back, medians of some rounds."""
    pcm = speech.say("turn on the kitchen light and tell me what time it is", a_voice())
    audio_s = len(pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ
    sent_s, taken_s, wire = [], [], []
    for _ in range(ROUNDS_OF_SPEECH):
        maker, began_s = MAKERS[codec](), time.thread_time()
        pieces = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
        frames: list[Frame | None] = [maker.make(piece, 0) for piece in pieces]
        wire = [topic.encode(one) for one in (*frames, maker.end(0)) if one is not None]
        sent_s.append(time.thread_time() - began_s)
        joiner, began_s = Joiner(), time.thread_time()
        for payload in wire:
            joiner.put(topic.decode(payload))
        taken_s.append(time.thread_time() - began_s)
    return {
        "bytes_per_audio_s": round(sum(map(len, wire)) / audio_s),
        "send_ms_per_audio_s": round(1e3 * statistics.median(sent_s) / audio_s, 3),
        "take_ms_per_audio_s": round(1e3 * statistics.median(taken_s) / audio_s, 3),
    }


def _topic(topic: Topic[Any], message: object, args: argparse.Namespace) -> dict[str, Any]:
    payload = topic.encode(message)
    fields = msgspec.to_builtins(message, builtin_types=(bytes,))
    tree = msgspec.to_builtins(message)
    as_json = json.dumps(tree)
    return {
        "encode_us": _time(lambda: topic.encode(message), args),
        "decode_us": _time(lambda: topic.decode(payload), args),
        "plain_msgpack_encode_us": _time(lambda: msgspec.msgpack.encode(fields), args),
        "plain_msgpack_decode_us": _time(lambda: msgspec.msgpack.decode(payload), args),
        "stdlib_json_encode_us": _time(lambda: json.dumps(tree), args),
        "stdlib_json_decode_us": _time(lambda: json.loads(as_json), args),
    }


def _all_controls(controls: list[Any], args: argparse.Namespace) -> dict[str, Any]:
    pairs = [(one.topic, one.message, one.topic.encode(one.message)) for one in controls]
    trees = [msgspec.to_builtins(one.message) for one in controls]
    texts = [json.dumps(tree) for tree in trees]
    few = argparse.Namespace(calls=max(1, args.calls // len(pairs)), rounds=args.rounds)
    whole = {
        "encode_us": _time(lambda: [topic.encode(message) for topic, message, _ in pairs], few),
        "decode_us": _time(lambda: [topic.decode(payload) for topic, _, payload in pairs], few),
        "stdlib_json_encode_us": _time(lambda: [json.dumps(tree) for tree in trees], few),
        "stdlib_json_decode_us": _time(lambda: [json.loads(text) for text in texts], few),
    }
    return {
        name: {
            key: value if key == "n" else round(value / len(pairs), 4)
            for key, value in figures.items()
        }
        for name, figures in whole.items()
    }


def _time(call: Any, args: argparse.Namespace) -> dict[str, Any]:
    return microseconds_per_call(call, calls=args.calls, rounds=args.rounds)
