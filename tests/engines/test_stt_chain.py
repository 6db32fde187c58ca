"""The chain: who hears what another cannot, and what the result says of it."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from antiphon_engines.errors import ContextError, EngineFailedError, ModelError
from antiphon_engines.fake import FakeSttEngine
from antiphon_engines.stt.chain import ChainEngine, ChainOptions, Link, LinkOptions, surest
from antiphon_engines.stt.port import SttContext, SttHypothesis, SttResult

AUDIO = bytes(32_000)
CONTEXT = SttContext(id="c", language="en", grammar="public <a> = stop;")


def chain(*links: Mapping[str, Any], **options: Any) -> ChainEngine:
    wanted = [
        {"engine": "fake", "name": f"link{at}", "options": one} for at, one in enumerate(links)
    ]
    return ChainEngine.from_options({"links": wanted, **options})


def heard(engine: ChainEngine, context: str | None = None) -> SttResult:
    stream = engine.open(language="en", context=context)
    stream.feed(AUDIO)
    stream.partial()
    result = stream.finish()
    stream.close()
    return result


def said(result: SttResult) -> tuple[str, str]:
    return result.best.text if result.best else "", result.engine


def test_the_first_link_hears_what_it_can() -> None:
    assert said(heard(chain({"text": "one"}, {"text": "two"}))) == ("one", "link0")


@pytest.mark.parametrize("fails", ["open", "feed", "finish"])
def test_a_link_that_breaks_is_followed_by_the_next_with_the_whole_audio(fails: str) -> None:
    engine = chain({"fails": fails}, {"text": "two"})
    assert said(heard(engine)) == ("two", "link1")
    assert engine.links[0].failures == 1


def test_a_broken_link_rests_for_a_while() -> None:
    engine = chain({"fails": "feed"}, {"text": "two"})
    heard(engine)
    heard(engine)
    assert engine.links[0].failures == 1
    eager = chain({"fails": "feed"}, {"text": "two"}, rest_s=0)
    heard(eager)
    heard(eager)
    assert eager.links[0].failures == 2


def test_a_late_link_is_not_waited_for() -> None:
    engine = chain({"text": "one", "cost_ms": 400}, {"text": "two"}, deadline_s=0.05)
    assert said(heard(engine)) == ("two", "link1")


def test_an_unsure_link_is_followed_and_the_surest_is_taken() -> None:
    unsure = {"text": "one", "confidence": 0.3}
    result = heard(chain(unsure, {"text": "two", "confidence": 0.4}, confidence_min=0.5))
    assert said(result) == ("two", "link1")
    assert [one.text for one in result.alternatives] == ["two", "one"]
    assert said(heard(chain(unsure, {"text": "two", "confidence": 0.2}))) == ("one", "link0")


def test_a_rejected_hypothesis_is_followed_but_silence_is_an_answer() -> None:
    assert said(heard(chain({"rejected": True}, {"text": "two"}))) == ("two", "link1")
    assert said(heard(chain({"text": ""}, {"text": "two"}))) == ("", "link0")


def test_when_all_break_the_last_error_is_raised() -> None:
    with pytest.raises(EngineFailedError, match="told to fail at finish"):
        heard(chain({"fails": "finish"}, {"fails": "finish"}))
    with pytest.raises(EngineFailedError, match="told to fail at open"):
        heard(chain({"fails": "open"}, {"fails": "open"}))


def test_a_link_without_the_context_is_passed_over() -> None:
    engine = chain({"text": "one"}, {"text": "two"})
    engine.links[1].engine.load_context(CONTEXT)
    assert said(heard(engine, "c")) == ("two", "link1")
    with pytest.raises(ContextError, match="not loaded"):
        heard(engine, "d")


def test_a_context_is_loaded_into_all_links() -> None:
    engine = chain({"text": "one"}, {"text": "two"})
    engine.load_context(CONTEXT)
    assert said(heard(engine, "c")) == ("one", "link0")
    with pytest.raises(ContextError, match="no public rule"):
        engine.load_context(SttContext(id="d", language="en", grammar=""))


def test_a_link_that_is_not_installed_is_left_out() -> None:
    links = [{"engine": "no-such-engine"}, {"engine": "fake"}]
    engine = ChainEngine.from_options({"links": links})
    assert [link.name for link in engine.links] == ["fake"]
    with pytest.raises(ModelError, match="no-such-engine"):
        ChainEngine.from_options({"links": links[:1]})


@pytest.mark.parametrize("options", [{}, {"links": []}, {"links": [{"engine": "fake", "x": 1}]}])
def test_wrong_options_are_said(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"\[options.chain\]"):
        ChainEngine.from_options(options)


def test_too_long_an_utterance_is_an_error() -> None:
    stream = chain({}, longest_s=1).open(language="en", context=None)
    with pytest.raises(EngineFailedError, match="more than 1 s"):
        stream.feed(2 * AUDIO)


def test_its_languages_are_those_of_its_links() -> None:
    engine = chain({}, {})
    assert engine.languages == ("en",)
    assert engine.grammar
    assert engine.dictation
    engine.close()


class Grammar(FakeSttEngine):
    """Hears no open text."""

    dictation = False


def test_open_text_goes_past_links_without_dictation() -> None:
    links = [Link("grammar", Grammar()), Link("open", FakeSttEngine())]
    engine = ChainEngine(links, ChainOptions(links=(LinkOptions(engine="fake"),)))
    assert heard(engine).engine == "open"
    engine.load_context(CONTEXT)
    assert heard(engine, "c").engine == "grammar"
    only = ChainEngine(links[:1], ChainOptions(links=(LinkOptions(engine="fake"),)))
    with pytest.raises(EngineFailedError, match="no link"):
        only.open(language="en", context=None)


def results(*confidences: float | None) -> Sequence[SttResult]:
    made = []
    for at, confidence in enumerate(confidences):
        best = None
        if confidence is not None:
            best = SttHypothesis(text=str(at), source="grammar", confidence=confidence)
        made.append(SttResult(best=best, alternatives=(best,) if best else (), engine=str(at)))
    return made


def test_the_surest_is_taken_first_come_first_served() -> None:
    assert surest(results(0.1, 0.9, 0.9)).engine == "1"
    assert surest(results(None, 0.1)).engine == "1"
    assert surest(results(None, None)).engine == "0"


def test_threads_of_late_links_end_by_themselves() -> None:
    engine = chain({"cost_ms": 30}, {"text": "two"}, deadline_s=0.01)
    heard(engine)
    for thread in threading.enumerate():
        if thread.name == "chain-finish":
            thread.join(10)
            assert not thread.is_alive()
