"""The worker's smaller parts: streams, threads, engines by name, identity, settings."""

import asyncio
import threading
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_ears.vad.fake import FakeVadEngine
from antiphon_ears.wake.fake import FakeWakeEngine
from antiphon_ears.wake.household import INPUTS, Likeness
from antiphon_engines import intake, rack, registry, threads
from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError
from antiphon_engines.fake import FakeSttEngine, FakeTtsEngine
from antiphon_engines.identity import identity
from antiphon_engines.intake import Hole
from antiphon_engines.settings import EnginesSection, StreamsSection, WorkerSettings
from antiphon_engines.streams import Streams, StreamStalledError
from antiphon_engines.threads import EngineThread, ThreadPool
from antiphon_link import settings
from antiphon_link.errors import SettingsError
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.ids import is_slug
from antiphon_protocol.limits import STREAM_FRAMES_MAX
from antiphon_protocol.messages.work import LoadContext, WakeCheck
from tests.support.worker_world import FAKES, frames_of, loud

# -- streams --------------------------------------------------------------------------------------


def no_hole(hole: Hole) -> None:
    raise AssertionError(f"no hole expected: {hole}")


async def test_the_oldest_stream_goes_when_there_are_too_many() -> None:
    streams = Streams(StreamsSection(streams=2, stall_s=0.01))
    for name in ("a", "b", "c"):
        streams.put("hall", name, frames_of(loud(0.1))[0], 0.0)
    assert streams.counts["streams_dropped"] == 1
    with pytest.raises(StreamStalledError):
        await streams.read("hall", "a", no_hole).next()
    assert await streams.read("hall", "c", no_hole).next()


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9), st.integers(1, 4000))))
def test_streams_never_hold_more_than_their_bounds(
    puts: list[tuple[str, int, int]],
) -> None:
    bounds = StreamsSection(streams=3, kept_bytes=1 << 16)
    streams = Streams(bounds)
    for name, sequence, samples in puts:
        streams.put("hall", name, AudioFrame(sequence, sequence * 4000, 0, bytes(2 * samples)), 0.0)
        assert streams.kept_bytes <= bounds.kept_bytes
        assert len(streams._streams) <= bounds.streams
        assert streams.kept_bytes == sum(one.bytes for one in streams._streams.values())


async def test_a_stream_with_nothing_new_for_long_is_forgotten() -> None:
    streams, frames = Streams(StreamsSection(kept_s=60.0)), frames_of(loud(0.2))
    streams.put("hall", "old", frames[0], 0.0)
    streams.put("hall", "long", frames[0], 1.0)
    streams.put("hall", "new", frames[0], 50.0)
    streams.put("hall", "long", frames[1], 55.0)
    streams.expire(61.0)
    assert [key[1] for key in streams._streams] == ["new", "long"]
    assert streams.counts["streams_expired"] == 1
    streams.expire(200.0)
    assert streams.kept_bytes == 0


async def test_a_stream_of_another_satellite_is_another_stream() -> None:
    streams = Streams(StreamsSection(stall_s=0.01))
    streams.put("hall", "a", frames_of(loud(0.1))[0], 0.0)
    with pytest.raises(StreamStalledError):
        await streams.read("attic", "a", no_hole).next()


async def test_frames_over_the_limit_of_a_stream_are_refused_and_counted() -> None:
    streams = Streams(StreamsSection())
    streams.put("hall", "a", AudioFrame(STREAM_FRAMES_MAX, 0, 0, b"ab"), 0.0)
    assert streams.counts["frames_refused"] == 1
    assert streams.kept_bytes == 0


async def test_a_hole_that_is_never_filled_ends_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "GIVE_UP_S", 0.06)
    monkeypatch.setattr(intake, "RETRY_S", 0.04)
    streams, holes = Streams(StreamsSection(stall_s=0.01)), list[Hole]()
    frames = frames_of(loud(0.2))
    for frame in frames:
        if frame.sequence != 2:
            streams.put("hall", "a", frame, 0.0)
    reader = streams.read("hall", "a", holes.append)
    heard = b""
    while pcm := await reader.next():
        heard += pcm
    assert heard == b"".join(bytes(1024) if one.sequence == 2 else one.pcm for one in frames)
    assert set(holes) == {Hole(2, 2)}
    reader.close()
    assert not streams._readers


async def test_a_stream_of_which_words_never_come_is_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "GIVE_UP_S", 0.02)
    streams = Streams(StreamsSection())
    for frame in frames_of(loud(0.5)):
        if not 4 <= frame.sequence < 8:
            streams.put("hall", "a", frame, 0.0)
    reader = streams.read("hall", "a", lambda _: None)
    assert len(await reader.next()) == 4 * 1024
    with pytest.raises(StreamStalledError, match="4 frames never came"):
        await reader.next()


