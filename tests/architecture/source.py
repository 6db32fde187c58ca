"""The packages' source as the rules see it: modules, what each imports, how long things are."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = {
    "antiphon_protocol": ROOT / "protocol",
    "antiphon_link": ROOT / "protocol",
    "antiphon_ears": ROOT / "protocol",
    "antiphon_codecs": ROOT / "protocol",
    "antiphon_satellite": ROOT / "satellites",
    "antiphon_hub": ROOT / "hub",
    "antiphon_engines": ROOT / "hub",
    "antiphon_tools": ROOT / "hub",
}


class Import(NamedTuple):
    """One imported module."""

    name: str
    line: int
    lazy: bool
    """Inside a function: only where it is needed."""


class Module(NamedTuple):
    """One of our modules."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """Return the package that it belongs to."""
        return self.name.partition(".")[0]

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the levels of its name below the package."""
        return tuple(self.name.split(".")[1:])

    def imports(self) -> list[Import]:
        """Return all that it imports, everywhere in the file."""
        return _imports_of(self.name)


def _imports(node: ast.AST, *, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            yield from (Import(f"{base}.{one.name}", child.lineno, lazy) for one in child.names)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(child, lazy=lazy or inside)


@cache
def _imports_of(name: str) -> list[Import]:
    return list(_imports(modules()[name].tree, lazy=False))


@cache
def modules() -> dict[str, Module]:
    """Return all modules of our packages by name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted((folder / package).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text(encoding="utf-8")
            found[name] = Module(name, path, text, ast.parse(text))
    return found


def ours(imported: Import) -> str | None:
    """Return the name of our module that is imported, or None for others' modules."""
    known = modules()
    name = imported.name
    while name:
        if name in known:
            return name
        name = name.rpartition(".")[0]
    return None


def tracked() -> list[Path]:
    """Return the files under version control; all files where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git is installed
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode == 0:
        paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    else:
        hidden = (".venv", ".git", "__pycache__")
        paths = [one for one in ROOT.rglob("*") if not set(hidden) & set(one.parts)]
    return [path for path in paths if path.is_file()]


def lines_of(node: ast.AST) -> int:
    """Return how many lines a definition takes, its decorators not counted."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return (node.end_lineno or node.lineno) - node.lineno + 1
