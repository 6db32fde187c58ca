"""Calls that the house is taught in the console: by the real command, read at once, forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon_hub.callers import FILE, Callers, Taught, TaughtCall, load, save
from antiphon_hub.callers.store import EMBEDDINGS_BYTES
from antiphon_hub.errors import CallersError
from antiphon_hub.home.files import OWN
from antiphon_hub.identity.people import Role
from antiphon_hub.recordings.shelf import FOLDER, Shelf
from antiphon_protocol.audio import SAMPLE_BYTES
from antiphon_protocol.wav import write_wav
from antiphon_tools.speech import command
from tests.support.console_world import ConsoleWorld, console_world, do
from tests.support.house import a_voice

FIRED = 16_000 * 2
"""A wake engine has heard the call by then: it begins after 0.8 s."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path) as one:
        yield one


def a_call(person: str, phrase: str = "hey mycroft") -> TaughtCall:
    kept = bytes(EMBEDDINGS_BYTES)
    return TaughtCall(phrase=phrase, person=person, source="turn-1", at_s=1.0, embeddings=kept)


async def a_kept_turn(world: ConsoleWorld, turn: str) -> None:
    await world.keep(
        turn,
        trace={
            "wake": {"phrase": "hey mycroft"},
            "streams": [{"id": "s1", "begin": 0, "wake_end": FIRED}],
        },
    )
    pcm = command("what time is it", a_voice())
    assert len(pcm) > FIRED * SAMPLE_BYTES
    Shelf(world.folder / FOLDER, days=1, mib=9).put(turn, 0, write_wav(pcm))


def test_what_is_known_is_read_when_the_file_changes(tmp_path: Path) -> None:
    own = tmp_path / OWN
    callers = Callers(tmp_path, own)
    assert callers.taught() == Taught()
    taught = Taught(calls={"call-1": a_call("Ann")}, likenesses={"hey mycroft": b"some"})
    save(own, taught)
    assert callers.taught() == load(own) == taught
    assert (callers.likeness("hey mycroft"), callers.likeness("alexa")) == (b"some", b"")
    save(own, Taught())
    assert callers.likeness("hey mycroft") == b""


def test_a_damaged_file_is_told_once_and_counts_for_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.joinpath(FILE).write_bytes(b"rubbish")
    callers = Callers(tmp_path, tmp_path)
    assert callers.likeness("hey mycroft") == callers.likeness("hey mycroft") == b""
    assert caplog.text.count("nobody's calls are known") == 1


async def test_a_name_is_never_an_option(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    async def run(arguments: list[str]) -> tuple[int, str]:
        asked.append(arguments)
        return 1, "no such person"

    callers = Callers(tmp_path, tmp_path, run)
    with pytest.raises(CallersError, match="no such person"):
        await callers.forget("--help")
    assert asked[0][-2:] == ["--", "--help"]


@pytest.mark.slow
async def test_the_console_teaches_shows_and_forgets_callers(world: ConsoleWorld) -> None:
    for number in range(3):
        await a_kept_turn(world, f"turn-{number}")
    owner = await world.signed_in()
    page = await owner.get("/conversations/turn-0")
    assert "Remember this call" in page.text
    said = [
        (await do(owner, "callers.teach", turn=f"turn-{n}", person="Ann <3")).json()["message"]
        for n in range(3)
    ]
    assert said[0] == "1 of Ann <3's calls are known. Some more, and they count."
    assert said[2] == "3 of Ann <3's calls are known."
    page = await owner.get("/people")
    assert "Ann &lt;3" in page.text
    assert "They are not used" in page.text
    assert world.callers.likeness("hey mycroft")
    refused = await do(owner, "callers.teach", turn="turn-9", person="Ann <3")
    assert (refused.status_code, "turn-9" in refused.text) == (422, True)
    await do(owner, "callers.forget", person="Ann <3")
    assert not (world.folder / OWN / FILE).exists()
    assert "Whose calls" not in (await owner.get("/people")).text


async def test_only_the_owner_teaches(world: ConsoleWorld) -> None:
    await a_kept_turn(world, "turn-0")
    member = await world.signed_in(Role.FAMILY)
    assert "Remember this call" not in (await member.get("/conversations/turn-0")).text
    answer = await do(member, "callers.teach", turn="turn-0", person="Ann")
    assert answer.status_code == 403
