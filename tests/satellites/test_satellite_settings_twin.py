"""What the hub sets at a satellite: taken over at once, kept, reported; what is wrong is not."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from antiphon_ears.wake.fake import marker
from antiphon_link.fake import FakeBus
from antiphon_protocol.messages.config import PhraseScore, SatelliteSettings
from antiphon_protocol.messages.presence import Goodbye
from antiphon_protocol.messages.satellite import Fault, Restart, ShowScores
from antiphon_satellite.errors import RestartAskedError
from antiphon_satellite.listen.ear import Ear
from antiphon_satellite.listen.engines import load_engines
from antiphon_satellite.listen.meter import FRAMES_EACH, Meter
from antiphon_satellite.listen.microphone import PcmFrame
from antiphon_satellite.settings import GateSection, Settings, WakeSection
from antiphon_satellite.twin import merged
from tests.support.satellite_world import HubPart, hub_part, simulated


async def first_report(hub: HubPart) -> None:
    await hub.until(lambda: hub.reports)


async def test_a_satellite_reports_what_its_file_sets_and_then_what_the_hub_sets() -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub, simulated(bus):
        await first_report(hub)
        assert hub.reports[0].version == 0
        assert hub.reports[0].settings == SatelliteSettings(
            room="kitchen",
            phrases=("hey mycroft",),
            while_playing=True,
            gain_db=0.0,
            codec="pcm",
        )
        assert hub.reports[0].engines == ("fake",)
        assert hub.reports[0].known_phrases == ("hey mycroft", "okay nabu")
        wanted = SatelliteSettings(
            room="hall",
            phrases=("okay nabu",),
            threshold=0.4,
            while_playing=False,
            gain_db=-6.0,
            codec="opus",
        )
        report = await hub.want(3, **msgspec.structs.asdict(wanted))
        assert (report.version, report.refused) == (3, 0)
        assert report.settings == wanted
        await hub.until(lambda: hub.rooms()[-1] == "hall")
        assert hub.presences[-1].phrases == ("okay nabu",)  # type: ignore[union-attr]


async def test_it_calls_by_the_phrase_that_was_set() -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub, simulated(bus) as (sim, _):
        await sim.wait_ready()
        await hub.want(1, phrases=("okay nabu",))
        await sim.say(bytes(16_000) + marker() + bytes(16_000))
        assert (await hub.call()).phrase == "okay nabu"


async def test_what_is_wrong_is_a_fault_and_changes_nothing() -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub, simulated(bus):
        await first_report(hub)
        await hub.want(1, threshold=0.4)
        wrong = {"phrases": ("computer",)}, {"phrases": ()}, {"room": ""}, {"codec": "morse"}
        for version, settings in enumerate(wrong, start=2):
            report = await hub.want(version, gain_db=3.0, **settings)
            assert (report.version, report.refused) == (1, version), settings
            assert report.why
            assert report.settings.gain_db == 0.0
            assert report.settings.threshold == 0.4
        assert {fault.code for fault in hub.all(Fault)} == {"settings"}
        assert "computer" in hub.all(Fault)[0].text
        report = await hub.want(9, threshold=None)
        assert (report.version, report.refused, report.settings.threshold) == (9, 0, None)


async def test_what_was_set_counts_at_the_next_start_without_a_hub(tmp_path: Path) -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub:
        async with simulated(bus, state_dir=tmp_path):
            await first_report(hub)
            await hub.want(5, room="hall", threshold=0.3)
        reports = len(hub.reports)
        async with simulated(FakeBus(), state_dir=tmp_path) as (sim, _):
            del sim  # without a hub it starts all the same
        async with simulated(bus, state_dir=tmp_path):
            await hub.until(lambda: len(hub.reports) > reports)
            assert hub.reports[-1].version == 5
            assert hub.reports[-1].settings.threshold == 0.3
            assert hub.rooms()[-1] == "hall"


async def test_what_does_not_fit_any_more_is_left_out_at_the_start(tmp_path: Path) -> None:
    kept = b'{"type":"desired-settings","version":4,"settings":{"phrases":["computer"]}}'
    (tmp_path / "settings-sim.json").write_bytes(kept)
    bus = FakeBus()
    async with hub_part(bus) as hub, simulated(bus, state_dir=tmp_path):
        await first_report(hub)
        assert (hub.reports[0].version, hub.reports[0].refused) == (0, 4)
        assert "computer" in hub.reports[0].why


async def test_a_satellite_without_an_engine_has_its_gate_set() -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub, simulated(bus, wake="hub"):
        await first_report(hub)
        report = await hub.want(1, gate_threshold=0.7, gate_hangover_s=3.0, threshold=0.9)
        assert report.settings == SatelliteSettings(
            room="kitchen", gain_db=0.0, gate_threshold=0.7, gate_hangover_s=3.0, codec="pcm"
        )


async def test_scores_are_shown_while_the_lease_lasts_and_no_longer() -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub, simulated(bus) as (sim, _):
        await sim.wait_ready()
        hub.ask(ShowScores(lease_s=30.0))
        await sim.say(bytes(32_000) + marker() + bytes(16_000))
        await hub.until(
            lambda: any(one.scores and one.scores[0].score >= 0.5 for one in hub.scores)
        )
        best = best_of(hub)
        assert (best.engine, best.phrase, best.threshold) == ("fake", "hey mycroft", 0.5)


def best_of(hub: HubPart) -> PhraseScore:
    seen = [score for one in hub.scores for score in one.scores]
    none = PhraseScore(engine="", phrase="", score=0.0, threshold=0.0)
    return max([none, *seen], key=lambda one: one.score)


async def until_it_ends(bus: FakeBus, hub: HubPart) -> None:
    async with simulated(bus):
        await first_report(hub)
        assert hub.reports[0].restarts
        hub.ask(Restart())
        await asyncio.Event().wait()


async def test_it_starts_anew_when_asked_and_says_goodbye() -> None:
    bus = FakeBus()
    async with hub_part(bus) as hub:
        with pytest.raises(BaseExceptionGroup) as raised:
            await until_it_ends(bus, hub)
        assert raised.group_contains(RestartAskedError)
        await hub.until(lambda: isinstance(hub.presences[-1], Goodbye))


# -- the meter, and how settings are merged ------------------------------------------------------


def metered() -> tuple[Ear, Meter]:
    ear = load_engines(WakeSection(engines=("fake",)), GateSection()).ear()
    return ear, Meter(ear)


def shown(ear: Ear, meter: Meter, frames: int, now_s: float) -> int:
    count = 0
    for _ in range(frames):
        ear.take(PcmFrame(pcm=bytes(1024), at_us=0), attentive=True)
        count += meter.heard(now_s) is not None
    return count


def test_a_meter_is_silent_without_a_lease_and_behind_it() -> None:
    ear, meter = metered()
    assert shown(ear, meter, 50, 1.0) == 0
    meter.show(10.0, 1.0)
    assert shown(ear, meter, 50, 2.0) == 50 // FRAMES_EACH
    assert shown(ear, meter, 50, 11.0) == 0
    meter.show(10.0, 12.0)
    meter.show(0.0, 13.0)
    assert shown(ear, meter, 50, 14.0) == 0


def test_a_meter_says_at_most_five_things_in_a_second() -> None:
    ear, meter = metered()
    meter.show(60.0, 0.0)
    assert shown(ear, meter, 313, 1.0) <= 10 * 5


def test_only_what_is_wanted_differs_from_the_file() -> None:
    base = Settings(wake=WakeSection(threshold=0.8, mode="hub"))
    assert merged(base, SatelliteSettings()) == base
    changed = merged(base, SatelliteSettings(gain_db=-3.0))
    assert changed.speaker.gain_db == -3.0
    assert changed.wake == base.wake


def test_an_ear_can_listen_with_other_engines() -> None:
    ear, _ = metered()
    other = load_engines(WakeSection(engines=("fake",), phrases=("okay nabu",)), GateSection())
    ear.listen_with(other.wake, None)
    heard = bytes(16_000) + marker(0.5)
    calls = [
        call
        for at in range(0, 32_000, 1024)
        if (call := ear.take(frame_of(heard[at : at + 1024]), attentive=True))
    ]
    assert [call.phrase for call in calls] == ["okay nabu"]
    assert [part.engine for part, _ in ear.peaks()] == ["fake"]


def frame_of(pcm: bytes) -> PcmFrame:
    return PcmFrame(pcm=pcm.ljust(1024, b"\0"), at_us=0)
