"""What docs/home.md and docs/sentences.md promise is so."""

import re
from pathlib import Path

import pytest

from antiphon_engines.grammar import compile_grammar
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_tools.commands.understand import explain

DOCS = Path(__file__).parents[2] / "docs"
_PIECES = re.compile(
    r"```yaml\n(?P<yaml>.*?)```|^\| (?P<row>[^|]+ \| [^|]+ \| [^|]+) \|$", re.DOTALL | re.MULTILINE
)


def _examples(page: str) -> list[tuple[str, list[list[str]]]]:
    """Each YAML block with the rows `said | in | answer` up to the next block."""
    examples: list[tuple[str, list[list[str]]]] = []
    text = (DOCS / page).read_text(encoding="utf-8").split("\n## What can stand in it")[0]
    for piece in _PIECES.finditer(text.split("\n## How templates are written")[0]):
        if piece["yaml"]:
            examples.append((piece["yaml"], []))
        elif piece["row"] != "said | in | answer":
            examples[-1][1].append([cell.strip() for cell in piece["row"].split("|")])
    assert all(rows for _yaml, rows in examples)
    return examples


def _check(interpreter: Interpreter, rows: list[list[str]]) -> None:
    automaton = compile_grammar(recognition_context(interpreter).grammar)
    for said, room, answer in rows:
        found = explain(interpreter, said, room)
        assert found.get("reply", found.get("say")) == answer, said
        if found.get("code", "ok") not in ("unknown-name", "ambiguous"):
            assert automaton.accepts(said.split()), said


@pytest.mark.parametrize("number", range(len(_examples("home.md"))))
def test_the_home_of_the_docs(tmp_path: Path, number: int) -> None:
    text, rows = _examples("home.md")[number]
    file = tmp_path / "home.yaml"
    file.write_text(text)
    _check(Interpreter(load_home(file)), rows)


@pytest.mark.parametrize("number", range(len(_examples("sentences.md"))))
def test_the_sentences_of_the_docs(tmp_path: Path, number: int) -> None:
    text, rows = _examples("sentences.md")[number]
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    _check(Interpreter(load_home(None), [file]), rows)
