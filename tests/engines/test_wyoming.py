"""Wyoming services, each a real one in a process of its own: what they hear, say, and fail at."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines import rack
from antiphon_engines.errors import EngineFailedError, ModelError, ServiceError
from antiphon_engines.settings import EnginesSection, WorkerSettings
from antiphon_engines.stt.chain import ChainEngine
from antiphon_engines.stt.port import SttContext, SttResult
from antiphon_engines.wyoming.codec import (
    DATA_BYTES_MAX,
    HEADER_BYTES_MAX,
    PAYLOAD_BYTES_MAX,
    Event,
    Reader,
    encode,
)
from antiphon_engines.wyoming.service import fitting
from antiphon_engines.wyoming.stt import WyomingStt
from antiphon_engines.wyoming.tts import RATE_HZ, WyomingTts
from tests.support.wyoming_service import Service

SECOND = bytes(32_000)
NOBODY = "tcp://127.0.0.1:1"
GRAMMAR = "#JSGF V1.0; grammar g; public <g> = turn (on | off) the light [now];"
CONTEXT = SttContext(
    id="home", language="en", grammar=GRAMMAR, pronunciations={"antiphon": "AE N T IH F AA N"}
)


def heard(
    engine: WyomingStt | ChainEngine, context: str | None = None, wake_phrase: str = ""
) -> SttResult:
    stream = engine.open(language="en-GB", context=context, wake_phrase=wake_phrase)
    for _ in range(4):
        stream.feed(SECOND[:8000])
    try:
        return stream.finish()
    finally:
        stream.close()


@contextlib.contextmanager
def talker(said: bytes) -> Iterator[str]:
    """A server that says just this to everybody; give its address."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve() -> None:
            guests = []
            while not done.is_set():
                try:
                    guest, _ = server.accept()
                except TimeoutError:
                    continue
                guest.sendall(said)
                guests.append(guest)
            for guest in guests:
                guest.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join()


# -- hearing --------------------------------------------------------------------------------------


def test_a_transcript_is_heard_and_the_service_got_all_of_the_audio() -> None:
    with Service(text=" Add oat milk to my list.", languages=["de", "en"]) as service:
        engine = WyomingStt.from_options({"uri": service.uri, "model": "tiny"})
        assert engine.languages == ("de", "en")
        assert not engine.streaming
        best = heard(engine).best
        got = service.heard()
    assert best is not None
    assert (best.text, best.source, best.confidence) == (
        "add oat milk to my list",
        "dictation",
        0.5,
    )
    assert got["bytes"] == len(SECOND)
    assert got["chunks"] == 4, "audio goes out while the person speaks"
    assert got["request"] == {"language": "en", "name": "tiny"}


def test_a_sentence_of_the_home_is_known_as_one_and_others_are_handed_on() -> None:
    with Service(text="Hey Mycroft, turn ON the light!") as service:
        engine = WyomingStt.from_options({"uri": service.uri})
        engine.load_context(CONTEXT)
        best = heard(engine, "home", "hey mycroft").best
        assert best is not None
        assert (best.text, best.source, best.confidence) == ("turn on the light", "grammar", 0.9)
        assert service.heard()["request"]["transcript_names"] == ["antiphon"]
    with Service(text="make it bright in here") as service:
        engine = WyomingStt.from_options({"uri": service.uri, "confidence_open": 0.4})
        engine.load_context(CONTEXT)
        best = heard(engine, "home").best
        assert best is not None
        assert (best.text, best.source, best.confidence) == (
            "make it bright in here",
            "dictation",
            0.4,
        )


def test_silence_is_nothing_said() -> None:
    with Service(text=" [BLANK_AUDIO] ") as service:
        result = heard(WyomingStt.from_options({"uri": service.uri}))
    assert result.best is None
    assert not result.rejected


def test_words_come_while_the_person_speaks_where_the_service_can() -> None:
    with Service(text="turn off the light", streaming=True) as service:
        engine = WyomingStt.from_options({"uri": service.uri})
        assert engine.streaming
        engine.load_context(CONTEXT)
        stream = engine.open(language="en", context="home")
        partials = []
        for _ in range(4):
            stream.feed(SECOND[:2048])
            known = len(partials)
            while len(partials) == known:  # bounded by the test's own limit
                partial = stream.partial()
                if partial is not None and partial.text not in [one.text for one in partials]:
                    partials.append(partial)
        best = stream.finish().best
    assert [one.text for one in partials] == [
        "turn",
        "turn off",
        "turn off the",
        "turn off the light",
    ]
    assert [one.may_end for one in partials] == [False, False, False, True]
    assert not any(one.must_end for one in partials), "now may follow"
    assert best is not None
    assert best.text == "turn off the light"


