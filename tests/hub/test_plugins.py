"""Skills that others wrote: found, built, fenced in; a bad one is named and left out."""

import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from antiphon_hub.home.files import HomeFiles
from antiphon_hub.home.model import load_home
from antiphon_hub.mind import HomeMind
from antiphon_hub.nlu import grammar
from antiphon_hub.nlu.questions import Question
from antiphon_hub.skills import FakeDevices, PluginOptions, Plugins, find_plugins

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)

GOOD = """
from antiphon_hub.skills import Reply

class Skill:
    intents = {"SayGood"}
    def __init__(self, house):
        self.house = house
    async def do(self, request):
        return Reply(f"good {len(self.house.home.devices)}")

skill = Skill
"""
GOOD_SENTENCES = "language: en\nintents: {SayGood: {data: [{sentences: [say good]}]}}\n"


def put(folder: Path, name: str, code: str, sentences: str = "") -> Path:
    """Write a plug-in of one file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(code))
    if sentences:
        path.with_suffix(".yaml").write_text(textwrap.dedent(sentences))
    return path


def found_in(folder: Path | None, off: tuple[str, ...] = (), **options: Any) -> Plugins:
    state_dir = (folder or Path()) / "state"
    return find_plugins(folder, off, PluginOptions(state_dir=state_dir, **options))


def used(plugins: Plugins) -> list[str]:
    return [one.name for one in plugins.meet(load_home(None), FakeDevices())]


def mind(plugins: Plugins, home: Path | None = None, sentences: tuple[Path, ...] = ()) -> HomeMind:
    return HomeMind(HomeFiles(home, sentences), "en", FakeDevices(), lambda: NOW, plugins=plugins)


async def said(one: HomeMind, text: str) -> str:
    found = one.understand(text, "kitchen")
    assert not isinstance(found, Question)
    (meaning,) = found
    return (await one.do("turn-1", meaning, "kitchen")).text


async def test_a_file_of_the_folder_is_a_skill(tmp_path: Path) -> None:
    put(tmp_path, "good", GOOD, GOOD_SENTENCES)
    one = mind(found_in(tmp_path))
    assert await said(one, "say good") == f"good {len(one.home.devices)}"
    assert "good" in one.context().grammar


async def test_a_package_of_the_folder_is_a_skill(tmp_path: Path) -> None:
    package = tmp_path / "good"
    package.mkdir()
    (package / "__init__.py").write_text("from .parts import skill\n")
    (package / "parts.py").write_text(GOOD)
    (package / "sentences.yaml").write_text(GOOD_SENTENCES)
    assert (await said(mind(found_in(tmp_path)), "say good")).startswith("good")


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a package with an entry point installed in a folder of the path."""
    site = tmp_path / "site"
    package = site / "greeting_skill"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(GOOD)
    (package / "sentences.yaml").write_text(GOOD_SENTENCES)
    info = site / "greeting_skill-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting-skill\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[antiphon.skills]\ngreeting = greeting_skill:Skill\n")
    monkeypatch.syspath_prepend(str(site))
    return site


async def test_an_installed_package_is_a_skill(distribution: Path) -> None:
    plugins = found_in(None)
    assert (await said(mind(plugins), "say good")).startswith("good")
    (plugin,) = plugins.used
    assert (plugin.name, plugin.origin) == ("greeting", "greeting-skill 2.5")
    sys.modules.pop("greeting_skill")


async def test_a_plug_in_is_switched_off_by_its_name(distribution: Path, tmp_path: Path) -> None:
    folder = tmp_path / "skills"
    put(folder, "good", GOOD, GOOD_SENTENCES)
    assert used(found_in(folder, ("greeting",))) == ["good"]
    assert used(found_in(folder, ("greeting", "good"))) == []


