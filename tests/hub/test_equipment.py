"""Models and voices by upload: unpacked strictly, told apart, kept whole or not at all."""

import asyncio
import bz2
import io
import json
import tarfile
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon_hub.equipment import Choice, Equipment, ForLanguage
from antiphon_hub.equipment import unpacking as unpacking_module
from antiphon_hub.equipment.choice import candidates, settled
from antiphon_hub.equipment.sorts import Sort, sort_of
from antiphon_hub.equipment.unpacking import unpack
from antiphon_hub.errors import ChildError, EquipmentError, StorageError
from antiphon_hub.settings import HubSection, Settings, WorkersSection

NETWORK = bytes([0x08, 9, 0x3A, 2, 0, 0])
"""What is outermost in an ONNX file: a version, and a graph of two bytes."""
VOICE = json.dumps(
    {"audio": {"sample_rate": 16000}, "espeak": {"voice": "en-us"}, "phoneme_id_map": {"a": [1]}}
).encode()
TOKENS = b"a 0\nb 1\n"


def zipped(files: dict[str, bytes], **how: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data, **how)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:bz2", **about: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # a plain str
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in about.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def unpacked(folder: Path, *uploads: tuple[str, bytes]) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    unpack([(name, io.BytesIO(data)) for name, data in uploads], folder)
    found = sorted(one for one in folder.rglob("*") if one.is_file())
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in found}


# -- unpacking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w:bz2", "w:gz", "w:xz", "w"])
def test_an_archive_gives_what_models_are_made_of_and_nothing_else(
    tmp_path: Path, mode: str
) -> None:
    data = tarred(
        {
            "./m/encoder.onnx": NETWORK,
            "m/tokens.txt": TOKENS,
            "m/test_wavs/0.wav": b"x" * 999,
            "m/export.sh": b"rm -rf /",
            "m/.hidden/x.json": b"{}",
        },
        mode,
    )
    found = unpacked(tmp_path / "new", ("any name at all", data))
    assert found == {"m/encoder.onnx": NETWORK, "m/tokens.txt": TOKENS}


def test_a_zip_and_plain_files_will_do_too(tmp_path: Path) -> None:
    both = {"v.onnx": NETWORK, "v.onnx.json": VOICE}
    assert unpacked(tmp_path / "a", ("v.zip", zipped(both))) == both
    assert unpacked(tmp_path / "b", *both.items()) == both
    evil = [(f"C:\\fakepath\\{name}", data) for name, data in both.items()]
    assert unpacked(tmp_path / "c", *evil) == both, "of a name only the last part counts"


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../x.onnx", "/etc/x.onnx", "a/../../x.onnx", "a\\x.onnx", "..", "../skipped.wav"]
)
def test_names_that_lead_elsewhere_are_refused(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], name: str
) -> None:
    with pytest.raises(EquipmentError, match="leads elsewhere"):
        unpacked(tmp_path / "new", ("x", pack({"ok.onnx": NETWORK, name: b"x"})))
    assert [one.name for one in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("kind", "link"),
    [(tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "ok"), (tarfile.FIFOTYPE, ""),
     (tarfile.CHRTYPE, ""), (tarfile.GNUTYPE_SPARSE, "")],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes, link: str) -> None:
    data = tarred({"x.onnx": b""}, "w", type=kind, linkname=link)
    with pytest.raises(EquipmentError):
        unpacked(tmp_path / "new", ("x.tar", data))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("x.onnx")
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(EquipmentError, match="no plain file"):
        unpacked(tmp_path / "new", ("x.zip", out.getvalue()))


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = bytes(8 * 1024 * 1024)
    with pytest.raises(EquipmentError, match="would become"):
        unpacked(tmp_path / "zip", ("x.zip", zipped({"x.onnx": zeros})))
    with pytest.raises(EquipmentError, match="too large when it is unpacked"):
        unpacked(tmp_path / "tar", ("x.tar.bz2", tarred({"x.onnx": zeros})))
    with pytest.raises(EquipmentError, match="too large when it is unpacked"):
        unpacked(tmp_path / "skipped", ("x.tar.bz2", tarred({"x.wav": zeros, "y.onnx": NETWORK})))
    with pytest.raises(EquipmentError):
        unpacked(tmp_path / "bare", ("x.bz2", bz2.compress(zeros)))
    monkeypatch.setattr(unpacking_module, "TOTAL_BYTES_MAX", 100)
    with pytest.raises(EquipmentError, match="too large"):
        unpacked(tmp_path / "much", ("a.onnx", bytes(60)), ("b.onnx", bytes(60)))


