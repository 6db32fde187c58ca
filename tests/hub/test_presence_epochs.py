"""Who is here, whatever clocks say and however late an old connection's goodbye comes."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.fleet import Fleet
from antiphon_hub.publisher import RecordingPublisher
from antiphon_hub.workers.pool import WorkerPool
from antiphon_protocol import epochs
from antiphon_protocol.messages.presence import Goodbye, Hello, WorkerGoodbye, WorkerHello
from antiphon_protocol.version import OURS

EPOCHS = st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True)
"""Of one program's connections, in their order; its clock is set forth and back between them."""
Words = list[Hello | Goodbye]


def hello(epoch: int) -> Hello:
    return Hello(
        satellite="sat",
        epoch=epoch,
        room="kitchen",
        protocol=OURS,
        software="0",
        host="host",
        instance=f"i{epoch}",
    )


def goodbye(epoch: int) -> Goodbye:
    return Goodbye(satellite="sat", epoch=epoch, reason="lost")


@st.composite
def stories(draw: st.DrawFn) -> tuple[Words, bool]:
    """What comes on a presence topic, and whether the last connection lives at its end.

    Each hello comes in the order of connections, each goodbye at any time behind its own hello. A
    living satellite that sees another's goodbye overwrite its hello says hello again.
    """
    made = draw(EPOCHS)
    lives = draw(st.booleans())
    words: Words = []
    waiting: list[int] = []
    for epoch in made:
        words.append(hello(epoch))
        waiting.append(epoch)
        for _ in range(draw(st.integers(0, len(waiting)))):
            gone = draw(st.sampled_from(waiting))
            if gone == epoch and (lives and epoch == made[-1]):
                continue
            waiting.remove(gone)
            words.append(goodbye(gone))
            if gone != epoch and epoch in waiting:
                words.append(hello(epoch))
    if lives:
        waiting.remove(made[-1])
    for gone in draw(st.permutations(waiting)):
        words.append(goodbye(gone))
        if lives:
            words.append(hello(made[-1]))
    return words, lives


def pieces(words: Words, away: set[int]) -> Iterator[tuple[Hello | Goodbye, bool]]:
    """Yield what a hub hears that is away at these words: then the last one, retained."""
    for number, word in enumerate(words):
        if number in away and number + 1 < len(words):
            continue
        yield word, number - 1 in away


@given(stories(), st.sets(st.integers(0, 40)))
def test_who_is_here_is_known_whatever_clocks_say(
    story: tuple[Words, bool], away: set[int]
) -> None:
    words, lives = story
    fleet = Fleet(RecordingPublisher())
    workers = WorkerPool(lambda *_: None, RecordingPublisher(), "host")
    for word, retained in pieces(words, away):
        if isinstance(word, Hello):
            fleet.joined("sat", word)
            workers.joined("sat", _of_worker(word))
        else:
            fleet.left("sat", word, retained=retained)
            gone = WorkerGoodbye(worker="sat", epoch=word.epoch, reason="lost")
            workers.left("sat", gone, retained=retained)
    assert (fleet.get("sat") is not None) is lives
    assert (len(workers) == 1) is lives


def test_a_late_goodbye_puts_out_nobody_whose_clock_was_set_back() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello(5))
    fleet.joined("sat", hello(4))
    assert not fleet.left("sat", goodbye(5))
    assert fleet.get("sat") is not None


def test_who_went_while_nobody_listened_is_gone() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello(5))
    assert fleet.left("sat", goodbye(9), retained=True)


def test_whom_the_hub_cuts_off_is_gone_whatever_its_epoch() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello(5))
    assert fleet.left("sat", goodbye(epochs.ANY))


def _of_worker(word: Hello) -> WorkerHello:
    return WorkerHello(
        worker="sat",
        epoch=word.epoch,
        protocol=OURS,
        software="0",
        host="host",
        process=1,
        device="cpu",
        capacity=1,
        engines=(),
    )
