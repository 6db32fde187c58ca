"""How words sound: own pronunciations first, the dictionary, then the letters."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.errors import ContextError, ModelError
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.letters import sounds
from antiphon_engines.stt.lexicon import PHONES, Lexicon, phrase_endings

DICTIONARY = """\
light L AY T
read R EH D
read(2) R IY D
room R UW M
bath B AE TH
bath(2) B AA TH
dish D IH SH
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> Lexicon:
    path = tmp_path / "words.dict"
    path.write_text(DICTIONARY, encoding="utf-8")
    return Lexicon(path)


@pytest.mark.parametrize(
    ("word", "ways"),
    [
        ("light", ("L AY T",)),
        ("read", ("R EH D", "R IY D")),
        ("bath-room", ("B AE TH R UW M", "B AA TH R UW M")),
        ("light's", ("L AY T S",)),
        ("room's", ("R UW M Z",)),
        ("dish's", ("D IH SH IH Z",)),
        ("zork", ("Z AO R K",)),
        ("4", ("F AO R",)),
    ],
)
def test_pronunciations(lexicon: Lexicon, word: str, ways: tuple[str, ...]) -> None:
    assert lexicon.pronounce([word], {}) == {word: ways}


def test_the_owners_pronunciation_comes_first(lexicon: Lexicon) -> None:
    assert lexicon.pronounce(["light"], {"light": "l ay1 t er0"}) == {"light": ("L AY T ER",)}


@pytest.mark.parametrize(
    ("word", "own", "complaint"),
    [
        ("light", {"light": "L AY QQ"}, "pronunciation of 'light': 'QQ' is none of the phones"),
        ("light", {"light": " "}, "nobody knows how 'light' sounds"),
        ("日本", {}, "nobody knows how '日本' sounds; give it a pronunciation"),
    ],
)
def test_what_cannot_be_pronounced_is_named(
    lexicon: Lexicon, word: str, own: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ContextError, match=complaint):
        lexicon.pronounce([word], own)


def test_a_missing_dictionary_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.dict cannot be read"):
        Lexicon(tmp_path / "gone.dict").pronounce(["light"], {})


def test_a_phrase_may_be_cut_at_its_start() -> None:
    endings = phrase_endings([("HH EY",), ("N AA B UW", "N AE B UW")])
    assert endings == ("HH EY N AA B UW", "EY N AA B UW", "N AA B UW", "AA B UW")
    assert phrase_endings([("B AY",)]) == ("B AY",)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("kitchen", "K IH CH EH N"),
        ("bright", "B R AY T"),
        ("table", "T AE B AH L"),
        ("cake", "K EY K"),
        ("lamps", "L AE M P S"),
        ("city", "S IH T IY"),
        ("gerbil", "JH ER B IH L"),
        ("yonder", "Y AA N D ER"),
        ("why", "W AY"),
        ("knight", "N AY T"),
        ("Zoë", "Z OW"),
        ("groß", "G R AA S"),
        ("42", "F AO R T UW"),
        ("!", ""),
    ],
)
def test_letters_to_sounds(word: str, phones: str) -> None:
    assert sounds(word) == phones


@given(st.text(max_size=30))
def test_any_text_sounds_of_known_phones(text: str) -> None:
    assert set(sounds(text).split()) <= PHONES


def test_the_rules_come_close_to_the_dictionary() -> None:
    """On words of 4 to 8 letters of the real dictionary, at least 60 % of phones are right."""
    words, wrong, count = 0, 0, 0
    with model_path("en-us/cmudict-en-us.dict").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            word, _, phones = line.strip().partition(" ")
            if number % 97 == 0 and word.isalpha() and 4 <= len(word) <= 8:
                words += 1
                count += len(phones.split())
                wrong += edits(sounds(word).split(), phones.split())
    assert words > 500
    assert wrong / count < 0.4


def edits(one: list[str], other: list[str]) -> int:
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        before, row = row, [i]
        for j, its in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (mine != its)))
    return row[-1]