def test_a_header_that_wants_memory_is_refused(tmp_path: Path) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE):
        data = tarred({"x": bytes(2 * 1024 * 1024)}, "w", type=kind)
        with pytest.raises(EquipmentError, match="headers are too large"):
            unpacked(tmp_path / "new", ("x.tar", data))


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    data = zipped({"x.onnx": b"abcdefgh" * 64})
    for claimed in (8, 4096):
        honest, lie = (512).to_bytes(4, "little"), claimed.to_bytes(4, "little")
        assert data.count(honest) == 2
        with pytest.raises(EquipmentError, match="damaged"):
            unpacked(tmp_path / f"new{claimed}", ("x.zip", data.replace(honest, lie)))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"PK\x03\x04", b"PK\x03\x04" + b"x" * 400, b"BZh9garbage", b"\x1f\x8bgarbage"),
        *(b"\xfd7zXZ\x00garbage", tarred({"x.onnx": NETWORK})[:60], b"GIF89a"),
        zipped({"x.wav": b"x"}),
    ],
)
def test_damaged_and_foreign_files_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EquipmentError):
        unpacked(tmp_path / "new", ("x.bin", data))


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EquipmentError, match="twice"):
        unpacked(tmp_path / "new", ("x.onnx", NETWORK), ("x.onnx", NETWORK))


# -- telling apart --------------------------------------------------------------------------------


def sorted_out(folder: Path, files: dict[str, bytes]) -> Sort:
    unpacked(folder, ("x.zip", zipped(files)))
    return sort_of(folder)


def test_what_it_is_shows_in_the_files(tmp_path: Path) -> None:
    voice = sorted_out(tmp_path / "v", {"d/x-low.onnx": NETWORK, "d/x-low.onnx.json": VOICE})
    assert (voice.engine, voice.name, voice.language) == ("piper", "x-low", "en")
    assert voice.options == {"model": "d/x-low.onnx"}
    ear = sorted_out(tmp_path / "s", {"zip/model.onnx": NETWORK, "zip/tokens.txt": TOKENS})
    assert (ear.engine, ear.name, ear.options) == ("sherpa", "zip", {"model": "zip"})
    old = sorted_out(tmp_path / "d", {"m.pbmm": b"x", "m.scorer": b"y"})
    assert (old.engine, old.options) == ("deepspeech", {"model": "m.pbmm", "scorer": "m.scorer"})


@pytest.mark.parametrize(
    "files",
    [
        {"x.onnx": NETWORK},
        {"x.txt": b"x"},
        {"x.onnx": NETWORK[:-1], "tokens.txt": TOKENS},
        {"x.onnx": b"<html>Not found</html>", "tokens.txt": TOKENS},
        {"x.onnx": b"", "tokens.txt": TOKENS},
        {"x.onnx": b"\xff" * 30, "tokens.txt": TOKENS},
        {"x.onnx": NETWORK, "x.onnx.json": b"{}"},
        {"x.onnx": NETWORK, "x.onnx.json": b"[" * 100_000},
        {"x.onnx": NETWORK, "x.onnx.json": VOICE, "y.onnx": NETWORK, "y.onnx.json": VOICE},
        {"a/x.onnx": NETWORK, "b/x.onnx": NETWORK, "a/tokens.txt": TOKENS},
        {"m.pbmm": b"x", "n.pbmm": b"x"},
        {"m.pbmm": b"x", "x.onnx": NETWORK, "tokens.txt": TOKENS},
    ],
)
def test_what_is_no_model_or_several_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(EquipmentError):
        sorted_out(tmp_path / "new", files)


# -- choosing -------------------------------------------------------------------------------------

BASE = WorkersSection(options={"sherpa": {"threads": 4, "model": "/old", "language": "de"}})
THERE = {"sherpa:zip": {"model": "/m/zip"}, "piper:low": {"model": "/m/low.onnx"}}


def test_a_choice_becomes_what_workers_are_told() -> None:
    chosen = Choice(stt=("sherpa:zip", "pocketsphinx"), tts=("piper:low", "flite"))
    section = settled(BASE, chosen, THERE)
    assert (section.stt, section.tts) == (("sherpa", "pocketsphinx"), ("piper", "flite"))
    assert section.options["sherpa"] == {"threads": 4, "model": "/m/zip"}, "one model's settings"
    assert section.options["piper"] == {"model": "/m/low.onnx"}
    chain = settled(BASE, Choice(stt=chosen.stt, chained=True), THERE)
    assert chain.stt == ("chain",)
    links = chain.options["chain"]["links"]
    assert [one["engine"] for one in links] == ["sherpa", "pocketsphinx"]
    assert links[0]["options"]["model"] == "/m/zip"