def test_a_unix_socket_will_do(tmp_path: Path) -> None:
    with Service(text="yes", socket=str(tmp_path / "s")) as service:
        best = heard(WyomingStt.from_options({"uri": service.uri})).best
    assert best is not None
    assert best.text == "yes"


# -- failing --------------------------------------------------------------------------------------


def test_a_service_that_is_not_there_is_an_error_with_the_remedy() -> None:
    engine = WyomingStt.from_options({"uri": NOBODY})
    assert engine.languages == ("en",)
    with pytest.raises(ServiceError, match=r"127.0.0.1:1 cannot be reached .* is the service sta"):
        engine.open(language="en", context=None)


def test_a_service_may_come_later_and_go_and_come_again(tmp_path: Path) -> None:
    path = str(tmp_path / "service")
    engine = WyomingStt.from_options({"uri": f"unix://{path}"})
    for text in ("one", "two"):
        with Service(text=text, socket=path):
            best = heard(engine).best
        assert best is not None
        assert best.text == text
    with pytest.raises(ServiceError, match="cannot be reached"):
        heard(engine)


@pytest.mark.parametrize(
    ("ends", "complaint"),
    [
        ("never", "has not answered within 0.2 s; give it longer, a smaller model"),
        ("hangs up", "has closed the connection"),
        ("says", "says: no memory on the GPU"),
    ],
)
def test_what_goes_wrong_is_said_with_the_remedy(ends: str, complaint: str) -> None:
    with Service(text="yes", ends=ends) as service:
        engine = WyomingStt.from_options({"uri": service.uri, "answer_s": 0.2})
        with pytest.raises(ServiceError, match=complaint):
            heard(engine)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b'{"type": "info", "payload_length": 99999999999}\n',
        b'{"type": "info", "data": {"asr": 7}}\n',
        b'{"type": "info", "data_length": 3}\n[1]',
        b"x" * (HEADER_BYTES_MAX + 1),
        b'{"type":"x"}\n' * 5000,
    ],
    ids=["http", "huge", "form", "list", "endless", "flood"],
)
def test_nonsense_is_an_error_with_the_remedy(said: bytes) -> None:
    with talker(said) as uri:
        engine = WyomingStt.from_options({"uri": uri})
        with pytest.raises(ServiceError, match=uri):
            engine.open(language="en", context=None)


def test_a_transcript_without_a_text_is_an_error() -> None:
    said = encode(Event("info")) + encode(Event("transcript", {"text": 7}))
    with talker(said) as uri:
        stream = WyomingStt.from_options({"uri": uri}).open(language="en", context=None)
        with pytest.raises(ServiceError, match="without a text"):
            stream.finish()


def test_too_long_an_utterance_and_a_closed_stream_are_errors() -> None:
    with Service(text="yes") as service:
        engine = WyomingStt.from_options({"uri": service.uri, "longest_s": 1})
        stream = engine.open(language="en", context=None)
        stream.feed(SECOND)
        with pytest.raises(EngineFailedError, match="more than 1 s"):
            stream.feed(b"\0\0")
        stream.finish()
        with pytest.raises(EngineFailedError, match="closed"):
            stream.partial()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "needs the service's address"),
        ({"uri": "gpu-box:10300"}, "no address; write uri = "),
        ({"uri": "tcp://gpu-box:99999"}, r"\[options.wyoming\]"),
        ({"uri": "tcp://a:1", "answer_s": 60}, "answer_s"),
        ({"uri": "tcp://a:1", "colour": "red"}, "colour"),
    ],
)
def test_wrong_settings_are_said(options: dict[str, Any], complaint: str) -> None:
    for kind in (WyomingStt, WyomingTts):
        with pytest.raises(ModelError, match=complaint):
            kind.from_options(options)


async def test_a_worker_starts_without_its_service() -> None:
    settings = WorkerSettings(
        engines=EnginesSection(stt=("wyoming",), tts=("wyoming",), wake=("fake",), vad="fake"),
        options={"wyoming": {"uri": NOBODY, "connect_s": 0.5}},
    )
    engines = rack.build(settings)
    await engines.warm_up()
    assert [one.name for one in engines.offers()][:2] == ["wyoming", "wyoming"]
    engines.close()


# -- in a chain -----------------------------------------------------------------------------------


