"""Sentences, home and backup through the console: checked before they count, and taken back."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon_hub import backup
from antiphon_hub.errors import BackupError
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.waves import wave_of
from antiphon_protocol.wav import write_wav
from tests.support.console_world import ConsoleWorld, console_world, do

LIGHT = """language: en
intents:
  HassTurnOn:
    data:
      - sentences:
          - "illumination please"
        slots:
          domain: light
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path, thinking=True) as one:
        yield one


async def means(client: Any, text: str, room: str = "kitchen") -> dict[str, Any]:
    answer = await client.post("/api/v1/understand", json={"text": text, "room": room})
    reading: dict[str, Any] = answer.json()["readings"][0]
    return reading


@pytest.mark.slow
async def test_a_sentence_counts_once_it_is_sound(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    assert not (await means(owner, "illumination please"))["understood"]
    wrong = await do(
        owner, "sentences.save", file="my.yaml", text=LIGHT.replace('please"', '(please"')
    )
    assert wrong.status_code == 422
    assert "line 6" in wrong.json()["mistakes"][0]
    assert not (world.folder / "own" / "sentences" / "my.yaml").exists()
    saved = await do(owner, "sentences.save", file="my.yaml", text=LIGHT)
    assert (saved.status_code, saved.json()["mistakes"]) == (200, [])
    assert (await means(owner, "illumination please"))["intent"] == "HassTurnOn"
    await do(
        owner, "sentences.save", file="my.yaml", text=LIGHT.replace("illumination", "darkness")
    )
    assert not (await means(owner, "illumination please"))["understood"]
    assert (await do(owner, "sentences.undo", file="my.yaml")).status_code == 200
    assert (await means(owner, "illumination please"))["understood"]
    assert (await do(owner, "sentences.undo", file="my.yaml")).status_code == 409
    assert "illumination please" in (await owner.get("/sentences?file=my.yaml")).text
    await do(owner, "sentences.remove", file="my.yaml")
    assert not (await means(owner, "illumination please"))["understood"]
    for name in ("../evil.yaml", "a/b.yaml", ".yaml", "x.yaml\n", "A.yaml", "x.txt"):
        assert (await do(owner, "sentences.save", file=name, text=LIGHT)).status_code == 422


@pytest.mark.slow
async def test_saving_tells_what_means_something_else(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    off = LIGHT.replace("HassTurnOn", "HassTurnOff").partition("intents:\n")[2]
    saved = (await do(owner, "sentences.save", file="my.yaml", text=LIGHT + off)).json()
    assert "“illumination please” means" in saved["mistakes"][0], saved
    assert saved["message"].startswith("my.yaml is saved")


async def test_trying_tells_what_is_ambiguous(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    reading = await means(owner, "turn on the ceiling light", "")
    assert reading["code"] == "ambiguous"
    assert len(reading["options"]) == 2


@pytest.mark.slow
async def test_a_home_is_changed_piece_by_piece(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    thing = {"name": "disco ball", "room": "kitchen", "kind": "switch", "aliases": "glitter, ball"}
    assert (await do(owner, "home.put_device", **thing)).status_code == 200
    assert (await means(owner, "turn on the glitter"))["devices"] == ["disco ball"]
    again = await do(owner, "home.put_device", **thing)
    assert "twice" in again.text
    await do(owner, "home.put_device", id="disco-ball", **{**thing, "name": "mirror ball"})
    device = world.mind.home.device("disco-ball")
    assert device is not None
    assert device.name == "mirror ball"
    await do(owner, "home.put_room", name="cellar")
    assert world.mind.home.room("cellar") is not None
    assert (await do(owner, "home.remove_room", id="kitchen")).status_code == 200
    assert all(one.room != "kitchen" for one in world.mind.home.devices)
    assert (await do(owner, "home.undo")).status_code == 200
    assert world.mind.home.room("kitchen") is not None
    text = await owner.put("/api/v1/home", json={"text": "rooms: [{name: '<b>'}]"})
    assert text.status_code == 422
    assert (await do(owner, "home.remove_device", id="nothing")).status_code == 404


# -- backup ---------------------------------------------------------------------------------------


def archive(held: dict[str, bytes], **changed: Any) -> io.BytesIO:
    """Return an archive that holds what it lists."""
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in held.items()}
    manifest = {
        "format": 1,
        "hub": "h",
        "software": "1",
        "made_s": 0.0,
        "files": sums,
        **changed,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in held.items():
            zipped.writestr(name, data)
        zipped.writestr(backup.MANIFEST, json.dumps(manifest))
    out.seek(0)
    return out


def linked() -> io.BytesIO:
    """Return an archive with a symbolic link in it."""
    out = archive({})
    with zipfile.ZipFile(out, "w") as zipped:
        info = zipfile.ZipInfo("own/home.yaml")
        info.external_attr = 0o120777 << 16
        zipped.writestr(info, "/etc/shadow")
        digest = hashlib.sha256(b"/etc/shadow").hexdigest()
        manifest = {"format": 1, "hub": "h", "software": "1", "made_s": 0.0}
        zipped.writestr(backup.MANIFEST, json.dumps({**manifest, "files": {info.filename: digest}}))
    out.seek(0)
    return out


def doubled() -> io.BytesIO:
    """Return an archive that has a file twice."""
    out = archive({"own/home.yaml": b"x"})
    with zipfile.ZipFile(out, "a") as zipped, pytest.warns(UserWarning, match="Duplicate"):
        zipped.writestr("own/home.yaml", b"y")
    out.seek(0)
    return out


HOSTILE: list[Callable[[], io.BytesIO]] = [
    lambda: io.BytesIO(b"no zip"),
    lambda: io.BytesIO(b""),
    lambda: archive({"../evil": b"x"}),
    lambda: archive({"/etc/cron.d/evil": b"x"}),
    lambda: archive({"own/../../evil": b"x"}),
    lambda: archive({"own\\evil": b"x"}),
    lambda: archive({"broker/mosquitto.conf": b"x"}),
    lambda: archive({"worker-1.toml": b"x"}),
    lambda: archive({"bomb.bin": bytes(50_000_000)}),
    lambda: archive({"turns.sqlite": b"no database, but long enough to look like one" * 100}),
    lambda: archive({"a": b"x"}, files={"a": "0" * 64}),
    lambda: archive({"a": b"x"}, files={}),
    lambda: archive({"a": b"x"}, format=99),
    lambda: archive({"a": b"x"}, nope=1),
    lambda: archive({f"f{number}": b"" for number in range(2001)}),
    linked,
    doubled,
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_archive_changes_nothing(tmp_path: Path, number: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "turns.sqlite").write_bytes(b"as it was")
    with pytest.raises(BackupError):
        backup.unpack(state, HOSTILE[number]())
    assert sorted(path.name for path in state.iterdir()) == ["turns.sqlite"]
    assert not list(tmp_path.glob("evil"))
    assert not backup.take_in(state)


def test_every_cut_of_an_archive_is_refused(tmp_path: Path) -> None:
    whole = archive({"own/home.yaml": os.urandom(3000), "own/x": b"y"}).getvalue()
    for length in range(0, len(whole), 97):
        with pytest.raises(BackupError):
            backup.unpack(tmp_path, io.BytesIO(whole[:length]))


@pytest.mark.slow
async def test_a_backup_restores_onto_a_fresh_machine(world: ConsoleWorld, tmp_path: Path) -> None:
    owner = await world.signed_in()
    await do(owner, "home.put_room", name="cellar")
    await do(owner, "timers.add_item", list="shopping", item="milk")
    await world.keep("turn-1", transcript="light on")
    packed = await owner.get("/api/v1/backup")
    assert packed.headers["content-type"] == "application/zip"
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    backup.unpack(fresh, io.BytesIO(packed.content))
    assert backup.take_in(fresh)
    async with console_world(fresh, thinking=True) as other:
        again = await other.signed_in()
        assert other.mind.home.room("cellar") is not None
        assert "milk" in (await again.get("/timers")).text
        assert "light on" in (await again.get("/conversations")).text


async def test_a_restore_waits_for_the_next_start(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    packed = (await owner.get("/api/v1/backup")).content
    files = {"file": ("backup.zip", packed, "application/zip")}
    headers = {"X-Antiphon": "fetch"}
    wrong = await owner.post("/restore", files={"file": ("x.zip", b"no")}, headers=headers)
    assert (wrong.status_code, world.restarts) == (422, 0)
    missing = await owner.post("/restore", data={"file": "text"}, headers=headers)
    assert missing.status_code == 422
    done = await owner.post("/restore", files=files, headers=headers)
    assert (done.status_code, world.restarts) == (200, 1)
    assert (world.folder / backup.WAITING).is_dir()
    guest = world.program(Scope.CONFIGURE)
    assert (await guest.get("/api/v1/backup")).status_code == 403


def test_a_wave_is_drawn_of_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "one.wav"
    file.write_bytes(write_wav(b"\x00\x40" * 8000 + b"\x00\x00" * 8000))
    wave = wave_of(file, 10)
    assert (wave.seconds, wave.peaks) == (1.0, (0.5,) * 5 + (0.0,) * 5)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut short"):
        wave_of(file, 10)
