"""`antiphon scorer`: sentences in, a package out that the decoder reads; mistakes are told."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.scorer import load_scorer
from antiphon_tools.commands.scorer import app

RUN = CliRunner()


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.txt"
    path.write_text("Turn on the light\n\nturn  off the light\nplay caf\u00e9 music\n", "utf-8")
    return path


def test_sentences_become_a_package(sentences: Path, tmp_path: Path) -> None:
    out = tmp_path / "house.scorer"
    result = RUN.invoke(app, [str(sentences), "--out", str(out), "--alpha", "0.5", "--beta", "2"])
    assert result.exit_code == 0
    assert "3 sentences, 7 words; 1 that the alphabet cannot write" in result.output
    scorer = load_scorer(out, Alphabet.english())
    assert set(scorer.lexicon.words) == {"turn", "on", "off", "the", "light", "play", "music"}
    assert (scorer.alpha, scorer.beta) == (0.5, 2.0)


def test_bytes_mode_goes_by_characters(sentences: Path, tmp_path: Path) -> None:
    out = tmp_path / "bytes.scorer"
    assert RUN.invoke(app, [str(sentences), "--out", str(out), "--bytes"]).exit_code == 0
    assert "\u00e9" in load_scorer(out, Alphabet.utf8()).lexicon.words


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "No such file"),
        (b"\xff\xfe", [], "not UTF-8"),
        (b"", [], "needs sentences"),
        ("\u97f3\u4e50".encode(), [], "0 words"),
        (b"go", ["--alpha", "1e9"], "weights"),
        (b"go", ["--alphabet", "missing.txt"], "missing.txt"),
        (b"go", ["--out", "/dev/null/x"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, content: bytes | None, options: list[str], message: str
) -> None:
    text = tmp_path / "sentences.txt"
    if content is not None:
        text.write_bytes(content)
    result = RUN.invoke(app, [str(text), "--out", str(tmp_path / "x.scorer"), *options])
    assert result.exit_code == 1
    assert message in result.output
    assert result.output.count("\n") == 1
