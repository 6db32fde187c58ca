"""pocketsphinx on synthesized speech: heard, rejected, nothing there, several at a time."""

import random
import threading
import time
from array import array
from collections.abc import Iterator

import pytest

from antiphon_engines.errors import ContextError, EngineFailedError, ModelError
from antiphon_engines.stt.pocketsphinx import NETWORK, WAKE_PHRASES_MAX, PocketsphinxEngine
from antiphon_engines.stt.port import SttContext, SttPartial, SttResult
from antiphon_protocol.audio import FRAME_BYTES
from antiphon_tools.speech import say, voices

GRAMMAR = """#JSGF V1.0;
grammar home;
<where> = kitchen | bedroom | living room | hall;
<thing> = light | lamp | fan;
<number> = ten | twenty | thirty | forty | fifty | sixty;
public <command> = [please] turn (on | off) [the] [<where>] <thing>
  | set the <where> <thing> to <number> percent
  | what time is it
  | open the zorblax;
"""
CONTEXT = SttContext(
    id="home", language="en", grammar=GRAMMAR, pronunciations={"zorblax": "Z AO R B L AE K S"}
)
HEARD = [
    "turn on the kitchen light",
    "turn off the bedroom lamp",
    "set the living room light to fifty percent",
    "what time is it",
    "please turn on the hall fan",
]
FOREIGN = [
    "my sister bought a new bicycle yesterday",
    "the quick brown fox jumps over the lazy dog",
    "i think we should go to the movies tonight",
    "nobody expects such a thing to happen here",
    "she sells sea shells by the sea shore",
    "how tall is the tallest mountain in the world",
]
FLITE = [voice for voice in voices() if voice.name in ("slt", "rms")]

pytestmark = pytest.mark.skipif(not FLITE, reason="flite is not installed")


@pytest.fixture(scope="module")
def engine() -> Iterator[PocketsphinxEngine]:
    one = PocketsphinxEngine.from_options({})
    one.load_context(CONTEXT)
    yield one
    one.close()


def hiss(seconds: float, level: int = 12, seed: int = 1) -> bytes:
    rng = random.Random(seed)
    return array(
        "h", [rng.randrange(-level, level + 1) for _ in range(int(16e3 * seconds))]
    ).tobytes()


def said(text: str, voice: int = 0, wake: str = "") -> bytes:
    call = say(f"{wake}.", FLITE[voice]) + hiss(0.2) if wake else b""
    return hiss(0.5) + call + say(text, FLITE[voice]) + hiss(0.6)


def hear(
    engine: PocketsphinxEngine, pcm: bytes, wake: str = "", context: str | None = "home"
) -> tuple[SttResult, list[SttPartial]]:
    stream = engine.open(language="en", context=context, wake_phrase=wake)
    partials = []
    for at in range(0, len(pcm), FRAME_BYTES):
        stream.feed(pcm[at : at + FRAME_BYTES])
        partials.append(stream.partial())
    return stream.finish(), partials


@pytest.mark.parametrize("text", HEARD)
def test_commands_are_heard(engine: PocketsphinxEngine, text: str) -> None:
    result, partials = hear(engine, said(text))
    assert result.best is not None
    assert result.best.text == text
    assert result.best.source == "grammar"
    assert not result.rejected
    assert any(partial.may_end for partial in partials)


def test_partials_say_whether_the_sentence_may_go_on(engine: PocketsphinxEngine) -> None:
    _, partials = hear(engine, said("what time is it"))
    assert partials[0].text == ""
    assert partials[-1].text == "what time is it"
    assert partials[-1].must_end


@pytest.mark.slow
def test_foreign_speech_is_rejected_and_not_guessed(engine: PocketsphinxEngine) -> None:
    results = [
        hear(engine, said(text, voice))[0] for text in FOREIGN for voice in range(len(FLITE))
    ]
    taken = [result.best for result in results if result.best is not None]
    assert len(taken) <= 1, taken
    assert sum(result.rejected for result in results) >= len(results) - 2


@pytest.mark.parametrize(
    "pcm",
    [b"", bytes(2), bytes(64_000), hiss(3.0), hiss(3.0, 2000), bytes([255, 127]) * 16_000],
    ids=["none", "one sample", "zeros", "hiss", "loud hiss", "full scale"],
)
def test_without_speech_there_is_nothing(engine: PocketsphinxEngine, pcm: bytes) -> None:
    assert hear(engine, pcm)[0] == SttResult(best=None)


@pytest.mark.slow
def test_the_wake_phrase_is_no_part_of_the_text(engine: PocketsphinxEngine) -> None:
    text = "turn on the kitchen light"
    whole = said(text, wake="hey mycroft")
    for cut in (0, 8000 + 4000, 8000 + 8000):
        result, partials = hear(engine, whole[2 * cut :], "Hey Mycroft")
        assert result.best is not None
        assert result.best.text == text
        assert all("wake" not in partial.text for partial in partials)


