"""The messages and the table of topics in TypeScript, generated for the browser satellite.

`python -m antiphon_protocol.typescript --write satellites/browser/src/protocol/generated.ts`
refreshes the file; without `--write` it is printed. Each message becomes an interface, and a shape:
the same as data, by which `src/protocol/codec.ts` reads and writes it.
"""

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect as types

from antiphon_protocol import limits
from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from antiphon_protocol.schema import field_notes, parts_of, records
from antiphon_protocol.topics import EVERY_SATELLITE, ROOT, TOPICS, Topic
from antiphon_protocol.version import OURS

HEAD: Final = """\
// Generated from the Python messages by
//   python -m antiphon_protocol.typescript --write satellites/browser/src/protocol/generated.ts
// Edit those, and run it again.

import type { Shape, Topic } from "./shape";
"""
_WIDTH: Final = 96
_SAFE: Final = 2**53 - 1
"""The largest integer up to which JavaScript's numbers are exact."""
_SCALARS: Final[dict[type, str]] = {
    types.StrType: "string",
    types.IntType: "number",
    types.FloatType: "number",
    types.BytesType: "Uint8Array",
    types.BoolType: "boolean",
    types.AnyType: "unknown",
}


def module() -> str:
    """Return the TypeScript source."""
    lines = [HEAD, *_constants(), ""]
    for struct in _in_order(records()):
        info = types.type_info(struct)
        if not isinstance(info, types.StructType):
            raise TypeError(f"{struct} is no message")
        lines += [*_interface(info), "", *_shape(info), ""]
    for topic in TOPICS:
        lines += [*_topic(topic), ""]
    names = ", ".join(topic.name for topic in TOPICS)
    lines += [f"export const TOPICS: readonly Topic<unknown>[] = [{names}];"]
    return "\n".join(lines) + "\n"


def _constants() -> Iterator[str]:
    figures = {
        "SAMPLE_RATE_HZ": SAMPLE_RATE_HZ,
        "FRAME_SAMPLES": FRAME_SAMPLES,
        "STREAM_SECONDS_MAX": limits.STREAM_SECONDS_MAX,
        "STAND_BY_SECONDS": limits.STAND_BY_SECONDS,
        "PLAYBACK_SECONDS_MAX": limits.PLAYBACK_SECONDS_MAX,
        "MESSAGE_BYTES_MAX": limits.MESSAGE_BYTES_MAX,
    }
    yield f'export const ROOT = "{ROOT}";'
    yield f'export const EVERY_SATELLITE = "{EVERY_SATELLITE}";'
    yield f"export const OURS: VersionRange = {{ oldest: {OURS.oldest}, newest: {OURS.newest} }};"
    for name, value in figures.items():
        yield f"export const {name} = {int(value)};"


def _in_order(structs: Sequence[type]) -> list[type]:
    """Return them so that each stands behind those it is made of."""
    ordered: dict[type, None] = {}

    def add(struct: type) -> None:
        if struct in ordered:
            return
        waiting: list[Any] = [field.type for field in _fields(struct)]
        while waiting:
            info = waiting.pop(0)
            if isinstance(info, types.StructType):
                add(info.cls)
            else:
                waiting += parts_of(info)
        ordered[struct] = None

    for struct in structs:
        add(struct)
    return list(ordered)


def _fields(struct: type) -> Sequence[types.Field]:
    info = types.type_info(struct)
    return info.fields if isinstance(info, types.StructType) else ()


def _interface(info: types.StructType) -> Iterator[str]:
    notes = field_notes(info.cls)
    yield from _comment(inspect.getdoc(info.cls) or "", "")
    yield f"export interface {info.cls.__name__} {{"
    if info.tag is not None:
        yield f"  readonly type: {json.dumps(info.tag)};"
    for field in info.fields:
        yield from _comment(" ".join(notes.get(field.name, "").split()), "  ")
        yield f"  readonly {field.encode_name}: {_type(field.type)};"
    yield "}"


def _shape(info: types.StructType) -> Iterator[str]:
    yield f"export const {_constant(info.cls.__name__)}: Shape<{info.cls.__name__}> = {{"
    yield f"  name: {json.dumps(info.cls.__name__)},"
    if info.tag is not None:
        yield f"  tag: {json.dumps(info.tag)},"
    if info.array_like:
        yield "  array: true,"
    if not info.cls.__struct_config__.omit_defaults:
        yield "  whole: true,"
    yield "  fields: ["
    for field in info.fields:
        default = _default(field)
        more = "" if default is None else f", default: {default}"
        yield f"    {{ name: {json.dumps(field.encode_name)}, of: {_of(field.type)}{more} }},"
    yield "  ],"
    yield "};"


def _default(field: types.Field) -> str | None:
    if field.required:
        return None
    if field.default_factory is not msgspec.NODEFAULT:
        return _value(field.default_factory())
    return _value(field.default)


