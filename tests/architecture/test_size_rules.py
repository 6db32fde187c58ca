"""Size budgets: what a reader can hold in mind. An exception needs its reason here."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT, lines_of, modules

MODULE_LINES = 400
TEST_LINES = 600
CLASS_LINES = 250
FUNCTION_LINES = 50
MEDIAN_FUNCTION_LINES = 10

EXCEPTIONS: dict[str, str] = {}
"""`module`, `module.Class` or `module.function`: why it may be longer."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(tree: ast.AST, at: str) -> Iterator[tuple[str, Definition]]:
    for node in ast.iter_child_nodes(tree):
        name = at
        if isinstance(node, Definition):
            name = f"{at}.{node.name}"
            yield name, node
        yield from definitions(node, name)


def all_definitions() -> list[tuple[str, Definition]]:
    return [one for module in modules().values() for one in definitions(module.tree, module.name)]


def test_modules_are_short() -> None:
    long = {
        name: lines
        for name, module in modules().items()
        if (lines := len(module.text.splitlines())) > MODULE_LINES and name not in EXCEPTIONS
    }
    assert not long


def test_test_modules_are_short() -> None:
    paths: list[Path] = sorted((ROOT / "tests").rglob("*.py"))
    long = {
        str(path.relative_to(ROOT)): lines
        for path in paths
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > TEST_LINES
    }
    assert not long


def test_classes_are_short() -> None:
    long = {
        name: lines_of(node)
        for name, node in all_definitions()
        if isinstance(node, ast.ClassDef) and lines_of(node) > CLASS_LINES
        if name not in EXCEPTIONS
    }
    assert not long


def test_functions_are_short() -> None:
    long = {
        name: lines_of(node)
        for name, node in all_definitions()
        if not isinstance(node, ast.ClassDef) and lines_of(node) > FUNCTION_LINES
        if name not in EXCEPTIONS
    }
    assert not long


def test_most_functions_are_under_ten_lines() -> None:
    lengths = [
        lines_of(node) for _, node in all_definitions() if not isinstance(node, ast.ClassDef)
    ]
    assert statistics.median(lengths) < MEDIAN_FUNCTION_LINES


def test_every_exception_is_needed() -> None:
    sizes = {name: lines_of(node) for name, node in all_definitions()}
    sizes |= {name: len(module.text.splitlines()) for name, module in modules().items()}
    assert all(sizes.get(name, 0) > FUNCTION_LINES for name in EXCEPTIONS)
