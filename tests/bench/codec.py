"""What a message costs to encode and decode, beside plain msgspec and the standard library."""

import argparse
import json
from typing import Any

import msgspec

from antiphon_protocol import topics
from antiphon_protocol.audio import FRAME_BYTES, AudioFrame
from antiphon_protocol.topics import Topic
from tests.bench._timing import microseconds_per_call
from tests.protocol.examples import EXAMPLES

FRAME = AudioFrame(1000, 512_000, 1_750_000_000_000_000, bytes(range(256)) * (FRAME_BYTES // 256))


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
        "control_messages": len(controls),
        "control": _all_controls(controls, args),
        "match_us": microseconds_per_call(
            lambda: topics.SATELLITE_AUDIO.match("antiphon/1/sat/kitchen/up/stream-1"),
            calls=args.calls,
            rounds=args.rounds,
        ),
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