NO_INTENTS = "class skill:\n    def __init__(self, house): pass\n"
DOES = "    def __init__(self, house): pass\n    async def do(self, request): pass\n"
WORDS = ("".join(chr(97 + int(digit)) for digit in str(n)) * 40 for n in range(1000, 1040))
MANY = f"{{values: [{', '.join(WORDS)}]}}"
BAD = {
    "does not parse": ("class skill(:", "", "SyntaxError"),
    "breaks at import": ("1 / 0", "", "ZeroDivisionError"),
    "ends the program at import": ("import sys; sys.exit(3)", "", "SystemExit: 3"),
    "needs what is not here": ("import no_such_library", "", "No module named 'no_such_library'"),
    "defines nothing": ("x = 1", "", "defines no `skill`"),
    "breaks when it is built": (
        "class skill:\n    def __init__(self, house): raise ValueError('no key')",
        "",
        "ValueError: no key",
    ),
    "takes no house": ("class skill:\n    intents = {'A'}", "", "TypeError"),
    "has no intents": (NO_INTENTS, "", "needs `intents`"),
    "has intents of a wrong type": (NO_INTENTS + "    intents = 'A'\n", "", "needs `intents`"),
    "does nothing": (NO_INTENTS + "    intents = {'A'}\n", "", "a method `do`"),
    "takes the house's place": (
        "class skill:\n    intents = {'HassTurnOn'}\n" + DOES,
        "",
        "the house does HassTurnOn already",
    ),
    "takes another's place": (
        "class skill:\n    intents = {'SayGood'}\n" + DOES,
        "",
        "good does SayGood already",
    ),
    "has sentences with mistakes": (
        "class skill:\n    intents = {'A'}\n" + DOES,
        "intents: {A: {data: [{sentences: ['say <nothing>']}]}}",
        "nothing",
    ),
    "speaks for others": (
        "class skill:\n    intents = {'A'}\n" + DOES,
        "intents: {B: {data: [{sentences: ['say b']}]}}",
        "intent B: the skill does not answer it; it answers: A",
    ),
    "leaves out words of all": (
        "class skill:\n    intents = {'A'}\n" + DOES,
        "{intents: {A: {data: [{sentences: ['say a']}]}}, skip_words: [not]}",
        "skip_words",
    ),
    "is too large": (
        "class skill:\n    intents = {'A'}\n" + DOES,
        f"{{intents: {{A: {{data: [{{sentences: ['{{big}}']}}]}}}}, lists: {{big: {MANY}}}}}",
        "their grammar takes more than",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_plug_in_is_named_and_the_others_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr(grammar, "PLUGIN_BYTES_MAX", 4000)
    code, sentences, why = BAD[bad]
    put(tmp_path, "good", GOOD, GOOD_SENTENCES)
    put(tmp_path, "odd-one", code, sentences)
    plugins = found_in(tmp_path)
    one = mind(plugins)
    assert (await said(one, "say good")).startswith("good")
    assert await said(one, "what time is it")
    (fault,) = plugins.faults
    assert (fault.name, fault.origin) == ("odd-one", str(tmp_path / "odd-one.py"))
    assert why in fault.why
    assert "skill odd-one" in caplog.text
    assert why in caplog.text


def test_two_of_one_name_are_one(tmp_path: Path, distribution: Path) -> None:
    folder = tmp_path / "skills"
    put(folder, "greeting", GOOD, GOOD_SENTENCES)
    plugins = found_in(folder)
    assert used(plugins) == ["greeting"]
    assert [one.why for one in plugins.faults] == ["another plug-in has this name"]
    sys.modules.pop("greeting_skill")


def test_a_name_that_is_no_id_is_said(tmp_path: Path) -> None:
    put(tmp_path, "My Skill", GOOD)
    plugins = found_in(tmp_path)
    assert used(plugins) == []
    assert "'My Skill' is no name" in plugins.faults[0].why


@pytest.mark.parametrize("open_to_all", ["folder", "file"])
def test_what_everybody_may_write_is_not_run(tmp_path: Path, open_to_all: str) -> None:
    path = put(tmp_path, "good", "raise AssertionError('it was run')")
    (tmp_path if open_to_all == "folder" else path).chmod(0o777)
    plugins = found_in(tmp_path)
    assert used(plugins) == []
    assert "chmod o-w" in plugins.faults[0].why


def test_an_absent_folder_is_reported(tmp_path: Path) -> None:
    plugins = found_in(tmp_path / "absent")
    assert used(plugins) == []
    assert "[skills] dir" in plugins.faults[0].why


LISTS = """
intents:
  {0}:
    data:
      - sentences: ["{0} {{thing}} <please>"]
lists: {{thing: {{values: [{1}]}}}}
expansion_rules: {{please: "{2}"}}
"""
NAMED = """
from antiphon_hub.skills import Reply
class skill:
    intents = {{"{0}"}}
    def __init__(self, house): pass
    async def do(self, request):
        return Reply("{0} " + request.slots["thing"])
"""


async def test_lists_and_rules_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    put(tmp_path, "one", NAMED.format("brew"), LISTS.format("brew", "tea", "soon"))
    put(tmp_path, "two", NAMED.format("feed"), LISTS.format("feed", "cat", "twice"))
    plugins = found_in(tmp_path)
    one = mind(plugins)
    assert plugins.faults == []
    assert await said(one, "brew tea soon") == "brew tea"
    assert await said(one, "feed cat twice") == "feed cat"
    sayable = one.context().grammar
    assert all(word in sayable for word in ("tea", "soon", "cat", "twice"))


async def test_the_owners_words_win(tmp_path: Path) -> None:
    put(tmp_path, "good", GOOD, GOOD_SENTENCES)
    own = tmp_path / "own.yaml"
    own.write_text(
        "intents: {SayGood: {data: [{sentences: [be nice]}]}}\n"
        "responses: {intents: {SayGood: {default: As you wish.}}}\n"
    )
    one = mind(found_in(tmp_path), sentences=(own,))
    assert await said(one, "be nice") == "As you wish."


async def test_a_skill_sees_the_home_as_it_is_now(tmp_path: Path) -> None:
    put(tmp_path / "skills", "good", GOOD, GOOD_SENTENCES)
    home = tmp_path / "home.yaml"
    home.write_text("rooms: [{name: den}]\ndevices: [{name: lamp, room: den, kind: light}]")
    one = mind(found_in(tmp_path / "skills"), home)
    assert await said(one, "say good") == "good 1"
    home.write_text("rooms: [{name: den}]\ndevices: []")
    one.load()
    assert await said(one, "say good") == "good 0"


async def test_settings_and_a_folder_are_its_own(tmp_path: Path) -> None:
    code = """
    from antiphon_hub.skills import Reply
    class skill:
        intents = {"SayGood"}
        def __init__(self, house):
            (house.folder / "seen").write_text(house.settings["key"])
            self.house = house
        async def do(self, request):
            return Reply((self.house.folder / "seen").read_text())
    """
    put(tmp_path, "mine", code, GOOD_SENTENCES)
    one = mind(found_in(tmp_path, options={"mine": {"key": "seven"}, "other": {"key": "no"}}))
    assert await said(one, "say good") == "seven"
    assert (tmp_path / "state" / "mine").stat().st_mode & 0o777 == 0o700