def test_a_chain_falls_back_from_the_gpu_box_to_a_closed_grammar_here() -> None:
    local = {"engine": "fake", "options": {"text": "turn off the light", "confidence": 0.8}}
    with Service(text="turn on the light") as service:
        away = {"engine": "wyoming", "options": {"uri": service.uri}}
        engine = ChainEngine.from_options({"links": [away, local], "deadline_s": 10, "rest_s": 0})
        engine.load_context(CONTEXT)
        result = heard(engine, "home")
        assert (result.best and result.best.text, result.engine) == ("turn on the light", "wyoming")
    result = heard(engine, "home")
    assert (result.best and result.best.text, result.engine) == ("turn off the light", "fake")


def test_a_chain_may_ask_for_a_second_opinion_on_what_is_no_sentence() -> None:
    local = {"engine": "fake", "options": {"text": "turn on the light", "confidence": 0.8}}
    with Service(text="turn on the lied") as service:
        options = {"uri": service.uri, "confidence_open": 0.4}
        links = [{"engine": "wyoming", "options": options}, local]
        engine = ChainEngine.from_options({"links": links, "deadline_s": 10})
        engine.load_context(CONTEXT)
        result = heard(engine, "home")
    assert (result.best and result.best.text, result.engine) == ("turn on the light", "fake")
    assert [one.text for one in result.alternatives][-1] == "turn on the lied"


# -- speaking (the rest is in the suite of all voices) --------------------------------------------


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_speech_comes_at_one_rate(rate: int) -> None:
    with Service(rate=rate) as service:
        engine = WyomingTts.from_options({"uri": NOBODY, "tts_uri": service.uri})
        assert engine.voices == ("default", "ann", "bob"), "one that is not installed is not named"
        pcm = b"".join(engine.synthesize("yes", language="en"))
    assert len(pcm) / 2 / RATE_HZ == pytest.approx(3 * 0.07, rel=0.02)


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"ends": "never"}, "has not answered within 0.2 s"),
        ({"form": {"channels": 2}}, "set it to 16-bit mono"),
        ({"form": {"rate": 1}}, "set it to 16-bit mono"),
    ],
)
def test_a_voice_that_fails_says_so(wanted: dict[str, Any], complaint: str) -> None:
    with Service(**wanted) as service:
        engine = WyomingTts.from_options({"uri": service.uri, "answer_s": 0.2})
        with pytest.raises(ServiceError, match=complaint):
            b"".join(engine.synthesize("yes", language="en"))


# -- the codec ------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.builds(
    Event, st.text(), st.dictionaries(st.text(), JSON, max_size=4), st.binary(max_size=200)
)


@given(events=st.lists(EVENTS, max_size=4), size=st.integers(1, 64))
def test_events_survive_any_cut(events: list[Event], size: int) -> None:
    wire = b"".join(map(encode, events))
    reader = Reader()
    read = [
        event for at in range(0, len(wire), size) for event in reader.feed(wire[at : at + size])
    ]
    assert read == events


@given(
    data=st.binary(max_size=300)
    | st.builds(lambda a, b, c: a + b + c, st.binary(), st.just(b'{"type":"a"}\n'), st.binary())
    | st.builds(lambda text: text.encode() + b"\n", st.text())
)
def test_any_bytes_are_events_or_one_declared_error(data: bytes) -> None:
    with contextlib.suppress(ServiceError):
        assert all(isinstance(event, Event) for event in Reader().feed(data))


@pytest.mark.parametrize(
    ("field", "limit"), [("data_length", DATA_BYTES_MAX), ("payload_length", PAYLOAD_BYTES_MAX)]
)
def test_lengths_are_bounded_before_anything_is_kept(field: str, limit: int) -> None:
    reader = Reader()
    assert reader.feed(b'{"type":"a","%s":%d}\n' % (field.encode(), limit)) == []
    with pytest.raises(ServiceError):
        Reader().feed(b'{"type":"a","%s":%d}\n' % (field.encode(), limit + 1))
    for wrong in (b"-1", b"1e3", b'"7"', b"[]"):
        with pytest.raises(ServiceError):
            Reader().feed(b'{"type":"a","%s":%s}\n' % (field.encode(), wrong))


def test_deeply_nested_json_is_an_error() -> None:
    with pytest.raises(ServiceError):
        Reader().feed(b'{"type":"a","data":' + b'{"a":' * 50_000 + b"\n")


@pytest.mark.parametrize(
    ("wanted", "known", "said"),
    [
        ("en-GB", ("en_US", "en_GB"), "en_GB"),
        ("en-GB", ("de", "en_US"), "en_US"),
        ("en", ("en-US",), "en-US"),
        ("de-AT", (), "de"),
    ],
)
def test_a_language_is_named_as_the_service_names_it(
    wanted: str, known: tuple[str, ...], said: str
) -> None:
    assert fitting(wanted, known) == said
