from typing import Any, get_args

import msgspec
import pytest

from antiphon_protocol.codec import Encoding
from antiphon_protocol.errors import DecodeError, UnknownMessageError
from antiphon_protocol.topics import TOPICS, Topic
from tests.protocol import make_vectors
from tests.protocol.examples import EXAMPLES, Example

BY_NAME = {topic.name: topic for topic in TOPICS}
VECTORS = [(topic, one) for topic in TOPICS for one in make_vectors.load(topic.name)]


def name_of(value: Any) -> str:
    if isinstance(value, Example):
        return f"{value.topic.name}/{value.name}"
    return value.name if isinstance(value, Topic) else value["name"]


each_vector = pytest.mark.parametrize(("topic", "vector"), VECTORS, ids=name_of)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=name_of)


def module_of(topic: Topic[Any]) -> Any:
    return msgspec.msgpack if topic.encoding is Encoding.MSGPACK else msgspec.json


def message_or_decode_error(topic: Topic[Any], payload: bytes) -> None:
    """Decode; a message of the topic or DecodeError are fine, everything else fails the test."""
    try:
        message = topic.decode(payload)
    except DecodeError:
        return
    assert isinstance(message, topic.messages)


def test_every_message_of_every_topic_has_a_vector() -> None:
    wanted = {(topic.name, kind.__name__) for topic in TOPICS for kind in topic.messages}
    assert {(topic.name, one["type"]) for topic, one in VECTORS} == wanted


def test_every_example_is_kept_as_a_vector() -> None:
    kept = {(topic.name, one["name"]) for topic, one in VECTORS}
    assert {(example.topic.name, example.name) for example in EXAMPLES} <= kept


@each_vector
def test_the_kept_bytes_decode_to_the_kept_fields(
    topic: Topic[Any], vector: dict[str, Any]
) -> None:
    message = topic.decode(bytes.fromhex(vector["hex"]))
    assert type(message).__name__ == vector["type"]
    assert make_vectors.fields(message) == vector["fields"]


@each_vector
def test_the_kept_fields_encode_to_the_kept_bytes(
    topic: Topic[Any], vector: dict[str, Any]
) -> None:
    message = msgspec.convert(vector["fields"], topic.payload)
    assert topic.encode(message).hex() == vector["hex"]
    assert topic.match(vector["path"]) is not None
    assert vector["encoding"] == topic.encoding


@each_example
def test_an_example_survives_the_way(example: Example) -> None:
    payload = example.topic.encode(example.message)
    assert example.topic.decode(payload) == example.message


@each_vector
def test_every_prefix_is_a_decode_error(topic: Topic[Any], vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["hex"])
    for length in range(len(payload)):
        with pytest.raises(DecodeError):
            topic.decode(payload[:length])


@each_vector
def test_a_tail_is_a_decode_error(topic: Topic[Any], vector: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        topic.decode(bytes.fromhex(vector["hex"]) + b"\x00")


@each_vector
def test_every_flipped_bit_gives_a_message_or_a_decode_error(
    topic: Topic[Any], vector: dict[str, Any]
) -> None:
    payload = bytearray.fromhex(vector["hex"])
    for index in range(min(len(payload), 400)):
        for bit in range(8):
            payload[index] ^= 1 << bit
            message_or_decode_error(topic, bytes(payload))
            payload[index] ^= 1 << bit


@each_vector
def test_unknown_fields_are_ignored(topic: Topic[Any], vector: dict[str, Any]) -> None:
    module, payload = module_of(topic), bytes.fromhex(vector["hex"])
    tree = module.decode(payload)
    if isinstance(tree, list):
        newer = module.encode([*tree, "from a newer version"])
    else:
        newer = module.encode({"from_a_newer_version": {"deep": [1, None]}, **tree})
    assert topic.decode(newer) == topic.decode(payload)


@pytest.mark.parametrize(
    "topic", [one for one in TOPICS if get_args(one.payload)], ids=lambda topic: topic.name
)
def test_an_unknown_kind_is_told_from_damage(topic: Topic[Any]) -> None:
    module = module_of(topic)
    with pytest.raises(UnknownMessageError):
        topic.decode(module.encode({"type": "invented-in-version-two", "job": "job-1"}))
    with pytest.raises(DecodeError) as damage:
        topic.decode(module.encode({"job": "job-1"}))
    assert not isinstance(damage.value, UnknownMessageError)


@each_vector
def test_a_field_of_the_wrong_type_is_a_decode_error(
    topic: Topic[Any], vector: dict[str, Any]
) -> None:
    module = module_of(topic)
    tree = module.decode(bytes.fromhex(vector["hex"]))
    for key in range(len(tree)) if isinstance(tree, list) else list(tree):
        right, tree[key] = tree[key], [[]]
        with pytest.raises(DecodeError):
            topic.decode(module.encode(tree))
        tree[key] = right


def test_a_vector_is_never_changed_unasked() -> None:
    old = {"name": "listen", "hex": "00"}
    new = {"name": "listen", "hex": "01"}
    added = {"name": "duck", "hex": "02"}
    assert make_vectors.merge([old], [new, added], set()) == ([old, added], ["listen"])
    assert make_vectors.merge([old], [new], {"listen"}) == ([new], [])


def test_making_vectors_again_changes_nothing() -> None:
    before = {path: path.read_bytes() for path in make_vectors.FOLDER.iterdir()}
    make_vectors.main([])
    assert {path: path.read_bytes() for path in make_vectors.FOLDER.iterdir()} == before
