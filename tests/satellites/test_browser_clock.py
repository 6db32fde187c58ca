from tests.satellites import browser_clock


def test_the_browser_satellite_is_held_to_these_offsets_and_waits() -> None:
    assert browser_clock.FILE.read_text(encoding="utf-8") == browser_clock.text(), (
        "run: python -m tests.satellites.browser_clock, and mend satellites/browser/src/link/"
        "offset.ts and pace.ts"
    )
