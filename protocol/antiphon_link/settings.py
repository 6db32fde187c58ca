"""Settings files: TOML into nested frozen records, with every mistake reported at once."""

import difflib
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from antiphon_link.errors import SettingsError

T = TypeVar("T", bound=msgspec.Struct)


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
    out += [f"{at}.{n}: is missing" for n, f in fields.items() if f.required and n not in tree]


def _check_value(value: Any, wanted: Any, here: str, out: list[str]) -> None:
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct) and isinstance(value, dict):
        _check(value, wanted, here, out)
        return
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        out.append(f"{here}: {error}".replace(" - at `$`", ""))
