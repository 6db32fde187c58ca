"""What the files of the repository may hold, and what the packages' metadata promises."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, modules, tracked
from tests.bench.__main__ import flat, main, names

PROJECTS = ("protocol", "satellites", "hub")
LEFTOVERS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
"""Written in two pieces, so that this file does not find itself."""
MACHINE_PATHS = re.compile(r"(?<![\w.])/(work|home/\w+|Users/\w+)/|(?<![\w.])/root/(?!\.)")
PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----")
LARGE_BYTES = 1_000_000
NETWORK_BYTES = 10_000_000
"""What the network that ships may weigh."""


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in texts()
        if path != Path(__file__)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_left_for_later() -> None:
    assert not found(LEFTOVERS)


def test_no_path_of_somebodys_machine() -> None:
    assert not found(MACHINE_PATHS)


def test_no_private_key() -> None:
    assert not found(PRIVATE)


def test_no_large_file() -> None:
    large = [path for path in tracked() if path.stat().st_size > LARGE_BYTES]
    assert [path.name for path in large] == ["en-us.senones"]
    assert large[0].stat().st_size <= NETWORK_BYTES


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_says_what_it_is(name: str) -> None:
    assert ast.get_docstring(modules()[name].tree)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed_and_has_one_error_tree(package: str) -> None:
    folder = PACKAGES[package] / package
    assert (folder / "py.typed").exists()
    errors = folder / "errors.py"
    if errors.exists():
        check_error_tree(ast.parse(errors.read_text(encoding="utf-8")))


def check_error_tree(tree: ast.Module) -> None:
    """All errors descend from one, and the module's docstring shows them."""
    shown = ast.get_docstring(tree) or ""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    known = {"Exception"}
    for number, node in enumerate(classes):
        bases = {ast.unparse(base) for base in node.bases}
        if number == 0:
            assert bases == {"Exception"}, f"{node.name} is the base of the tree"
            known = set()
        else:
            assert bases & known, f"{node.name} is outside the tree"
        assert node.name in shown, f"{node.name} is missing in the tree of the docstring"
        known.add(node.name)


def entry_points() -> list[tuple[str, str]]:
    rows = []
    for project in PROJECTS:
        metadata = tomllib.loads((ROOT / project / "pyproject.toml").read_text(encoding="utf-8"))
        groups = {"scripts": metadata["project"].get("scripts", {})}
        groups |= metadata["project"].get("entry-points", {})
        rows += [
            (f"{group}: {name}", at) for group, one in groups.items() for name, at in one.items()
        ]
    return rows


@pytest.mark.parametrize(("name", "at"), entry_points())
def test_an_entry_point_leads_somewhere(name: str, at: str) -> None:
    module, _, attribute = at.partition(":")
    assert module in modules(), f"{name}: no module {module}"
    body = modules()[module].tree.body
    defined = {getattr(node, "name", "") for node in body}
    defined |= {
        target.id
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert attribute in defined, f"{name}: {module} has no {attribute}"


def test_every_bench_says_what_it_measures() -> None:
    assert {"broker", "codec"} <= set(names())
    for name in names():
        tree = ast.parse((ROOT / "tests" / "bench" / f"{name}.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)


def test_figures_become_rows() -> None:
    rows = dict(flat({"a": {"p50": 1.23456, "n": 7}, "b": 123456.7, "c": "text"}))
    assert rows == {"a.p50": "1.235", "a.n": "7", "b": "123,457", "c": "text"}


@pytest.mark.parametrize("arguments", [["no-such-bench"], ["codec", "--no-such-option"]])
def test_a_wrong_bench_is_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
