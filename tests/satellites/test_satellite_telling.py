"""A code told aloud: the recorded digits, how often, and what a speaker that fails does."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pocketsphinx
import pytest

from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.speak import digits
from antiphon_satellite.speak.digits import RATE_HZ, SLOT_SAMPLES, WORDS, spoken
from antiphon_satellite.speak.paced import PacedOutput, PacedSpeaker, Sounded
from antiphon_satellite.speak.speaker import Speaker
from antiphon_satellite.telling import AGAIN_S, TOLD_MAX, Telling
from tests.support.virtual_time import run


def test_each_digit_is_a_word_of_its_own() -> None:
    said = [spoken(str(digit)) for digit in range(10)]
    assert len(set(said)) == len(WORDS)
    for pcm in said:
        samples = array("h", pcm)
        assert len(samples) == SLOT_SAMPLES
        assert max(samples) > 3000, "it can be heard"
        assert not any(samples[-100:]), "a pause follows"


def test_a_code_is_its_digits_in_two_groups() -> None:
    pcm = spoken("47829131")
    assert pcm.startswith(spoken("4782"))
    assert pcm.endswith(spoken("9131"))
    assert len(pcm) > 2 * len(spoken("4782"))


def test_a_missing_recording_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(digits, "FILE", tmp_path / "digits.wav")
    with pytest.raises(SoundDeviceError, match=r"digits\.wav"):
        spoken("1")


class Broken(PacedSpeaker):
    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator[PacedOutput]:
        raise SoundDeviceError(f"no device for {sound} at {rate_hz}")
        yield PacedOutput(rate_hz, 1.0)


async def told(speaker: Speaker, codes: dict[float, str], for_s: float) -> list[str]:
    """Tell codes at these seconds; returns what was shown."""
    shown: list[str] = []
    telling = Telling(speaker, shown.append)
    aloud = asyncio.create_task(telling.run())
    began_s = asyncio.get_running_loop().time()
    for at_s, code in codes.items():
        await asyncio.sleep(began_s + at_s - asyncio.get_running_loop().time())
        telling.tell(code)
    await asyncio.sleep(for_s)
    aloud.cancel()
    await asyncio.wait([aloud])
    return shown


def test_it_is_said_again_and_again_but_not_all_night() -> None:
    sounds: list[Sounded] = []
    shown = run(told(PacedSpeaker("memory", sounds.append), {0.0: "47829131"}, 4 * 3600))
    assert shown == ["47829131"]
    assert len(sounds) == TOLD_MAX
    assert {one.pcm for one in sounds} == {spoken("47829131")}
    assert all(one.drained for one in sounds)


def test_a_new_code_is_said_at_once() -> None:
    sounds: list[Sounded] = []
    codes = {0.0: "47829131", 10.0: "11112222"}
    run(told(PacedSpeaker("memory", sounds.append), codes, AGAIN_S / 2))
    assert [one.pcm for one in sounds] == [spoken("47829131"), spoken("11112222")]


def test_a_speaker_that_fails_leaves_the_writing() -> None:
    assert run(told(Broken("none", lambda _: None), {0.0: "47829131"}, 60)) == ["47829131"]


def test_a_recogniser_understands_every_digit(tmp_path: Path) -> None:
    words = "|".join(WORDS)
    grammar = tmp_path / "digits.gram"
    grammar.write_text(f"#JSGF V1.0; grammar digits; public <digits> = ({words})+;")
    model = Path(pocketsphinx.get_model_path("en-us"))
    recogniser = pocketsphinx.Decoder(
        hmm=str(model / "en-us"),
        dict=str(model / "cmudict-en-us.dict"),
        jsgf=str(grammar),
        loglevel="FATAL",
    )
    assert RATE_HZ == 16_000, "what the model was trained on"
    recogniser.start_utt()
    recogniser.process_raw(spoken("0123456789"), full_utt=True)
    recogniser.end_utt()
    assert recogniser.hyp().hypstr.split() == list(WORDS)
