"""YAML files that an owner writes: read with the line of every text, and without YAML's traps."""

import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from antiphon_hub.errors import MistakesError

FILE_BYTES_MAX: Final = 1024 * 1024
"""A home or a sentence file is text that a person keeps up; anything larger is the wrong file."""


class Text(str):
    """A text with the line that it stands on, from 1."""

    __slots__ = ("line",)
    line: int


def place(value: object) -> str:
    """Return `line 12: ` for a text of a file, and nothing for what has no line."""
    return f"line {value.line}: " if isinstance(value, Text) else ""


def plain(tree: Any) -> Any:
    """Return the tree with ordinary texts, for code that takes no subclass of `str`."""
    if isinstance(tree, dict):
        return {plain(key): plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    return str(tree) if isinstance(tree, str) else tree


def read_yaml(path: Path, error: Callable[[str, list[str]], MistakesError]) -> Any:
    """Return the file's tree; its texts are `Text`.

    `on`, `off`, `yes` and `no` are texts, unlike in YAML 1.1: a list of light states means words.

    Raises:
        MistakesError: of the kind given; the file is missing, too large, no UTF-8 or no YAML.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise error(str(path), [f"is larger than {FILE_BYTES_MAX} bytes"])
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as problem:
        raise error(str(path), [f"cannot be read: {problem}"]) from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise error(str(path), [f"{where}no YAML: {problem.problem}"]) from None
    except yaml.YAMLError as problem:
        raise error(str(path), [f"no YAML: {problem}"]) from None
    except (RecursionError, ValueError) as problem:
        raise error(str(path), [f"cannot be used: {problem}"]) from None


def read_own_yaml(path: Path) -> Any:
    """Return the tree of a file of ours, as `plain(read_yaml(...))` would, in a tenth of the time.

    libyaml's parser, where PyYAML has it, is not for files of others: one that is nested too deep
    ends the process.
    """
    return yaml.load(path.read_text(encoding="utf-8"), _OwnLoader)  # noqa: S506 - a SafeLoader


class _Loader(yaml.SafeLoader):
    """SafeLoader with lines, plain words for on and off, and no silent second key."""


class _OwnLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # see above
    """SafeLoader with plain words for on and off."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> Text:
    text = Text(loader.construct_scalar(node))
    text.line = node.start_mark.line + 1
    return text


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[str] = set()
    for key, _value in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key.value!r} stands here twice", key.start_mark
            )
        if isinstance(key.value, str):
            seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:str", _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _one in (_Loader, _OwnLoader):
    _one.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _one.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF")
    )
