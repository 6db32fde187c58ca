import json
import re
from pathlib import Path
from typing import get_args

import pytest

from antiphon_hub.turns.record import Stage, TurnRecord
from antiphon_protocol import limits, schema, topics
from antiphon_protocol.topics import TOPICS

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_generated_part_is_fresh() -> None:
    assert schema.refreshed(TEXT) == TEXT, (
        "run: python -m antiphon_protocol.schema --write docs/protocol.md"
    )


def test_every_topic_and_message_is_in_the_reference() -> None:
    reference = schema.reference()
    for topic in TOPICS:
        assert f"### `{topic.pattern}`" in reference
        for message in topic.messages:
            assert f"#### {message.__name__}" in reference
            for field in message.__struct_fields__:
                assert f"| `{field}` |" in reference


def test_every_link_of_the_reference_leads_to_a_heading() -> None:
    reference = schema.reference()
    headings = re.findall(r"^#+ (.+)$", reference, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", reference)) <= anchors


def test_the_examples_of_requests_are_taken() -> None:
    requests = re.findall(r"-t antiphon/1/ask/(\w+).*-m '([^']+)'", TEXT)
    assert {verb for verb, _ in requests} == {"say", "intent"}
    for verb, payload in requests:
        topic = topics.ASK_SAY if verb == "say" else topics.ASK_INTENT
        assert topic.decode(payload.encode()).text


def test_the_example_of_a_state_is_one() -> None:
    found = re.search(r"home/lamp/state (\{.*\})", TEXT)
    assert found is not None
    assert (
        topics.HOME_STATE.decode(found[1].encode()).brightness == json.loads(found[1])["brightness"]
    )


@pytest.mark.parametrize(
    "words",
    [
        f"{limits.AUDIO_FRAME_BYTES_MAX:,} bytes of samples",
        f"{limits.MESSAGE_BYTES_MAX // 1024} KiB",
        f"{limits.CONTEXT_BYTES_MAX // 1024**2} MiB",
        f"{limits.TEXT_CHARS_MAX:,} / {limits.NAME_CHARS_MAX} characters",
        f"| items of a list | {limits.LIST_ITEMS_MAX} |",
        f"{limits.STREAM_SECONDS_MAX:g} s / {limits.PLAYBACK_SECONDS_MAX:g} s of audio",
        f"{limits.RESPONSE_TOPIC_BYTES_MAX} bytes",
    ],
)
def test_the_limits_are_those_of_the_code(words: str) -> None:
    assert words in TEXT


@pytest.mark.parametrize("marker", [schema.BEGIN, schema.END])
def test_a_document_without_its_markers_is_left_alone(marker: str, tmp_path: Path) -> None:
    path = tmp_path / "protocol.md"
    path.write_text(TEXT.replace(marker, ""), encoding="utf-8")
    with pytest.raises(SystemExit, match="the document has no"):
        schema.main(["--write", str(path)])
    assert path.read_text(encoding="utf-8") == TEXT.replace(marker, "")


def test_refreshing_mends_a_stale_document(tmp_path: Path) -> None:
    path = tmp_path / "protocol.md"
    path.write_text(
        f"{TEXT.partition(schema.BEGIN)[0]}{schema.BEGIN}\nold\n{schema.END}\n", "utf-8"
    )
    schema.main(["--write", str(path)])
    assert path.read_text(encoding="utf-8") == TEXT


def test_the_stages_are_those_that_the_hub_measures() -> None:
    marks = {stage: float(number) for number, stage in enumerate(get_args(Stage))}
    record = TurnRecord(
        turn="t",
        room="hall",
        satellite="hall",
        cause="phrase",
        clock=float,
        started_us=0,
        marks=marks,
        engine_ms={"recognise": 1.0, "synthesize": 1.0},
        endpoint_ms=300.0,
    )
    table = TEXT.partition("### Stages of a turn")[2].partition(schema.BEGIN)[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(record.timings())
