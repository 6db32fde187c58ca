"""What is set at satellites: kept, told, taken back when refused; and live scores, by a lease."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon_hub.errors import StorageError
from antiphon_hub.fleet import Fleet, Twins
from antiphon_hub.identity.people import Role
from antiphon_hub.web.scores import LOOKED_AT_MAX, Scores
from antiphon_protocol.messages.config import (
    DesiredSettings,
    PhraseScore,
    ReportedSettings,
    SatelliteSettings,
    WakeScores,
)
from antiphon_protocol.messages.event import Event, SatelliteJoined
from antiphon_protocol.messages.presence import Hello
from antiphon_protocol.messages.satellite import Restart, ShowScores
from antiphon_protocol.version import OURS
from tests.support.console_world import ConsoleWorld, console_world, do
from tests.support.waiting import eventually

FILE_SETS = SatelliteSettings(
    room="kitchen", phrases=("hey mycroft",), while_playing=True, gain_db=0.0
)
SCORED = WakeScores(
    level_dbfs=-30.0,
    scores=(PhraseScore(engine="fake", phrase="hey mycroft", score=0.25, threshold=0.5),),
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path) as one:
        yield one


class Obedient:
    """A satellite that answers what is wanted of it, as far as it can."""

    def __init__(self, twins: Twins, satellite: str = "sat") -> None:
        self._twins, self._satellite = twins, satellite
        self.version = 0
        self.settings = FILE_SETS
        self.say()

    def say(self, refused: int = 0, why: str = "") -> None:
        report = ReportedSettings(
            version=self.version,
            settings=self.settings,
            refused=refused,
            why=why,
            engines=("fake",),
            known_phrases=("hey mycroft", "okay nabu"),
            restarts=True,
        )
        self._twins.told(self._satellite, report)

    def take(self, desired: DesiredSettings) -> None:
        if "computer" in (desired.settings.phrases or ()):
            self.say(desired.version, "fake cannot hear 'computer'")
            return
        self.version = desired.version
        self.say()


def obeying(world: ConsoleWorld) -> Obedient:
    """Have a satellite here that answers."""
    world.joined("sat", "kitchen")
    satellite = Obedient(world.twins)
    world.answer_wanted = lambda _, desired: satellite.take(desired)
    return satellite


async def test_an_owner_sets_a_satellite_and_is_told_that_it_counts(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    satellite = obeying(world)
    fields = {"satellite": "sat", "threshold": "0.7", "phrases": "okay nabu", "gain_db": ""}
    answer = await do(owner, "satellites.set_settings", **fields)
    assert answer.json()["message"] == "sat has taken that over."
    wanted = SatelliteSettings(threshold=0.7, phrases=("okay nabu",))
    assert world.wanted == [("sat", DesiredSettings(version=1, settings=wanted))]
    assert satellite.version == 1
    page = (await owner.get("/satellites/sat")).text
    assert 'value="0.7"' in page
    told = (await owner.get("/api/v1/satellites/sat/settings")).json()
    assert told["own"] == {"threshold": 0.7, "phrases": ["okay nabu"]}


async def test_what_a_satellite_refuses_is_taken_back(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    satellite = obeying(world)
    await do(owner, "satellites.set_settings", satellite="sat", gain_db="-3")
    refused = await do(owner, "satellites.set_settings", satellite="sat", phrases="computer")
    assert refused.status_code == 422
    assert "cannot hear" in refused.json()["error"]
    assert satellite.version == 3
    assert world.twins.desired("sat").settings == SatelliteSettings(gain_db=-3.0)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": "0"}, {"threshold": "2"}, {"gain_db": "99"}, {"room": "x" * 101}, {"x": "1"}],
)
async def test_wrong_values_reach_no_satellite(world: ConsoleWorld, wrong: dict[str, str]) -> None:
    owner = await world.signed_in()
    obeying(world)
    answer = await do(owner, "satellites.set_settings", satellite="sat", **wrong)
    assert answer.status_code == 422
    assert world.wanted == []


async def test_only_an_owner_sets_and_restarts(world: ConsoleWorld) -> None:
    family = await world.signed_in(Role.FAMILY)
    obeying(world)
    assert (await do(family, "satellites.set_settings", satellite="sat")).status_code == 403
    assert (await do(family, "satellites.restart", satellite="sat")).status_code == 403
    page = (await family.get("/satellites/sat")).text
    assert "Only an owner" in page
    assert (world.wanted, world.commands) == ([], [])


async def test_a_satellite_is_started_anew(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    assert (await do(owner, "satellites.restart", satellite="sat")).status_code == 404
    world.joined("old", "hall")
    assert (await do(owner, "satellites.restart", satellite="old")).status_code == 409
    obeying(world)
    assert (await do(owner, "satellites.restart", satellite="sat")).status_code == 200
    assert world.commands == [("sat", Restart())]


async def test_one_that_is_away_is_set_later(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    world.joined("sat", "kitchen")
    answer = await do(owner, "satellites.set_settings", satellite="sat", gain_db="-3")
    assert answer.json()["message"] == "sat takes that over later."
    world.twins.told("sat", ReportedSettings(version=0, settings=FILE_SETS))
    assert [desired.version for _, desired in world.wanted] == [1, 1], "told again, as it came"
    unknown = await do(owner, "satellites.set_settings", satellite="nobody", gain_db="-3")
    assert unknown.status_code == 404


async def test_what_is_wanted_outlives_the_hub(tmp_path: Path) -> None:
    twins = Twins(tmp_path, lambda *_: None)
    await twins.set("sat", SatelliteSettings(gain_db=-3.0), here=False)
    again = Twins(tmp_path, lambda *_: None)
    assert again.desired("sat") == twins.desired("sat")
    (tmp_path / "satellites.json").write_text("{", encoding="utf-8")
    with pytest.raises(StorageError, match=r"satellites\.json"):
        Twins(tmp_path, lambda *_: None)


async def test_a_satellite_that_knows_another_hubs_settings_is_told(tmp_path: Path) -> None:
    posted: list[tuple[str, DesiredSettings]] = []
    twins = Twins(tmp_path, lambda *one: posted.append(one))
    twins.told("sat", ReportedSettings(version=0, settings=FILE_SETS))
    assert posted == []
    twins.told("sat", ReportedSettings(version=7, settings=FILE_SETS))
    assert posted == [("sat", DesiredSettings(version=0))]


# -- scores ---------------------------------------------------------------------------------------


async def test_scores_come_while_somebody_looks(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    assert (await owner.get("/api/v1/satellites/sat/scores")).status_code == 404
    obeying(world)
    world.scores.told("sat", SCORED)
    looks = asyncio.create_task(owner.get("/api/v1/satellites/sat/scores"))
    await eventually(lambda: world.commands)
    world.scores.told("sat", SCORED)
    shown = (await looks).json()["shown"]
    assert [one["number"] for one in shown] == [1], "what nobody looked at is no news"
    assert shown[0]["scores"]["scores"][0]["score"] == 0.25
    assert world.commands == [("sat", ShowScores(lease_s=10.0))]
    world.scores.told("sat", SCORED)
    more = (await owner.get("/api/v1/satellites/sat/scores?after=1")).json()["shown"]
    assert [one["number"] for one in more] == [2]
    assert len(world.commands) == 1, "the lease is not renewed with each look"


async def test_as_many_satellites_are_looked_at_as_there_may_be() -> None:
    asked: list[str] = []
    scores = Scores(lambda satellite, _: asked.append(satellite))
    looks = [asyncio.create_task(scores.after(f"s{n}", 0)) for n in range(LOOKED_AT_MAX + 1)]
    await eventually(lambda: len(asked) > LOOKED_AT_MAX)
    for n in range(LOOKED_AT_MAX + 1):
        scores.told(f"s{n}", SCORED)
    found = await asyncio.gather(*looks)
    assert [len(one) for one in found] == [0] + [1] * LOOKED_AT_MAX


# -- the fleet ------------------------------------------------------------------------------------


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, event: Event) -> None:
        self.events.append(event)


def hello(room: str, instance: str = "a", epoch: int = 5) -> Hello:
    return Hello(
        satellite="sat",
        epoch=epoch,
        room=room,
        protocol=OURS,
        software="1",
        host="pi",
        instance=instance,
    )


def test_a_satellite_that_is_here_may_move() -> None:
    kept = Kept()
    fleet = Fleet(kept)
    assert fleet.joined("sat", hello("kitchen"))
    assert not fleet.joined("sat", hello("hall")), "it did not come anew"
    assert [one.id for one in fleet.in_room("hall")] == ["sat"]
    assert not fleet.in_room("kitchen")
    assert not fleet.joined("sat", hello("attic", instance="b")), "another of its id"
    assert [one.id for one in fleet.in_room("hall")] == ["sat"]
    assert kept.events == [
        SatelliteJoined(satellite="sat", room="kitchen"),
        SatelliteJoined(satellite="sat", room="hall"),
    ]