def test_the_wake_phrase_may_be_absent(engine: PocketsphinxEngine) -> None:
    result, _ = hear(engine, said("what time is it"), "hey mycroft")
    assert result.best is not None
    assert result.best.text == "what time is it"


def test_words_of_no_dictionary_are_heard_by_their_pronunciation(
    engine: PocketsphinxEngine,
) -> None:
    result, _ = hear(engine, said("open the zorblax"))
    assert result.best is not None
    assert result.best.text == "open the zorblax"


def test_level_does_not_matter(engine: PocketsphinxEngine) -> None:
    samples = array("h", said("turn off the bedroom lamp"))
    for share in (0.1, 0.9):
        quieter = array("h", [int(one * share) for one in samples]).tobytes()
        result, _ = hear(engine, quieter)
        assert result.best is not None
        assert result.best.text == "turn off the bedroom lamp"


def test_open_text_is_heard(engine: PocketsphinxEngine) -> None:
    result, partials = hear(engine, said("the weather is nice today"), context=None)
    assert result.best is not None
    assert result.best.source == "dictation"
    assert "weather" in result.best.text
    assert not any(partial.may_end for partial in partials)


@pytest.mark.slow
def test_streams_of_several_threads_do_not_disturb_each_other(engine: PocketsphinxEngine) -> None:
    texts = HEARD[:3]
    heard: dict[str, SttResult] = {}

    def run(text: str) -> None:
        heard[text] = hear(engine, said(text))[0]

    threads = [threading.Thread(target=run, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [heard[text].best and heard[text].best.text for text in texts] == texts


@pytest.mark.slow
def test_a_result_does_not_depend_on_what_was_heard_before(engine: PocketsphinxEngine) -> None:
    pcm = said(HEARD[0])
    first = hear(engine, pcm)[0]
    hear(engine, said(FOREIGN[0], len(FLITE) - 1))
    assert hear(engine, pcm)[0] == first


def test_a_warm_stream_opens_at_once(engine: PocketsphinxEngine) -> None:
    engine.open(language="en", context="home").close()
    took_s = []
    for _ in range(9):
        began_s = time.perf_counter()
        engine.open(language="en", context="home").close()
        took_s.append(time.perf_counter() - began_s)
    assert sorted(took_s)[4] < 0.005


def test_the_context_unused_for_longest_goes() -> None:
    engine = PocketsphinxEngine.from_options({"contexts": 2})
    contexts = [
        SttContext(
            id=f"c{n}", language="en", grammar=f"#JSGF V1.0; grammar g; public <g> = {word};"
        )
        for n, word in enumerate(("yes", "no", "maybe"))
    ]
    engine.load_context(contexts[0])
    engine.load_context(contexts[1])
    engine.open(language="en", context="c0").close()
    engine.load_context(contexts[2])
    engine.open(language="en", context="c0").close()
    with pytest.raises(ContextError, match="c1 was not loaded"):
        engine.open(language="en", context="c1")


def test_wake_phrases_are_forgotten_in_turn(engine: PocketsphinxEngine) -> None:
    for number in range(WAKE_PHRASES_MAX + 2):
        engine.open(language="en", context="home", wake_phrase=f"hey {number}").close()
    assert len(engine._contexts["home"]._graphs) == WAKE_PHRASES_MAX


def test_an_ended_stream_takes_no_more(engine: PocketsphinxEngine) -> None:
    stream = engine.open(language="en", context="home")
    stream.finish()
    with pytest.raises(EngineFailedError, match="the stream is closed"):
        stream.feed(bytes(320))


@pytest.mark.parametrize("language", ["de", "fr-FR"])
def test_other_languages_are_refused(engine: PocketsphinxEngine, language: str) -> None:
    with pytest.raises(ContextError, match="hears English"):
        engine.open(language=language, context=None)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"accept": 2}, "accept is 2.0; it must be from 0 to 1"),
        ({"contexts": 0}, "contexts is 0; it must be at least 1"),
        ({"dictation": "no"}, "dictation"),
    ],
)
def test_options_are_checked(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        PocketsphinxEngine.from_options(options)


def test_dictation_can_be_switched_off() -> None:
    engine = PocketsphinxEngine.from_options({"dictation": False})
    assert not engine.dictation
    with pytest.raises(EngineFailedError, match="switched off"):
        engine.open(language="en", context=None)


def test_another_network_is_named_by_its_file() -> None:
    named = PocketsphinxEngine.from_options({"network": str(NETWORK)})
    named.load_context(CONTEXT)
    stream = named.open(language="en", context=CONTEXT.id)
    stream.feed(say(HEARD[0], FLITE[0]))
    best = stream.finish().best
    assert best is not None
    assert best.text == HEARD[0]
    with pytest.raises(ModelError, match=r"none\.senones"):
        PocketsphinxEngine.from_options({"network": "/nowhere/none.senones"})
