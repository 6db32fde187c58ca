"""From forms, queries and JSON to what a deed takes; every mistake in words for people."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from antiphon_hub.errors import ConsoleError
from antiphon_hub.web.deed import Asked, Deed

_WHERE: Final = re.compile(r" - at `\$\.?(.*?)`$")
_WORDS: Final = (
    (re.compile(r"^Expected `bool`.*"), "is neither true nor false"),
    (re.compile(r"^Expected `str` of length <= (\d+).*"), r"takes at most \1 characters"),
    (re.compile(r"^Expected `str` of length >= .*"), "must not be empty"),
    (re.compile(r"^Expected `(?:float|int)` >= (\S+)"), r"must be \1 or more"),
    (re.compile(r"^Expected `(?:float|int)` <= (\S+)"), r"must be \1 or less"),
    (re.compile(r"^Expected `(?:float|int)`.*"), "is no number"),
    (re.compile(r"^Expected `str` matching regex .*"), "is not written as it must be"),
    (re.compile(r"^Expected `bytes` of length >= .*"), "must not be empty"),
    (re.compile(r"^Expected `bytes` of length <= .*"), "is too long"),
    (re.compile(r"^Expected `bytes`.*|^Invalid base64.*"), "is no base64"),
    (re.compile(r"^Invalid enum value (.*)"), r"has no choice \1"),
    (re.compile(r"^Object missing required field `(\w+)`"), r"\1 is missing"),
    (re.compile(r"^Object contains unknown field `(.*)`"), r"there is no field \1"),
)
_PART: Final = re.compile(r"{(\w+)}")


def parts_of(path: str) -> list[str]:
    """Return the names of a path's variable parts."""
    return _PART.findall(path)


def from_texts(deed: Deed, pairs: Sequence[tuple[str, str]]) -> Asked:
    """Return what a form or a query asks; empty fields count as left out.

    Raises:
        ConsoleError: it has unknown, missing or wrong fields.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(deed.takes)}
    tree: dict[str, Any] = {}
    for name, value in pairs:
        field = fields.get(name)
        if field is not None and _takes_several(field.type):
            tree.setdefault(name, [])
            if value:
                tree[name].append(value)
        elif name in tree:
            raise ConsoleError(422, f"{name}: is there twice")
        elif value or field is None or field.required:
            tree[name] = value
    return _converted(tree, deed, strict=False)


def from_json(deed: Deed, body: bytes, path: Mapping[str, str]) -> Asked:
    """Return what a JSON body asks, with the parts of the path.

    Raises:
        ConsoleError: it is no JSON object, or has unknown, missing or wrong fields.
    """
    try:
        tree = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConsoleError(400, f"no JSON: {error}") from None
    if not isinstance(tree, dict):
        raise ConsoleError(422, "the body is no JSON object")
    twice = sorted(set(tree) & set(path))
    if twice:
        raise ConsoleError(422, f"{twice[0]}: stands in the path already")
    types = {field.encode_name: field.type for field in msgspec.structs.fields(deed.takes)}
    try:
        parts = {
            name: msgspec.convert(text, types[name], strict=False) for name, text in path.items()
        }
    except msgspec.ValidationError:
        raise ConsoleError(404, "there is no such thing") from None
    return _converted({**tree, **parts}, deed, strict=True)


def _takes_several(field: Any) -> bool:
    bare = get_args(field)[0] if get_origin(field) is Annotated else field
    return get_origin(bare) is tuple


def _converted(tree: dict[str, Any], deed: Deed, *, strict: bool) -> Asked:
    try:
        return msgspec.convert(tree, deed.takes, strict=strict)
    except msgspec.ValidationError as error:
        raise ConsoleError(422, told(str(error))) from None


def told(message: str) -> str:
    """Return a validation message in words, with the field's name in front."""
    found = _WHERE.search(message)
    text = _WHERE.sub("", message)
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return f"{found[1]}: {text}" if found and found[1] else text
