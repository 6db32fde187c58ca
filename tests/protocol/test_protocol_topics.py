import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from antiphon_link.fake import matches
from antiphon_protocol import topics
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import SLUG_PATTERN, is_slug, new_id, require_slug, slug_of
from antiphon_protocol.limits import RESPONSE_TOPIC_BYTES_MAX
from antiphon_protocol.topics import ROOT, TOPICS, Role, Topic, is_response_topic

SLUGS = st.from_regex(re.compile(SLUG_PATTERN), fullmatch=True)
any_topic = st.sampled_from(TOPICS)


@given(topic=any_topic, data=st.data())
def test_match_is_the_inverse_of_path(topic: Topic[Any], data: st.DataObject) -> None:
    ids = {place: data.draw(SLUGS) for place in topic.places}
    path = topic.path(**ids)
    assert topic.match(path) == ids
    assert [one.name for one in TOPICS if one.match(path) is not None] == [topic.name]


@given(topic=any_topic, data=st.data())
def test_a_filter_matches_its_paths_and_no_other_topic(
    topic: Topic[Any], data: st.DataObject
) -> None:
    ids = {place: data.draw(SLUGS) for place in topic.places}
    some = {place: ids[place] for place in topic.places if data.draw(st.booleans())}
    assert matches(topic.filter(**some), topic.path(**ids))
    other = data.draw(any_topic.filter(lambda one: one is not topic))
    path = other.path(**{place: data.draw(SLUGS) for place in other.places})
    assert not matches(topic.filter(), path)


@given(topic=any_topic, text=st.text())
def test_match_gives_ids_that_path_takes(topic: Topic[Any], text: str) -> None:
    path = f"{ROOT}/" + re.sub(r"\{\w+\}", lambda _: text, topic.pattern)
    ids = topic.match(path)
    if ids is not None:
        assert topic.path(**ids) == path
    else:
        assert topic.places
        assert not is_slug(text)


@given(text=st.text())
def test_no_id_reaches_into_another_topic(text: str) -> None:
    assume(not is_slug(text))
    with pytest.raises(TopicError, match="is no id"):
        topics.SATELLITE_DO.path(satellite=text)
    with pytest.raises(TopicError, match="is no id"):
        topics.SATELLITE_DO.filter(satellite=text)


@pytest.mark.parametrize(
    "text", ["a\n", "", "A", "-a", "a b", "a/b", "+", "#", "$SYS", "é", "a" * 65]
)
def test_what_is_no_slug(text: str) -> None:
    assert not is_slug(text)
    with pytest.raises(TopicError, match="id"):
        require_slug(text, "satellite")


def test_ids_must_be_those_of_the_pattern() -> None:
    with pytest.raises(TopicError, match="takes"):
        topics.SATELLITE_AUDIO.path(satellite="a")
    with pytest.raises(TopicError, match="takes"):
        topics.HUB_PRESENCE.path(hub="a")
    with pytest.raises(TopicError, match="has no"):
        topics.SATELLITE_AUDIO.filter(worker="a")


def test_new_ids_are_slugs_and_differ() -> None:
    ids = {new_id("turn") for _ in range(100)}
    assert len(ids) == 100
    assert all(is_slug(one) and one.startswith("turn-") for one in ids)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Living room", "living-room"),
        ("Küche", "k-che"),
        ("__Bad!!", "bad"),
        ("7 dwarfs", "7-dwarfs"),
    ],
)
def test_a_name_becomes_the_nearest_id(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text())
def test_slug_of_gives_a_slug_or_a_topic_error(name: str) -> None:
    try:
        assert is_slug(slug_of(name))
    except TopicError:
        assert not re.search(r"[a-z0-9]", name.lower())


def test_the_table_says_all_that_is_needed() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert len({topic.pattern for topic in TOPICS}) == len(TOPICS)
    for topic in TOPICS:
        assert getattr(topics, topic.name) is topic
        assert topic.writers
        assert topic.readers
        assert topic.qos in (0, 1)
        assert not (topic.retain and topic.expiry_s), "presence must outlive its sender"


def test_only_the_hub_and_a_satellite_itself_write_to_a_satellite() -> None:
    for topic in TOPICS:
        if topic.pattern.startswith("sat/"):
            assert set(topic.writers) <= {Role.HUB, Role.SATELLITE}
        assert Role.ANYONE not in topic.writers or topic.pattern.startswith("ask/")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("answer/me", True),
        ("homeassistant/antiphon/reply", True),
        (f"{ROOT}/answer/node-red", True),
        (f"{ROOT}/sat/kitchen/do", False),
        (f"{ROOT}/ask/say", False),
        (f"{ROOT}/answer/Not A Slug", False),
        ("$SYS/broker", False),
        ("a/+/b", False),
        ("a/#", False),
        ("a\0b", False),
        ("", False),
        ("x" * RESPONSE_TOPIC_BYTES_MAX, True),
        ("x" * (RESPONSE_TOPIC_BYTES_MAX + 1), False),
        ("\ud800", True),
    ],
)
def test_where_an_answer_may_go(path: str, allowed: bool) -> None:
    assert is_response_topic(path) is allowed
