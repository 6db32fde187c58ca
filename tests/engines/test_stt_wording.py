"""What recognisers of open text write, as a home's grammar has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.stt.wording import spoken_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (" Turn on the kitchen light.", "turn on the kitchen light"),
        ("Set the lamp to 40%!", "set the lamp to forty percent"),
        ("Wake me at 7:30 p.m.", "wake me at seven thirty pm"),
        ("What\u2019s the 'time'?", "what's the time"),
        ("1,250 and 1.5", "one thousand two hundred fifty and one point five"),
        ("A twenty-one degree room, 21°", "a twenty one degree room twenty one degrees"),
        ("[BLANK_AUDIO] (wind blowing) <unk> ♪", ""),
        ("call 01234567890", "call 0 1 2 3 4 5 6 7 8 9 0"),
    ],
)
def test_a_transcript_becomes_words(written: str, said: str) -> None:
    assert spoken_words(written, "en-GB") == said


def test_numbers_are_in_the_languages_words_or_stay() -> None:
    assert spoken_words("Licht auf 25", "de_DE") == "licht auf fünfundzwanzig"
    assert spoken_words("25", "xx") == "25"


@given(text=st.text(max_size=60), language=st.sampled_from(("en", "de-AT", "xx", "")))
def test_any_text_becomes_words_or_nothing(text: str, language: str) -> None:
    said = spoken_words(text, language)
    assert said == " ".join(said.split())
    assert not set(said) & set('.,;:!?"()[]{}%')
