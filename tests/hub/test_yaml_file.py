"""Our own files read by the quick parser are what the careful one reads."""

from pathlib import Path

import pytest

import antiphon_hub.nlu
from antiphon_hub.errors import SentencesError
from antiphon_hub.yaml_file import plain, read_own_yaml, read_yaml

OURS = sorted((Path(antiphon_hub.nlu.__file__).parent / "sentences").glob("*.yaml"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_both_parsers_read_our_files_alike(path: Path) -> None:
    assert read_own_yaml(path) == plain(read_yaml(path, SentencesError))


def test_on_and_off_are_words_for_both(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("states: [on, off, yes, No, true, 3]\n", encoding="utf-8")
    wanted = {"states": ["on", "off", "yes", "No", True, 3]}
    assert read_own_yaml(path) == wanted
    assert plain(read_yaml(path, SentencesError)) == wanted
