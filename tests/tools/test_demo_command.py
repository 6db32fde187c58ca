import pytest

from antiphon_tools.commands.demo import spread


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", ""),
        ("--once --json", "--once --json"),
        ("--wav a", "--wav a"),
        ("--wav a b c --json", "--wav a --wav b --wav c --json"),
        ("--wav a --wav b c", "--wav a --wav b --wav c"),
        ("--wav a --room r x", "--wav a --room r x"),
        ("--sentences a b --wav c", "--sentences a --sentences b --wav c"),
        ("--wav=a b", "--wav=a b"),
        ("x --wav", "x --wav"),
    ],
)
def test_lists_of_files_are_spread(given: str, wanted: str) -> None:
    assert spread(given.split()) == wanted.split()
