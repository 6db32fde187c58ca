"""The browser satellite's own tests, and that the committed build is what its source gives."""

from pathlib import Path

import pytest

from antiphon_hub.web.satellite_page import FOLDER
from tests.support.node import npm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_its_types_and_unit_tests() -> None:
    done = npm("test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_build_is_fresh(tmp_path: Path) -> None:
    done = npm("run", "build", "--", "--outDir", str(tmp_path), "--emptyOutDir")
    assert done.returncode == 0, done.stdout + done.stderr
    built = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    committed = {one.name: one.read_bytes() for one in FOLDER.iterdir()}
    assert built == committed, "run: npm run build, in satellites/browser"
