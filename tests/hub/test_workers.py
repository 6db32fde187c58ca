"""Who gets a job, and how a job hears of its worker's end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.errors import JobTimeoutError, WorkerLostError
from antiphon_hub.publisher import RecordingPublisher
from antiphon_hub.workers import WorkerPool
from antiphon_hub.workers.placement import Need, able, ranked
from antiphon_hub.workers.pool import INBOX_MAX, WORKERS_MAX
from antiphon_protocol.messages.presence import EngineOffer, WorkerGoodbye, WorkerHello
from antiphon_protocol.messages.work import Cancel, Finish, LoadContext, Partial, WorkerCommand
from antiphon_protocol.version import OURS
from tests.support import virtual_time


class Candidate(msgspec.Struct, frozen=True):
    load: float
    near: bool
    offers: tuple[EngineOffer, ...]


HEARS = EngineOffer(kind="stt", name="ear", languages=("en-GB",), grammar=True)
SPEAKS = EngineOffer(kind="tts", name="mouth", languages=())
NEED = Need(kind="stt", language="en-US")

candidates = st.builds(
    Candidate,
    load=st.floats(0, 3),
    near=st.booleans(),
    offers=st.sampled_from([(HEARS,), (SPEAKS,), (HEARS, SPEAKS), ()]),
)


def hello(name: str = "w", epoch: int = 1, *, host: str = "here", capacity: int = 2) -> WorkerHello:
    return WorkerHello(
        worker=name,
        epoch=epoch,
        protocol=OURS,
        software="0",
        host=host,
        process=1,
        device="cpu",
        capacity=capacity,
        engines=(HEARS, SPEAKS),
    )


def pool() -> tuple[WorkerPool, list[tuple[str, WorkerCommand]], RecordingPublisher]:
    sent: list[tuple[str, WorkerCommand]] = []
    publisher = RecordingPublisher()
    return WorkerPool(lambda w, c: sent.append((w, c)), publisher, "here"), sent, publisher


def run(story: Coroutine[Any, Any, None]) -> None:
    virtual_time.run(story)


@given(st.lists(candidates, max_size=6))
def test_only_the_able_are_ranked_and_a_full_one_is_never_before_a_free_one(
    some: list[Candidate],
) -> None:
    order = ranked(some, NEED)
    assert sorted(map(id, order)) == sorted(id(one) for one in some if able(one, NEED))
    fullness = [one.load >= 1.0 for one in order]
    assert fullness == sorted(fullness)


def test_a_language_is_matched_by_its_first_part_and_an_engine_without_languages_takes_all() -> (
    None
):
    assert able(Candidate(0, True, (HEARS,)), Need(kind="stt", language="en"))
    assert not able(Candidate(0, True, (HEARS,)), Need(kind="stt", language="de"))
    assert able(Candidate(0, True, (SPEAKS,)), Need(kind="tts", language="de"))


def test_every_worker_gets_the_context_now_and_later() -> None:
    async def story() -> None:
        workers, sent, _ = pool()
        workers.joined("w", hello("w"))
        context = LoadContext(context="ctx", language="en", grammar="#JSGF V1.0;")
        workers.use_context(context)
        workers.joined("v", hello("v"))
        assert sent == [("w", context), ("v", context)]

    run(story())


def test_find_waits_for_a_worker_to_join_and_gives_up_in_time() -> None:
    async def story() -> None:
        workers, _, _ = pool()
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, workers.joined, "w", hello())
        worker = await workers.find("stt", "en", tried=set(), within_s=2.0)
        assert worker is not None
        begin = loop.time()
        none = await workers.find("stt", "en", tried={worker.incarnation}, within_s=2.0)
        assert none is None
        assert loop.time() - begin == pytest.approx(2.0)

    run(story())


def test_a_restarted_worker_is_a_new_one_even_when_its_end_was_not_seen() -> None:
    async def story() -> None:
        workers, _, publisher = pool()
        workers.joined("w", hello(epoch=1))
        first = await workers.find("stt", "en", tried=set(), within_s=0)
        assert first is not None
        workers.joined("w", hello(epoch=2))
        assert first.lost.is_set()
        second = await workers.find("stt", "en", tried={first.incarnation}, within_s=0)
        assert second is not None
        workers.left("w", WorkerGoodbye(worker="w", epoch=1, reason="lost"))
        assert len(workers) == 1, "the will of the earlier life says nothing about this one"
        assert [type(one).__name__ for one in publisher.events] == ["WorkerJoined"] * 2

    run(story())


def test_a_clock_that_was_set_back_hides_no_worker_that_came_back() -> None:
    async def story() -> None:
        workers, sent, _ = pool()
        workers.use_context(LoadContext(context="ctx", language="en", grammar="#JSGF V1.0;"))
        workers.joined("w", hello(epoch=5))
        workers.joined("w", hello(epoch=4))  # a new process, whose predecessor's end was not seen
        assert len(sent) == 2, "it has the grammar, too"
        workers.left("w", WorkerGoodbye(worker="w", epoch=4, reason="lost"))
        assert len(workers) == 0

    run(story())


def test_a_job_gets_all_facts_before_it_learns_that_its_worker_is_lost() -> None:
    async def story() -> None:
        workers, sent, _ = pool()
        workers.joined("w", hello())
        worker = await workers.find("stt", "en", tried=set(), within_s=0)
        assert worker is not None
        with worker.job() as job:
            workers.fact(Partial(job=job.id, text="a"))
            workers.left("w", WorkerGoodbye(worker="w", epoch=1, reason="lost"))
            assert await job.next(1.0) == Partial(job=job.id, text="a")
            with pytest.raises(WorkerLostError):
                await job.next(1.0)
        assert sent == [], "a lost worker needs no cancel"

    run(story())


def test_a_silent_worker_is_noticed_and_its_job_cancelled() -> None:
    async def story() -> None:
        workers, sent, _ = pool()
        workers.joined("w", hello())
        worker = await workers.find("stt", "en", tried=set(), within_s=0)
        assert worker is not None
        with worker.job() as job:
            assert worker.load == 0.5
            job.tell(Finish(job=job.id, frames=3))
            with pytest.raises(JobTimeoutError):
                await job.next(1.0)
        assert worker.load == 0.0
        assert sent[-1] == ("w", Cancel(job=job.id))

    run(story())


def test_stray_and_too_many_facts_are_counted_and_dropped() -> None:
    async def story() -> None:
        workers, _, _ = pool()
        workers.joined("w", hello())
        workers.fact(Partial(job="nobody", text=""))
        worker = await workers.find("stt", "en", tried=set(), within_s=0)
        assert worker is not None
        with worker.job() as job:
            for _ in range(INBOX_MAX + 7):
                workers.fact(Partial(job=job.id, text=""))
        assert workers.counts == {"stray_facts": 1, "dropped_facts": 7}

    run(story())


def test_there_is_an_end_to_workers() -> None:
    async def story() -> None:
        workers, _, _ = pool()
        for number in range(WORKERS_MAX + 5):
            workers.joined(f"w{number}", hello(f"w{number}"))
        assert len(workers) == WORKERS_MAX

    run(story())


def test_a_presence_that_names_another_worker_is_ignored() -> None:
    async def story() -> None:
        workers, _, _ = pool()
        workers.joined("w", hello("other"))
        assert len(workers) == 0

    run(story())
