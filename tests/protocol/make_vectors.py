"""Golden vectors: the bytes of each example, kept so that no change of code changes them unseen.

`python -m tests.protocol.make_vectors` adds the vectors of new examples. An existing vector whose
bytes are no longer what the code gives is reported, and rewritten only with `--change TOPIC/NAME`:
such a change needs a version decision first (docs/protocol.md, "Versions").
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.protocol.examples import EXAMPLES, Example

FOLDER: Final = Path(__file__).parent / "vectors"


def vector(example: Example) -> dict[str, Any]:
    """Return what is kept of an example."""
    return {
        "name": example.name,
        "type": type(example.message).__name__,
        "path": example.topic.path(**example.ids),
        "encoding": str(example.topic.encoding),
        "fields": fields(example.message),
        "hex": example.topic.encode(example.message).hex(),
    }


def fields(message: object) -> Any:
    """Return the message as JSON has it; bytes are base64 there."""
    return json.loads(msgspec.json.encode(message))


def file_of(topic_name: str) -> Path:
    """Return where a topic's vectors are."""
    return FOLDER / f"{topic_name.lower()}.json"


def load(topic_name: str) -> list[dict[str, Any]]:
    """Return a topic's vectors."""
    path = file_of(topic_name)
    vectors: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return vectors


def merge(
    kept: list[dict[str, Any]], ours: list[dict[str, Any]], change: set[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the vectors with the new ones, and the names of those that differ unasked."""
    merged = {one["name"]: one for one in kept}
    differing = [
        one["name"]
        for one in ours
        if merged.get(one["name"], one) != one and one["name"] not in change
    ]
    merged |= {
        one["name"]: one for one in ours if one["name"] not in merged or one["name"] in change
    }
    return list(merged.values()), differing


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the missing vectors; exit 1 if an old one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--change", action="append", default=[], metavar="TOPIC/NAME")
    wanted = [one.split("/") for one in parser.parse_args(arguments).change]
    differing = []
    for topic in {example.topic.name: example.topic for example in EXAMPLES}.values():
        ours = [vector(example) for example in EXAMPLES if example.topic is topic]
        change = {name for topic_name, name in wanted if topic_name == topic.name}
        vectors, differ = merge(load(topic.name), ours, change)
        differing += [f"{topic.name}/{name}" for name in differ]
        text = json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"
        file_of(topic.name).write_text(text, "utf-8")
    if differing:
        sys.exit("differ from the code, and were left alone: " + ", ".join(differing))


if __name__ == "__main__":
    main()
