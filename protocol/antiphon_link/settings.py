"""Settings files: TOML into nested frozen records, with every mistake reported at once."""

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from antiphon_link.errors import SettingsError

T = TypeVar("T", bound=msgspec.Struct)

_Record = tuple[str, dict[str, Any], type[msgspec.Struct]]
"""Where it stands, its values, its type."""


def load(path: Path | None, settings_type: type[T]) -> T:
    """Return the settings in the file, or the defaults when there is none.

    Raises:
        SettingsError: the file cannot be read, or holds mistakes; all of them are listed.
    """
    if path is None:
        return settings_type()
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), [f"cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), [f"no TOML: {error}"]) from None
    return from_tree(tree, settings_type, str(path))


def from_tree(tree: dict[str, Any], settings_type: type[T], where: str) -> T:
    """Return the settings in a tree of plain values.

    Raises:
        SettingsError: unknown names, wrong types or values; all of them are listed.
    """
    mistakes: list[str] = []
    _check(tree, settings_type, "", mistakes)
    if not mistakes:
        try:
            return msgspec.convert(tree, settings_type)
        except msgspec.ValidationError as error:
            mistakes.append(str(error))
    raise SettingsError(where, mistakes)


def _check(tree: dict[str, Any], struct: type[msgspec.Struct], at: str, out: list[str]) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, value in tree.items():
        here = f"{at}.{name}" if at else name
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(fields))}"
            out.append(f"{here}: no such setting; {hint}")
        else:
            _check_value(value, fields[name].type, here, out)
    missing = [name for name, field in fields.items() if field.required and name not in tree]
    out += [f"{at}.{name}: is missing" if at else f"{name}: is missing" for name in missing]


def _check_value(value: Any, wanted: Any, here: str, out: list[str]) -> None:
    mistakes = len(out)
    for at, part, struct in _records(value, wanted, here):
        _check(part, struct, at, out)
    if len(out) > mistakes:
        return
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        out.append(f"{here}: {error}".replace(" - at `$`", ""))


def _records(value: Any, wanted: Any, here: str) -> Iterator[_Record]:
    """Find the records in a value: alone, optional, in a list or by name."""
    options = [wanted, *get_args(wanted)]
    struct = next((one for one in options if _is_struct(one)), None)
    if struct is None:
        return
    if isinstance(value, dict) and get_origin(wanted) is dict:
        items = [(f"{here}.{name}", one) for name, one in value.items()]
    elif isinstance(value, list):
        items = [(f"{here}[{index}]", one) for index, one in enumerate(value)]
    else:
        items = [(here, value)]
    yield from ((at, one, struct) for at, one in items if isinstance(one, dict))


def _is_struct(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, msgspec.Struct)
