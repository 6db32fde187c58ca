"""The reference part of docs/protocol.md, generated: the topics, and every message with its fields.

`python -m antiphon_protocol.schema --write docs/protocol.md` refreshes it between its markers;
without `--write` it is printed.
"""

import argparse
import ast
import inspect
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec
from msgspec import inspect as types

from antiphon_protocol.ids import SLUG_PATTERN
from antiphon_protocol.topics import ROOT, TOPICS, Topic

BEGIN: Final = "<!-- generated: python -m antiphon_protocol.schema --write docs/protocol.md -->"
END: Final = "<!-- end of the generated part -->"

_PLAIN: Final[dict[type, str]] = {
    types.BoolType: "boolean",
    types.NoneType: "nil",
    types.AnyType: "anything",
}


def reference() -> str:
    """Return the Markdown of topics, messages and records."""
    lines = ["## Topics", "", *_topic_table(), "", "## Messages", ""]
    done: set[type] = set()
    for topic in TOPICS:
        lines += [f"### `{topic.pattern}`", "", f"{_sentence(topic.purpose)} ({_how(topic)})", ""]
        for message in topic.messages:
            lines += _struct_section(message) if message not in done else [_link(message), ""]
            done.add(message)
    lines += ["## Records", "", "They stand inside messages.", ""]
    for record in records():
        if record not in done:
            lines += _struct_section(record)
    return "\n".join(lines).rstrip() + "\n"


def refreshed(document: str) -> str:
    """Return the document with its generated part as it should be.

    Raises:
        ValueError: a marker is missing.
    """
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {END if begin else BEGIN!r}")
    return f"{head}{BEGIN}\n\n{reference()}\n{END}{tail}"


def _topic_table() -> Iterator[str]:
    yield f"Below `{ROOT}/`:"
    yield ""
    yield "| topic | writers → readers | messages | encoding | QoS | retained | expiry | purpose |"
    yield "|---|---|---|---|---|---|---|---|"
    for topic in TOPICS:
        cells = (
            f"`{topic.pattern}`",
            f"{', '.join(topic.writers)} → {', '.join(topic.readers)}",
            ", ".join(_link(message) for message in topic.messages),
            topic.encoding.name,
            str(topic.qos),
            "yes" if topic.retain else "",
            f"{topic.expiry_s} s" if topic.expiry_s is not None else "",
            topic.purpose,
        )
        yield "| " + " | ".join(cells) + " |"


def _how(topic: Topic[Any]) -> str:
    parts = [f"QoS {topic.qos}", topic.encoding.name, f"at most {topic.limit_bytes} bytes"]
    if topic.retain:
        parts.append("retained")
    return ", ".join(parts)


def _struct_section(struct: type) -> list[str]:
    info = types.type_info(struct)
    if not isinstance(info, types.StructType):
        raise TypeError(f"{struct} is no message")
    tag = f" · `type: {info.tag}`" if info.tag is not None else ""
    lines = [f"#### {struct.__name__}{tag}", "", inspect.getdoc(struct) or "", ""]
    if info.array_like:
        lines += ["An array of these, in order:", ""]
    if info.fields:
        notes = field_notes(struct)
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        for field in info.fields:
            cells = (
                f"`{field.encode_name}`",
                _type_text(field.type).replace("|", "\\|"),
                _default(field),
                " ".join(notes.get(field.name, "").split()).replace("|", "\\|"),
            )
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def _default(field: types.Field) -> str:
    if field.required:
        return ""
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{msgspec.json.encode(field.default_factory()).decode()}`"
    return f"`{msgspec.json.encode(field.default).decode()}`"


def _type_text(info: types.Type) -> str:
    if isinstance(info, types.Metadata):
        return _type_text(info.type)
    scalar = _scalar_text(info)
    return scalar if scalar is not None else _composed_text(info)


def _scalar_text(info: types.Type) -> str | None:
    match info:
        case types.StrType():
            return _string_text(info)
        case types.IntType():
            return "integer" + _range(info)
        case types.FloatType():
            return "number" + _range(info)
        case types.BytesType():
            return f"bytes, at most {info.max_length}"
    return _PLAIN.get(type(info))


def _composed_text(info: types.Type) -> str:
    match info:
        case types.LiteralType():
            return " | ".join(f"`{value}`" for value in info.values)
        case types.UnionType():
            return " or ".join(_type_text(one) for one in info.types)
        case types.VarTupleType() | types.ListType():
            return f"list of {_type_text(info.item_type)}{_items(info)}"
        case types.DictType():
            return f"map {_type_text(info.key_type)} → {_type_text(info.value_type)}{_items(info)}"
        case types.StructType():
            return _link(info.cls)
    raise TypeError(f"the reference has no words for {info}")


def _string_text(info: types.StrType) -> str:
    if info.pattern == SLUG_PATTERN:
        return "slug"
    if info.pattern is not None:
        return "language tag"
    return "string" + _length(info)


def _length(info: types.StrType) -> str:
    return f", at most {info.max_length} characters" if info.max_length is not None else ""


def _items(info: types.VarTupleType | types.ListType | types.DictType) -> str:
    return f" (at most {info.max_length})" if info.max_length is not None else ""


def _range(info: types.IntType | types.FloatType) -> str:
    if info.ge is None or (info.le is None and info.lt is None):
        return "" if info.ge is None else f" ≥ {info.ge:g}"
    high = f"{_number(info.lt)} - 1" if info.le is None else _number(info.le)
    return f" {info.ge:g} … {high}"


def _number(value: float | None) -> str:
    for power in (32, 40, 63):
        if value is not None and value in (2**power, 2**power - 1):
            return f"2^{power}" if value == 2**power else f"2^{power} - 1"
    return f"{value:g}"


def records() -> list[type]:
    """Return the records inside messages, each once, in the order of first use."""
    found: dict[type, None] = {}
    waiting: list[Any] = [types.type_info(m) for topic in TOPICS for m in topic.messages]
    while waiting:
        info = waiting.pop(0)
        if isinstance(info, types.StructType):
            if info.cls not in found:
                found[info.cls] = None
                waiting += [field.type for field in info.fields]
        else:
            waiting += parts_of(info)
    return list(found)


def parts_of(info: types.Type) -> Sequence[types.Type]:
    """Return the types that a composed type is made of; none for any other."""
    match info:
        case types.UnionType():
            return info.types
        case types.VarTupleType() | types.ListType():
            return (info.item_type,)
        case types.DictType():
            return (info.key_type, info.value_type)
        case types.Metadata():
            return (info.type,)
    return ()


def _link(struct: type) -> str:
    info = types.type_info(struct)
    tag = getattr(info, "tag", None)
    # GitHub's anchors: lower case, dashes for spaces, no other signs.
    anchor = struct.__name__.lower() + (f"--type-{tag}" if tag is not None else "")
    return f"[{struct.__name__}](#{anchor})"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def field_notes(struct: type) -> dict[str, str]:
    """Return the string that stands below each field in the source."""
    module = inspect.getmodule(struct)
    if module is None:
        raise TypeError(f"{struct} has no module")
    notes: dict[str, str] = {}
    body = _classes(module)[struct.__name__].body
    for statement, following in pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    notes[statement.target.id] = text
    return notes


@cache
def _classes(module: ModuleType) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(module))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the reference, or refresh it in a document."""
    parser = argparse.ArgumentParser(prog="python -m antiphon_protocol.schema", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="refresh this document")
    path: Path | None = parser.parse_args(arguments).write
    if path is None:
        sys.stdout.write(reference())
        return
    try:
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")


if __name__ == "__main__":
    main()