def test_what_is_gone_is_left_out_rather_than_that_nobody_hears() -> None:
    assert settled(BASE, Choice(), {}) == BASE
    gone = Choice(stt=("sherpa:zip",), tts=("piper:low", "flite"))
    section = settled(BASE, gone, {})
    assert (section.stt, section.tts) == (BASE.stt, ("flite",))


def test_what_needs_a_model_can_be_chosen_with_one_only() -> None:
    names = ("chain", "fake", "flite", "piper", "sherpa", "wyoming")
    assert candidates(names, BASE, ["piper:low"]) == ("flite", "piper:low", "sherpa")


# -- the whole ------------------------------------------------------------------------------------


class World:
    """An Equipment, and what it does to workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble = ""
        self.replaced: list[WorkersSection] = []
        settings = Settings(hub=HubSection(state_dir=str(folder)))
        self.equipment = Equipment(settings, folder / "own", self._prove, self._replace)

    async def _prove(self, _: Path, sort: Sort) -> None:
        if self.trouble:
            raise EquipmentError(f"{sort.engine} says {self.trouble}")

    async def _replace(self, section: WorkersSection) -> None:
        if self.trouble:
            raise ChildError(self.trouble)
        self.replaced.append(section)

    async def install(self, name: str = "", **files: bytes) -> str:
        uploads = [(one.replace("_", "."), io.BytesIO(data)) for one, data in files.items()]
        return (await self.equipment.install(uploads, name, "en", "Mira")).name

    def left(self) -> list[str]:
        models = self.folder / "models"
        return sorted(one.name for one in models.iterdir()) if models.exists() else []


async def test_what_is_installed_can_be_chosen_and_then_not_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    name = await world.install(low_onnx=NETWORK, low_onnx_json=VOICE)
    assert (name, world.left()) == ("low", ["low"])
    assert "piper:low" in world.equipment.candidates("tts")
    assert await world.equipment.choose((), ("piper:low", "flite"), chained=False)
    told = world.replaced[-1].options["piper"]["model"]
    assert await asyncio.to_thread(Path(told).read_bytes) == NETWORK
    with pytest.raises(EquipmentError, match="in use"):
        await world.equipment.remove("low")
    again = World(tmp_path)
    assert again.equipment.choice.tts == ("piper:low", "flite"), "it is kept"
    assert again.equipment.section() == world.replaced[-1]
    assert not await again.equipment.choose((), ("piper:low", "flite"), chained=False)
    await again.equipment.choose((), (), chained=False)
    await again.equipment.remove("low")
    assert again.left() == []
    with pytest.raises(EquipmentError):
        await again.equipment.remove("low")


async def test_what_fails_changes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.install(low_onnx=NETWORK, low_onnx_json=VOICE)
    before = (world.left(), world.equipment.choice)
    world.trouble = "no such operator"
    tries: list[Awaitable[object]] = [
        world.install("other", low_onnx=NETWORK, low_onnx_json=VOICE),
        world.install(low_onnx=NETWORK, low_onnx_json=VOICE),
        world.install("..", low_onnx=NETWORK, low_onnx_json=VOICE),
        world.install(low_onnx=b"x", low_onnx_json=VOICE),
        world.equipment.choose(("pocketsphinx",), ("piper:low",), chained=False),
        world.equipment.choose((), ("piper:gone",), chained=False),
        world.equipment.choose((), ("piper",), chained=False),
        world.equipment.choose(("fake",), (), chained=False),
        world.equipment.choose((), ("flite", "flite"), chained=False),
        world.equipment.remove("../own"),
    ]
    for one in tries:
        with pytest.raises((EquipmentError, ChildError)):
            await one
    assert (world.left(), world.equipment.choice) == before
    assert not (tmp_path / "own").exists()


async def test_a_start_clears_what_was_left_half_done(tmp_path: Path) -> None:
    (tmp_path / "models" / ".new-xyz").mkdir(parents=True)
    (tmp_path / "models" / "broken").mkdir()
    (tmp_path / "models" / "broken" / "installed.json").write_text("{")
    world = World(tmp_path)
    assert await asyncio.to_thread(world.equipment.store.all) == []
    assert world.left() == ["broken"]


async def test_what_is_wanted_for_a_language_counts_for_its_kinds_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.equipment.choose_for("en", ForLanguage(tts="flite", voice="slt"))
    assert world.equipment.wanted("en-GB").voice == "slt"
    assert World(tmp_path).equipment.wanted("en").tts == "flite"
    assert world.equipment.wanted("de") == ForLanguage()
    await world.equipment.choose_for("en", ForLanguage())
    assert world.equipment.choice.languages == {}


def test_a_file_that_is_not_ours_is_told(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "engines.json").write_text('{"choice": {"stt": 5}}')
    with pytest.raises(StorageError):
        World(tmp_path)