# -- threads --------------------------------------------------------------------------------------


async def test_calls_run_in_order_off_the_event_loop() -> None:
    thread = EngineThread("one")
    seen: list[int] = []
    calls = [asyncio.ensure_future(thread.run(seen.append, index)) for index in range(20)]
    await asyncio.gather(*calls)
    assert seen == list(range(20))
    assert await thread.run(threading.get_ident) != threading.get_ident()
    thread.stop()


async def test_what_a_call_raises_is_raised_where_it_is_awaited() -> None:
    thread = EngineThread("one")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 7) == 7
    thread.stop()


async def test_a_call_that_hangs_fails_and_marks_its_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "CALL_LIMIT_S", 0.05)
    pool, release = ThreadPool("stt", 1), threading.Event()
    thread = pool.borrow()
    assert thread is not None
    with pytest.raises(EngineFailedError, match="no answer"):
        await thread.run(release.wait)
    pool.give_back(thread)
    assert pool.borrow() is None
    assert pool.longest_s(asyncio.get_running_loop().time()) >= 0.05
    release.set()
    await thread.run(lambda: None)
    assert thread.busy_s(asyncio.get_running_loop().time()) == 0.0
    assert pool.borrow() is thread
    pool.stop()


async def test_a_cancelled_caller_leaves_the_thread_usable() -> None:
    thread, release = EngineThread("one"), threading.Event()
    call = asyncio.ensure_future(thread.run(release.wait))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not thread.idle
    release.set()
    assert await thread.run(lambda: 7) == 7
    assert thread.idle
    thread.stop()


async def test_a_hop_to_a_thread_and_back_is_short() -> None:
    thread = EngineThread("one")
    took = []
    for _ in range(200):
        began_s = time.perf_counter()
        await thread.run(lambda: None)
        took.append(time.perf_counter() - began_s)
    assert sorted(took)[100] < 0.002
    thread.stop()


# -- engines --------------------------------------------------------------------------------------


def test_engines_are_found_by_name() -> None:
    assert isinstance(registry.load_stt("fake", {"text": "x"}), FakeSttEngine)
    assert isinstance(registry.load_tts("fake", {"rate_hz": 8000}), FakeTtsEngine)
    assert {"fake", "pocketsphinx"} <= set(registry.names(registry.STT_GROUP))


@pytest.mark.parametrize("load", [registry.load_stt, registry.load_tts])
def test_an_unknown_engine_names_those_that_there_are(load: object) -> None:
    with pytest.raises(EngineMissingError, match=r"ghost.*fake"):
        load("ghost", {})  # type: ignore[operator]  # one of two functions


@pytest.mark.parametrize("options", [{"tex": "x"}, {"cost_ms": "much"}])
def test_wrong_options_of_a_fake_are_named(options: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=next(iter(options))):
        registry.load_stt("fake", options)


async def test_offers_say_what_the_worker_can_do() -> None:
    engines = rack.build(WorkerSettings(engines=FAKES))
    kinds = {offer.kind: offer for offer in engines.offers()}
    assert kinds["stt"].grammar
    assert kinds["stt"].dictation
    assert kinds["tts"].voices == ("tone", "low")
    assert "hey mycroft" in kinds["wake"].voices
    assert kinds["vad"].name == "fake"
    engines.close()


async def test_a_replaced_engine_is_closed_when_its_last_user_is_gone() -> None:
    class Engine:
        closed = False

        def close(self) -> None:
            self.closed = True

    slot = rack.Slot("x", Engine)
    with slot.lease() as old, slot.lease():
        slot.replace(slot.build())
        assert slot.engine is not old
        assert not old.closed
    assert old.closed
    assert not slot.engine.closed


async def test_contexts_are_bounded_and_given_to_an_engine_built_anew() -> None:
    engines = rack.build(WorkerSettings(engines=FAKES))
    for index in range(rack.CONTEXTS_MAX + 1):
        grammar = f"public <a> = {index};"
        engines.load_context(LoadContext(context=f"c{index}", language="en", grammar=grammar))
    await engines.context(f"c{rack.CONTEXTS_MAX}")
    with pytest.raises(Exception, match="c0"):
        await engines.context("c0")
    slot = engines.stt("", "en", dictation=False)
    await engines.rebuild(slot)
    slot.engine.open(language="en", context="c1").close()
    engines.close()


async def test_an_engine_that_cannot_be_built_anew_stays() -> None:
    engines = rack.build(WorkerSettings(engines=FAKES))
    slot = engines.stt("", "en", dictation=True)
    before = slot.engine

    def fail() -> FakeSttEngine:
        raise ModelError("gone")

    slot._build = fail
    await engines.rebuild(slot)
    assert slot.engine is before
    assert slot.rebuilds == 0
    engines.close()


