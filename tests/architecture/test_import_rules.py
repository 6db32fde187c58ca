"""Who may import whom: the table of docs/architecture.md, and what follows from it."""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.architecture.source import PACKAGES, Import, Module, modules, ours

MAY_IMPORT = {
    "antiphon_protocol": set(),
    "antiphon_link": {"antiphon_protocol"},
    "antiphon_ears": {"antiphon_protocol"},
    "antiphon_codecs": {"antiphon_protocol"},
    "antiphon_satellite": {
        "antiphon_protocol",
        "antiphon_link",
        "antiphon_ears",
        "antiphon_codecs",
    },
    "antiphon_hub": {"antiphon_protocol", "antiphon_link", "antiphon_codecs"},
    "antiphon_engines": {
        "antiphon_protocol",
        "antiphon_link",
        "antiphon_ears",
        "antiphon_codecs",
    },
    "antiphon_tools": set(PACKAGES),
}
"""`antiphon_ears` takes the audio's constants from the protocol; nobody imports the tools."""

LIBRARIES = {
    "antiphon_protocol": {"msgspec"},
    "antiphon_link": {
        "msgspec",
        "aiomqtt",
        "paho",
        "zeroconf",
        "uvloop",
        "cryptography",
        "spake2",
    },
    "antiphon_codecs": set(),
    "antiphon_hub": {
        "msgspec",
        "typer",
        "rich",
        "yaml",
        "hassil",
        "home_assistant_intents",
        "ifaddr",
        "argon2",
        "cryptography",
        "prometheus_client",
        "tomli_w",
        "unicode_rbnf",
        *("starlette", "uvicorn", "jinja2", "markupsafe"),  # the extra `console`
    },
    "antiphon_satellite": {"msgspec", "typer", "rich", "sounddevice"},
}
"""Where a package's few libraries are a promise; engines bring their own."""

SERVICES = ("turns", "workers", "fleet", "playback")
"""Of the hub: they meet only in `app`, and on the bus only through ports that they are given."""
EDGES = ("bus", "web", "integrations")
CAPABILITIES = ("nlu", "skills", "home", "timers", "identity")

PURE = (
    "antiphon_protocol.clock",
    "antiphon_protocol.audio",
    "antiphon_protocol.codec",
    "antiphon_protocol.ids",
    "antiphon_protocol.limits",
    "antiphon_protocol.topics",
    "antiphon_protocol.version",
    "antiphon_protocol.discovery",
    "antiphon_protocol.messages",
    "antiphon_link.backoff",
    "antiphon_hub.turns.arbitration",
    "antiphon_hub.turns.ending",
    "antiphon_hub.turns.dialogue",
    "antiphon_hub.turns.verdict",
    "antiphon_hub.home.danger",
    "antiphon_hub.web.board",
    "antiphon_hub.web.plots",
    "antiphon_hub.identity.people",
    "antiphon_hub.identity.rights",
    "antiphon_hub.identity.throttle",
    "antiphon_hub.identity.window",
    "antiphon_hub.nlu.corrections",
    "antiphon_hub.nlu.several",
    "antiphon_hub.nlu.questions",
    "antiphon_hub.playback.manners",
    "antiphon_hub.playback.room",
    "antiphon_hub.playback.rules",
    "antiphon_hub.workers.placement",
    "antiphon_hub.nlu.expressions",
    "antiphon_hub.nlu.jsgf",
    "antiphon_hub.timers.schedule",
    "antiphon_hub.timers.model",
    "antiphon_hub.timers.finding",
    "antiphon_hub.timers.slots",
    "antiphon_hub.timers.watch",
    "antiphon_hub.timers.words",
    "antiphon_engines.awaiting",
    "antiphon_engines.endpoint",
    "antiphon_engines.grammar",
    "antiphon_engines.nearness",
    "antiphon_satellite.machine",
    "antiphon_satellite.actions",
    "antiphon_satellite.listen.preroll",
    "antiphon_satellite.listen.gate",
    "antiphon_satellite.speak.jitter",
    "antiphon_satellite.speak.timeline",
    "antiphon_satellite.alarms.book",
    "antiphon_satellite.alarms.sounds",
)
"""They take `now` or audio time as an argument; a package in the list means all its modules."""
IMPURE_LIBRARIES = {
    "aiomqtt", "asyncio", "concurrent", "logging", "multiprocessing", "os", "paho",
    "selectors", "signal", "socket", "subprocess", "tempfile", "threading", "time", "zeroconf",
}  # fmt: skip


def all_imports() -> Iterator[tuple[Module, Import, str]]:
    """Yield each import of one of our modules by another: importer, import, imported."""
    for module in modules().values():
        for one in module.imports():
            name = ours(one)
            if name is not None:
                yield module, one, name


def at(module: Module, one: Import) -> str:
    return f"{module.path.name}:{one.line}: {module.name} imports {one.name}"


