"""Figures for Prometheus, read as it reads them."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from antiphon_hub.metrics import Counts, Exporter, MeteredPublisher, Meters
from antiphon_hub.metrics import exporter as module
from antiphon_hub.publisher import RecordingPublisher
from antiphon_protocol.messages.event import SatelliteJoined, TurnEnded

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def ask(address: str, request: bytes) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def figures(body: str) -> Figures:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


async def scraped(address: str) -> Figures:
    head, _, body = (await ask(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")).partition(
        b"\r\n\r\n"
    )
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain;")
    assert f"Content-Length: {len(body)}".encode() in head
    return figures(body.decode())


@pytest.fixture
def meters() -> Meters:
    return Meters("1.2.3")


@contextlib.asynccontextmanager
async def shown(meters: Meters) -> AsyncIterator[tuple[str, Exporter]]:
    exporter = Exporter(meters.registry)
    async with exporter.listening("127.0.0.1:0") as address:
        yield address, exporter


def turn(outcome: str, code: str = "", **timings: float) -> TurnEnded:
    return TurnEnded(
        turn="turn-1",
        room="kitchen",
        satellite="sat",
        outcome=outcome,  # type: ignore[arg-type]
        code=code,
        transcript="secret words",
        timings=timings,
    )


async def test_turns_are_counted_by_outcome_and_their_stages_timed(meters: Meters) -> None:
    recorded = RecordingPublisher()
    publisher = MeteredPublisher(recorded, meters)
    events = [
        turn("answered", hear=40.0),
        turn("answered", hear=60.0),
        turn("failed", "no-worker"),
        SatelliteJoined(satellite="sat", room="kitchen"),
    ]
    for event in events:
        publisher.publish(event)
    assert recorded.events == events
    async with shown(meters) as (address, _):
        found = await scraped(address)
    assert found["antiphon_turns_total", (("code", ""), ("outcome", "answered"))] == 2
    assert found["antiphon_turns_total", (("code", "no-worker"), ("outcome", "failed"))] == 1
    hear = (("stage", "hear"),)
    assert found["antiphon_stage_seconds_count", hear] == 2
    assert found["antiphon_stage_seconds_sum", hear] == pytest.approx(0.1)
    assert found["antiphon_stage_seconds_bucket", (("le", "0.05"), ("stage", "hear"))] == 1


async def test_no_words_and_no_room_are_shown(meters: Meters) -> None:
    meters.ended(turn("answered", hear=40.0))
    async with shown(meters) as (address, _):
        answer = await ask(address, b"GET /metrics HTTP/1.1\r\n\r\n")
    assert b"secret" not in answer
    assert b"kitchen" not in answer


async def test_counters_and_drops_are_read_when_somebody_looks(meters: Meters) -> None:
    counts: Counter[str] = Counter()
    meters.counted(Counts(part="link", counts=counts, drops=("posts_lost",)))
    here = [0]
    meters.gauge("satellites", "Satellites that are here.", lambda: here[0])
    counts["connects"] += 3
    counts["posts_lost"] += 2
    here[0] = 5
    async with shown(meters) as (address, _):
        found = await scraped(address)
    assert found["antiphon_part_events_total", (("event", "connects"), ("part", "link"))] == 3
    assert found["antiphon_queue_drops_total", (("part", "link"), ("queue", "posts_lost"))] == 2
    assert found["antiphon_satellites", ()] == 5
    assert found["antiphon_info", (("version", "1.2.3"),)] == 1
    assert found["process_resident_memory_bytes", ()] > 1e6


async def test_a_drop_that_never_happened_is_shown_as_none(meters: Meters) -> None:
    meters.counted(Counts(part="link", counts=Counter(), drops=("posts_lost",)))
    async with shown(meters) as (address, _):
        found = await scraped(address)
    assert found["antiphon_queue_drops_total", (("part", "link"), ("queue", "posts_lost"))] == 0


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /metrics?x=1 HTTP/1.1\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"\r\n\r\n", b"405"),
    ],
)
async def test_nothing_else_is_served(meters: Meters, request_bytes: bytes, status: bytes) -> None:
    async with shown(meters) as (address, _):
        answer = await ask(address, request_bytes)
    assert answer.split()[1] == status


async def test_an_endless_request_is_cut_off(meters: Meters) -> None:
    async with shown(meters) as (address, exporter):
        with contextlib.suppress(ConnectionError):
            assert await ask(address, b"GET /" + b"x" * 200_000) == b""
        assert exporter.counts["bad"] == 1
        assert ("antiphon_satellites", ()) not in await scraped(address)


@contextlib.contextmanager
def patience(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(module, "REQUEST_S", seconds)
        yield


async def test_a_silent_client_is_sent_away(
    meters: Meters, monkeypatch: pytest.MonkeyPatch
) -> None:
    with patience(monkeypatch, 0.02):
        async with shown(meters) as (address, exporter):
            with contextlib.suppress(ConnectionError):
                assert await ask(address, b"GET /met") == b""
            assert exporter.counts["bad"] == 1


async def test_clients_beyond_the_bound_are_refused(meters: Meters) -> None:
    async with shown(meters) as (address, exporter):
        host, _, port = address.rpartition(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(module.CLIENTS_MAX)]
        with contextlib.suppress(ConnectionError):
            assert await ask(address, b"GET /metrics HTTP/1.1\r\n\r\n") == b""
        assert exporter.counts["refused"] == 1
        for _, writer in held:
            writer.close()


async def test_a_taken_address_is_reported_and_leaves_the_house_running(
    meters: Meters, caplog: pytest.LogCaptureFixture
) -> None:
    async with shown(meters) as (address, _), Exporter(meters.registry).listening(address) as no:
        assert no == ""
    assert address in caplog.text


async def test_without_an_address_nothing_listens(meters: Meters) -> None:
    async with Exporter(meters.registry).listening("") as address:
        assert address == ""