async def test_warming_up_uses_each_engine() -> None:
    engines = rack.build(WorkerSettings(engines=FAKES, options={"fake": {"fails": "synthesize"}}))
    with pytest.raises(EngineFailedError):
        await engines.warm_up()
    engines.close()


# -- identity and settings ------------------------------------------------------------------------


def test_a_made_up_id_is_kept(tmp_path: Path) -> None:
    with identity("", tmp_path / "state") as first:
        assert is_slug(first)
    with identity("", tmp_path / "state") as second:
        assert second == first
    with identity("given", tmp_path / "other") as third:
        assert third == "given"
    assert not (tmp_path / "other").exists()


def test_two_workers_never_share_a_made_up_id(tmp_path: Path) -> None:
    with (
        identity("", tmp_path),
        pytest.raises(SettingsError, match="another worker"),
        identity("", tmp_path),
    ):
        pass


def test_a_damaged_id_is_made_up_anew(tmp_path: Path) -> None:
    (tmp_path / "worker-id").write_text("Not a slug!\n", encoding="utf-8")
    with identity("", tmp_path) as fresh:
        assert is_slug(fresh)
    with identity("", tmp_path) as again:
        assert again == fresh


def test_a_state_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="state_dir"), identity("", tmp_path / "file"):
        pass


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    tree = {"engines": {"sst": ["x"]}, "worker": {"capacity": 0}, "speech": {"lead_s": "long"}}
    with pytest.raises(SettingsError) as caught:
        settings.from_tree(tree, WorkerSettings, "worker.toml")
    assert len(caught.value.mistakes) == 3


def test_the_defaults_are_the_embedded_engines() -> None:
    assert msgspec.to_builtins(EnginesSection()) == {
        "stt": ("pocketsphinx",),
        "tts": ("flite", "espeak"),
        "wake": ("openwakeword", "microwakeword"),
        "vad": "silero",
    }


# -- the second opinion on a call ------------------------------------------------------------------


def rack_with(*wakes: str) -> rack.Rack:
    engines = [FakeWakeEngine(at=(16_000,)) for _ in wakes]
    for engine, name in zip(engines, wakes, strict=True):
        engine.name = name
    return rack.Rack(stt=(), tts=(), wake=engines, vad=FakeVadEngine())


def test_another_engine_gives_the_second_opinion_by_the_threshold_that_was_asked() -> None:
    check = WakeCheck(phrases=("hey mycroft",), heard_by="one", threshold=0.3)
    racked = rack_with("one", "other")
    engine = racked.wake_engine(check)
    assert engine.name == "other"
    assert racked.open_wake(engine, check).thresholds == {"hey mycroft": 0.3}


def test_where_there_is_no_other_the_same_engine_looks_again_by_its_own_threshold() -> None:
    check = WakeCheck(phrases=("hey mycroft",), heard_by="one", threshold=0.3)
    racked = rack_with("one")
    engine = racked.wake_engine(check)
    assert engine.name == "one"
    assert racked.open_wake(engine, check).thresholds == {"hey mycroft": 0.5}


def test_a_call_that_nobody_has_heard_is_looked_for_by_all() -> None:
    check = WakeCheck(phrases=("hey mycroft",))
    assert rack_with("one", "other").wake_engine(check).name == "one+other"


LIKE_NOTHING = Likeness([0.0] * INPUTS, -10.0).encode()


def test_what_is_like_the_households_calls_counts_beside_the_other_engine() -> None:
    check = WakeCheck(
        phrases=("hey mycroft",), heard_by="one", threshold=0.1, household=LIKE_NOTHING
    )
    racked = rack_with("one", "other")
    engine = racked.wake_engine(check)
    assert engine.name == "other+household"
    stream = racked.open_wake(engine, check)
    assert stream.thresholds == {"hey mycroft": 0.1}
    (found,) = stream.feed(bytes(64_000))
    assert found.engine == "other"


def test_where_there_is_no_other_the_same_engine_is_believed_sooner_if_it_is_like_them() -> None:
    like_all = Likeness([0.0] * INPUTS, 10.0).encode()
    for household, heard_by in ((LIKE_NOTHING, []), (like_all, ["household"])):
        check = WakeCheck(
            phrases=("hey mycroft",), heard_by="one", threshold=0.1, household=household
        )
        deaf = rack.Rack(stt=(), tts=(), wake=[FakeWakeEngine()], vad=FakeVadEngine())
        found = deaf.open_wake(deaf.wake_engine(check), check).feed(bytes(64_000))
        assert [one.engine for one in found[:1]] == heard_by


def test_a_likeness_that_is_none_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    check = WakeCheck(phrases=("hey mycroft",), heard_by="one", household=b"rubbish")
    assert rack_with("one", "other").wake_engine(check).name == "other"
    assert "a likeness has" in caplog.text