def test_packages_import_only_those_below_them() -> None:
    wrong = [
        at(module, one)
        for module, one, name in all_imports()
        if (package := name.partition(".")[0]) != module.package
        and package not in MAY_IMPORT[module.package]
    ]
    assert not wrong


def test_imports_name_their_module_in_full() -> None:
    relative = [
        f"{module.name}:{node.lineno}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_package_needs_only_its_libraries(package: str) -> None:
    allowed = LIBRARIES[package] | set(sys.stdlib_module_names) | set(PACKAGES)
    wrong = [
        at(module, one)
        for module in modules().values()
        if module.package == package
        for one in module.imports()
        if one.name.partition(".")[0] not in allowed
    ]
    assert not wrong


def test_mqtt_exists_only_at_the_edge() -> None:
    libraries = {"aiomqtt", "paho"}
    users = {
        module.name
        for module in modules().values()
        for one in module.imports()
        if one.name.partition(".")[0] in libraries
    }
    assert users <= {"antiphon_link.mqtt", "antiphon_link.client"}


def test_each_program_has_one_module_that_makes_topics_into_calls() -> None:
    edges = {
        "antiphon_hub": ("bus", "app"),
        "antiphon_satellite": ("link", "app", "simulate", "commands"),
        "antiphon_engines": ("link", "app", "commands"),
    }
    makes_rights_of_them = "antiphon_hub.identity.rights"
    wrong = [
        at(module, one)
        for module, one, name in all_imports()
        if (one.name == "antiphon_link.link.Link" or name == "antiphon_protocol.topics")
        and module.package in edges
        and module.name != makes_rights_of_them
        and module.parts[:1] not in [(edge,) for edge in edges[module.package]]
    ]
    assert not wrong


def test_the_hubs_services_know_neither_each_other_nor_the_bus() -> None:
    strangers = {*SERVICES, *EDGES, "app"}
    wrong = [
        at(module, one)
        for module, one, name in all_imports()
        if module.package == "antiphon_hub"
        and module.parts[:1] in [(service,) for service in SERVICES]
        and name.startswith("antiphon_hub.")
        and name.split(".")[1] in strangers - {module.parts[0]}
    ]
    assert not wrong


def test_what_the_hub_can_do_knows_nothing_of_services() -> None:
    strangers = {*SERVICES, *EDGES, "app"}
    wrong = [
        at(module, one)
        for module, one, name in all_imports()
        if module.package == "antiphon_hub"
        and module.parts[:1] in [(one,) for one in CAPABILITIES]
        and name.startswith("antiphon_hub.")
        and name.split(".")[1] in strangers
    ]
    assert not wrong


def test_nobody_imports_an_app_but_its_command() -> None:
    wrong = [
        at(module, one)
        for module, one, name in all_imports()
        if name.endswith(".app")
        and module.name != name
        and not {"commands", "__main__", "simulate"} & set(module.parts)
        and module.package != "antiphon_tools"
    ]
    assert not wrong


def pure_modules() -> list[Module]:
    return [
        module
        for module in modules().values()
        if any(module.name == pure or module.name.startswith(f"{pure}.") for pure in PURE)
    ]


def test_every_pure_module_of_the_list_exists() -> None:
    names = modules()
    absent = [pure for pure in PURE if pure not in names]
    assert not absent, "moved or renamed? then correct the list"


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.name)
def test_a_pure_module_does_no_io(module: Module) -> None:
    wrong = [
        at(module, one) for one in module.imports() if one.name.split(".")[0] in IMPURE_LIBRARIES
    ]
    assert not wrong


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.name)
def test_a_pure_module_takes_its_chance_as_an_argument(module: Module) -> None:
    used = [
        ast.unparse(node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "random"
    ]
    assert set(used) <= {"random.Random"}, "a seeded generator is given, never the global one"


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.name)
def test_a_pure_module_never_waits(module: Module) -> None:
    waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
    lines = [node.lineno for node in ast.walk(module.tree) if isinstance(node, waiting)]
    assert not lines


def test_type_checking_imports_hide_no_cycle() -> None:
    users = [
        f"{module.name}:{node.lineno}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name | ast.alias)
        and getattr(node, "id", getattr(node, "name", "")) == "TYPE_CHECKING"
    ]
    assert not users


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for module, _, name in all_imports():
        # A package's __init__ that only describes is nobody's dependency.
        if name != module.name and not module.name.startswith(f"{name}."):
            graph[module.name].add(name)
    assert circle_in(graph) == []


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Return the names on one circle, or nothing."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        for other in sorted(graph[name]):
            if circle := walk(other, [*path, name]):
                return circle
        return []

    return next((circle for name in sorted(graph) if (circle := walk(name, []))), [])


def test_a_circle_would_be_seen() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
