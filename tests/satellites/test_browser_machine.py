from tests.satellites import browser_machine


def test_the_browser_satellite_is_held_to_this_table() -> None:
    assert browser_machine.FILE.read_text(encoding="utf-8") == browser_machine.text(), (
        "run: python -m tests.satellites.browser_machine, and mend the table in "
        "satellites/browser/src/conversation/machine.ts"
    )
