"""`antiphon turns`, as a user types it, on the journal of turns that were really lived."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from antiphon_hub.recordings import Recordings, Shelf
from antiphon_hub.recordings.shelf import FOLDER
from antiphon_link.errors import SettingsError
from antiphon_protocol.audio import AudioFrame
from antiphon_tools.commands.turns import app, since_us
from antiphon_tools.speech import say
from antiphon_tools.turns.replay import Understood, changes
from tests.support import virtual_time
from tests.support.house import a_voice
from tests.support.turn_world import World, obliging


@cache
def a_second() -> bytes:
    """Return a second of somebody's speech: silence would not be heard again."""
    return say("turn on the light", a_voice())[:32000]


def lived(
    state_dir: Path,
    calls: tuple[str, ...] = ("do light",),
    *,
    audio: bool = False,
    text: bool = True,
) -> list[str]:
    """Have a house in which this is said; return the turns' ids."""
    recordings = Recordings(Shelf(state_dir / FOLDER, days=1 if audio else 0, mib=9), lambda: 0.0)

    async def story() -> list[str]:
        async with World(
            state_dir / "turns.sqlite", keep_text=text, recordings=recordings if audio else None
        ) as world:
            world.satellite()
            world.worker()
            for number, said in enumerate(calls):
                world.script = obliging(said)
                frame = AudioFrame(sequence=0, position=0, at_us=0, pcm=a_second())
                recordings.heard("sat", f"s{number}", frame)
                world.call(f"s{number}")
                await world.ended(number + 1)
            return [end.turn for end in world.endings]

    return virtual_time.run(story())


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def run(verb: str, *arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "140"}).invoke(
            app, [verb, *arguments, "--state-dir", str(tmp_path)]
        )

    return run


def objects(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_list_has_the_newest_first(tmp_path: Path, run: Callable[..., Result]) -> None:
    ids = lived(tmp_path, ("do light", "gibberish"))
    assert [one["turn"] for one in objects(run("list", "--json"))] == ids[::-1]
    text = run("list").stdout
    assert "failed: not-understood" in text
    assert text.index("gibberish") < text.index("do light")
    assert ids[0].removeprefix("turn-")[:8] in text


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--outcome", "failed"), 1),
        (("--outcome", "not-understood"), 1),
        (("--room", "kitchen"), 2),
        (("--room", "hall"), 0),
        (("--since", "1h"), 2),
        (("--since", "2999-01-01"), 0),
        (("--limit", "1"), 1),
    ],
)
def test_the_list_is_narrowed(
    tmp_path: Path, run: Callable[..., Result], options: tuple[str, ...], count: int
) -> None:
    lived(tmp_path, ("do light", "gibberish"))
    assert len(objects(run("list", *options, "--json"))) == count


def test_an_empty_list_says_so(tmp_path: Path, run: Callable[..., Result]) -> None:
    lived(tmp_path)
    assert run("list", "--room", "hall").stdout == "no such turns\n"


def test_one_turn_is_shown_with_its_stages(tmp_path: Path, run: Callable[..., Result]) -> None:
    (turn,) = lived(tmp_path, audio=True)
    text = run("show", turn[:10]).stdout
    for part in ("do light", "worker-1", "listen", "recognise", "play", "█", " ms", ".0.wav"):
        assert part in text, part
    (found,) = objects(run("show", "--json"))
    assert found["turn"] == turn
    assert f"{found['timings']['play']:,.0f} ms" in text
    assert [Path(path).name for path in found["audio"]] == [f"{turn}.0.wav"]


def test_records_of_a_trace_are_a_table(tmp_path: Path, run: Callable[..., Result]) -> None:
    lived(tmp_path)
    lines = run("show").stdout.splitlines()
    at = lines.index("streams")
    assert lines[at + 1].split() == ["id", "begin", "wake_end"]
    assert lines[at + 2].split() == ["s0", "0", "0"]


@pytest.mark.slow
def test_kept_audio_is_heard_again_and_compared(tmp_path: Path, run: Callable[..., Result]) -> None:
    (turn,) = lived(tmp_path, audio=True)
    (found,) = objects(run("replay", turn, "--engine", "fake", "--json"))
    assert found["then"]["text"] == "do light"
    assert found["now"]["text"] == "turn on the light"
    assert found["now"]["intent"] == "HassTurnOn"
    assert {"text", "intent", "slots"} <= set(found["changed"])
    assert "1 of 1 changed" in run("replay", "--engine", "fake").stdout


def test_what_was_not_kept_is_not_compared(tmp_path: Path, run: Callable[..., Result]) -> None:
    lived(tmp_path, audio=True, text=False)
    (found,) = objects(run("replay", "--all", "--engine", "fake", "--json"))
    assert found["then"]["text"] is None
    assert "text" not in found["changed"]
    assert "intent" in found["changed"]


@pytest.mark.parametrize("arguments", [(), ("--all",)])
def test_without_audio_the_remedy_is_named(
    tmp_path: Path, run: Callable[..., Result], arguments: tuple[str, ...]
) -> None:
    lived(tmp_path)
    result = run("replay", *arguments, "--engine", "fake")
    assert result.exit_code == 1
    assert "keep_audio_days" in result.stderr


@pytest.mark.parametrize(
    ("verb", "arguments", "reason"),
    [
        ("list", (), "no journal"),
        ("show", (), "no journal"),
        ("replay", (), "no journal"),
        ("list", ("--since", "soon"), "'soon' is no time"),
        ("replay", ("--config", "absent.toml"), "absent.toml"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    run: Callable[..., Result], verb: str, arguments: tuple[str, ...], reason: str
) -> None:
    result = run(verb, *arguments)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert "Traceback" not in result.output


def test_an_absent_engine_is_told(tmp_path: Path, run: Callable[..., Result]) -> None:
    lived(tmp_path, audio=True)
    result = run("replay", "--engine", "no-such-engine")
    assert (result.exit_code, "no-such-engine" in result.stderr) == (1, True)


NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", datetime(2026, 3, 4, 11, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 3, 4, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 2, 25, 12, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:00+01:00", datetime(2026, 3, 1, 7, tzinfo=UTC)),
    ],
)
def test_since_when(text: str, moment: datetime) -> None:
    assert since_us(text, NOW) == moment.timestamp() * 1e6


@pytest.mark.parametrize("text", ["yesterday", "3", "h", "-1h", "2026-13-01", "99999999d"])
def test_no_time_is_said(text: str) -> None:
    with pytest.raises(SettingsError, match="--since"):
        since_us(text, NOW)


BEFORE = Understood(
    text="turn on the light",
    confidence=0.9,
    rejected=False,
    intent="HassTurnOn",
    slots={"name": "light"},
    ended_by="silence",
    engine="one",
)


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({}, ()),
        ({"engine": "another", "confidence": 0.91}, ()),
        ({"confidence": 0.8}, ("confidence",)),
        ({"ended_by": "limit"}, ("ended_by",)),
        ({"text": "turn on a light"}, ("text",)),
        ({"text": "", "intent": "", "slots": {}, "rejected": True}, (
            "text", "intent", "slots", "rejected")),
    ],
)  # fmt: skip
def test_what_counts_as_a_change(now: dict[str, Any], changed: tuple[str, ...]) -> None:
    later = Understood(
        **{**{name: getattr(BEFORE, name) for name in BEFORE.__struct_fields__}, **now}
    )
    assert changes(BEFORE, later) == changed
