"""Whatever the bytes are, a topic gives one of its messages or DecodeError, within its limits."""

import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_protocol import topics
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.codec import Encoding
from antiphon_protocol.errors import DecodeError, EncodeError
from antiphon_protocol.limits import (
    AUDIO_FRAME_BYTES_MAX,
    CONTEXT_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    TEXT_CHARS_MAX,
)
from antiphon_protocol.messages.ask import Answer, AskSay
from antiphon_protocol.messages.satellite import Counters
from antiphon_protocol.messages.work import LoadContext, Partial, WorkFailed
from antiphon_protocol.topics import TOPICS, Topic
from tests.protocol.examples import EXAMPLES, Example
from tests.support.examples import examples

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(sorted({example.name for example in EXAMPLES}))
)
MSGPACK_LEAVES = LEAVES | st.binary(max_size=20) | st.datetimes()
FIELD_NAMES = sorted(
    {
        name
        for example in EXAMPLES
        for name in [*type(example.message).__struct_fields__, "type", "unknown"]
    }
)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(FIELD_NAMES) | st.text(max_size=5), inner, max_size=5)
        ),
        max_leaves=5,
    )


def message_or_decode_error(topic: Topic[Any], payload: bytes) -> None:
    try:
        message = topic.decode(payload)
    except DecodeError:
        return
    assert isinstance(message, topic.messages)


@each_topic
@settings(max_examples=examples(60))
@given(payload=st.binary(max_size=200))
def test_random_bytes(topic: Topic[Any], payload: bytes) -> None:
    message_or_decode_error(topic, payload)


@each_topic
@settings(max_examples=examples(40))
@given(data=st.data())
def test_random_trees(topic: Topic[Any], data: st.DataObject) -> None:
    if topic.encoding is Encoding.MSGPACK:
        payload = msgspec.msgpack.encode(data.draw(trees(MSGPACK_LEAVES)))
    else:
        payload = msgspec.json.encode(data.draw(trees(LEAVES)))
    message_or_decode_error(topic, payload)


@settings(max_examples=examples(200))
@given(example=st.sampled_from(EXAMPLES), data=st.data())
def test_a_message_with_one_field_replaced(example: Example, data: st.DataObject) -> None:
    tree = msgspec.to_builtins(example.message, builtin_types=(bytes,))
    keys = range(len(tree)) if isinstance(tree, list) else sorted(tree)
    if not keys:
        return
    msgpack = example.topic.encoding is Encoding.MSGPACK
    tree[data.draw(st.sampled_from(keys))] = data.draw(trees(MSGPACK_LEAVES if msgpack else LEAVES))
    module: Any = msgspec.msgpack if msgpack else msgspec.json
    message_or_decode_error(example.topic, module.encode(tree))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xdd\xff\xff\xff\xff",  # an array of 2^32-1 items, none of them there
        b"\xdf\xff\xff\xff\xff",  # a map of as many
        b"\xc6\xff\xff\xff\xff",  # as many bytes
        b"\xdb\xff\xff\xff\xff",  # a string of as many bytes
        b"\x91" * 50_000,  # arrays in arrays
        b"\x81\xa4type" * 10_000,
        b"\x81\xa1a\xc7\x04\xff\x00",  # a damaged timestamp
        b"\xd6\xff\xff\xff\xff\xff",  # a timestamp of 2106
        b"\xc7\x0c\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff",  # one far out of range
        b"\x81\xa4type\xa5\xff\xfe\xfd\xfc\xfb",  # a string that is not UTF-8
        b"[" * 50_000,
        b'{"a":' * 10_000,
        b'{"ok":true,"slots":{"a":' + b"9" * 5000 + b"}}",
        b'{"ok":true,"slots":{"a":1e99999}}',
        b'{"ok":true,"reply":"\\ud800"}',
        b'{"text":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"null",
        b"NaN",
    ],
    ids=lambda payload: payload[:12].hex() or "empty",
)
@each_topic
def test_hostile_payloads_cost_no_memory(topic: Topic[Any], payload: bytes) -> None:
    message_or_decode_error(topic, b"")  # the decoder is made once and kept
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            topic.decode(payload)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 64 * len(payload) + 65_536


@each_topic
def test_a_payload_over_the_limit_is_not_even_looked_at(topic: Topic[Any]) -> None:
    with pytest.raises(DecodeError, match=f"at most {topic.limit_bytes} are taken"):
        topic.decode(b"\xc1" * (topic.limit_bytes + 1))


def test_each_topic_takes_what_its_largest_message_may_need() -> None:
    frame = AudioFrame(2**32 - 1, 2**40 - 1, 2**63 - 1, bytes(AUDIO_FRAME_BYTES_MAX))
    assert topics.SATELLITE_AUDIO.decode(topics.SATELLITE_AUDIO.encode(frame)) == frame
    context = LoadContext(context="c", language="en", grammar="x" * CONTEXT_BYTES_MAX)
    assert topics.WORKER_DO.decode(topics.WORKER_DO.encode(context)) == context
    text = Partial(job="j", text="\N{PILE OF POO}" * TEXT_CHARS_MAX)
    assert topics.TURN_WORK.decode(topics.TURN_WORK.encode(text)) == text


def test_our_own_message_over_the_limit_is_an_encode_error() -> None:
    answer = Answer(ok=True, slots={"much": "x" * MESSAGE_BYTES_MAX})
    with pytest.raises(EncodeError, match=r"Answer takes \d+ bytes, the limit is 65536"):
        topics.ANSWER.encode(answer)


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        (topics.TURN_WORK, Partial(job="j", text="x" * (TEXT_CHARS_MAX + 1))),
        (topics.TURN_WORK, WorkFailed(job="J", code="busy", text="", retryable=True)),
        (topics.TURN_WORK, WorkFailed(job="j\n", code="busy", text="", retryable=True)),
        (topics.SATELLITE_DID, Counters(counts={f"c{n}": 1 for n in range(257)})),
        (topics.SATELLITE_DID, Counters(counts={"c": -1})),
        (topics.SATELLITE_DID, Counters(counts={}, noise_dbfs=float("nan"))),
        (topics.ASK_SAY, AskSay(text="hi", language="en\n")),
        (topics.ASK_SAY, AskSay(text="hi", language="../../etc")),
    ],
)
def test_a_field_outside_its_limits_is_a_decode_error(topic: Topic[Any], message: Any) -> None:
    with pytest.raises(DecodeError):
        topic.decode(topic.encode(message))


def test_a_decode_error_says_where_and_what() -> None:
    with pytest.raises(DecodeError, match=r"Expected `str`, got `int` - at `\$\.text`"):
        topics.ASK_SAY.decode(b'{"text": 5}')


def test_json_by_hand_is_taken_as_it_stands() -> None:
    assert topics.ASK_SAY.decode(b' { "text" : "hi" } \n') == AskSay(text="hi")