def _value(value: Any) -> str:
    plain = msgspec.to_builtins(value)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return json.dumps(plain)


def _type(info: types.Type) -> str:
    """Return a field's TypeScript type."""
    if isinstance(info, types.Metadata):
        return _type(info.type)
    scalar = _SCALARS.get(type(info))
    return scalar if scalar is not None else _composed_type(info)


def _composed_type(info: types.Type) -> str:
    match info:
        case types.LiteralType():
            return " | ".join(json.dumps(value) for value in info.values)
        case types.VarTupleType() | types.ListType():
            inner = _type(info.item_type)
            return f"readonly ({inner})[]" if " | " in inner else f"readonly {inner}[]"
        case types.DictType():
            return f"Readonly<Record<string, {_type(info.value_type)}>>"
        case types.StructType():
            return info.cls.__name__
        case types.UnionType():
            return f"{_type(_not_none(info))} | null"
    raise TypeError(f"the generator has no words for {info}")


def _of(info: types.Type) -> str:
    """Return a field's shape."""
    match info:
        case types.Metadata():
            return _of(info.type)
        case types.StrType():
            return _object("string", max=info.max_length, pattern=_pattern(info.pattern))
        case types.IntType():
            return _object("integer", min=info.ge, max=_high(info))
        case types.FloatType():
            return _object("number", min=info.ge, max=info.le)
        case types.BytesType():
            return _object("bytes", max=info.max_length)
    return _composed_of(info)


def _composed_of(info: types.Type) -> str:
    match info:
        case types.LiteralType():
            return f'{{ kind: "choice", of: {json.dumps(list(info.values))} }}'
        case types.VarTupleType() | types.ListType():
            return _nest("list", _of(info.item_type), info.max_length)
        case types.DictType():
            return _nest("map", _of(info.value_type), info.max_length)
        case types.StructType():
            return f'{{ kind: "record", of: {_constant(info.cls.__name__)} }}'
        case types.UnionType():
            return _nest("nullable", _of(_not_none(info)), None)
    return '{ kind: "boolean" }' if isinstance(info, types.BoolType) else '{ kind: "anything" }'


def _not_none(info: types.UnionType) -> types.Type:
    kinds = [one for one in info.types if not isinstance(one, types.NoneType)]
    if len(kinds) != 1:
        raise TypeError(f"the generator has no words for {info}")
    return kinds[0]


def _high(info: types.IntType) -> float | None:
    high = info.le if info.lt is None else info.lt - 1
    return None if high is None or high > _SAFE else high


def _pattern(pattern: str | None) -> str | None:
    # In JavaScript `$` is the very end already.
    return None if pattern is None else pattern.removesuffix(r"(?!\n)")


def _object(kind: str, **limits_of: float | str | None) -> str:
    given = {name: value for name, value in limits_of.items() if value is not None}
    inner = "".join(f", {name}: {_value(value)}" for name, value in given.items())
    return f'{{ kind: "{kind}"{inner} }}'


def _nest(kind: str, inner: str, length: int | None) -> str:
    more = "" if length is None else f", max: {length}"
    return f'{{ kind: "{kind}", of: {inner}{more} }}'


def _topic(topic: Topic[Any]) -> Iterator[str]:
    names = [message.__name__ for message in topic.messages]
    yield from _comment(topic.purpose[0].upper() + topic.purpose[1:] + ".", "")
    yield f"export const {topic.name}: Topic<{' | '.join(names)}> = {{"
    yield f'  name: "{topic.name}",'
    yield f'  pattern: "{topic.pattern}",'
    yield f"  shapes: [{', '.join(map(_constant, names))}],"
    yield f'  encoding: "{topic.encoding.name.lower()}",'
    yield f"  qos: {topic.qos},"
    yield f"  retain: {json.dumps(topic.retain)},"
    yield f"  expiryS: {json.dumps(topic.expiry_s)},"
    yield f"  limitBytes: {topic.limit_bytes},"
    yield "};"


def _constant(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() + "_SHAPE"


def _comment(text: str, indent: str) -> Iterator[str]:
    lines = text.replace("*/", "* /").splitlines()
    if not lines:
        return
    if len(lines) == 1 and len(lines[0]) <= _WIDTH:
        yield f"{indent}/** {lines[0]} */"
        return
    yield f"{indent}/**"
    for line in lines:
        yield f"{indent} * {line}".rstrip()
    yield f"{indent} */"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the source, or write it to a file."""
    parser = argparse.ArgumentParser(
        prog="python -m antiphon_protocol.typescript", description=__doc__
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write this file")
    path: Path | None = parser.parse_args(arguments).write
    if path is None:
        sys.stdout.write(module())
        return
    try:
        path.write_text(module(), encoding="utf-8")
    except OSError as error:
        sys.exit(f"{path}: {error}")


if __name__ == "__main__":
    main()
