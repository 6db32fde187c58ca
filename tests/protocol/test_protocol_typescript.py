from pathlib import Path

import pytest

from antiphon_protocol import typescript
from antiphon_protocol.topics import TOPICS

FILE = Path(__file__).parents[2] / "satellites" / "browser" / "src" / "protocol" / "generated.ts"
SOURCE = typescript.module()


def test_the_committed_file_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == SOURCE, (
        "run: python -m antiphon_protocol.typescript --write "
        "satellites/browser/src/protocol/generated.ts"
    )


def test_every_topic_and_message_is_there() -> None:
    for topic in TOPICS:
        assert f"export const {topic.name}: Topic<" in SOURCE
        assert f'  pattern: "{topic.pattern}",' in SOURCE
        for message in topic.messages:
            assert f"export interface {message.__name__} {{" in SOURCE
            for field in message.__struct_fields__:
                assert f"  readonly {field}: " in SOURCE


def test_writing_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "generated.ts"
    typescript.main(["--write", str(path)])
    assert path.read_text(encoding="utf-8") == SOURCE


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no-such-folder"):
        typescript.main(["--write", str(tmp_path / "no-such-folder" / "generated.ts")])
