"""Engines and voices through the console: tried, chosen, installed; by forms and as JSON."""

import base64
import io
import struct
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from antiphon_hub.identity.people import Role, Scope
from antiphon_hub.web.clips import CLIPS_MAX, Clips
from antiphon_hub.web.site import site
from antiphon_hub.web.trying import BYTES_MAX
from antiphon_protocol.wav import wav_samples, write_wav
from tests.hub.test_equipment import NETWORK, VOICE
from tests.support.console_world import BASE, ConsoleWorld, console_world, do

PCM = bytes(range(256)) * 125
WAV = write_wav(PCM)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path) as one:
        one.worker.join()
        yield one


def as_json(wav: bytes) -> dict[str, str]:
    return {"wav": base64.b64encode(wav).decode()}


async def upload(client: httpx.AsyncClient, deed: str, wav: bytes, **fields: str) -> httpx.Response:
    files = {"wav": ("recording.wav", wav, "audio/wav")}
    return await client.post(
        f"/do/{deed}", data=fields, files=files, headers={"X-Antiphon": "fetch"}
    )


def voice_files(network: bytes = NETWORK, name: str = "low") -> list[tuple[str, Any]]:
    return [
        ("file", (f"{name}.onnx", network, "application/octet-stream")),
        ("file", (f"{name}.onnx.json", VOICE, "application/json")),
    ]


# -- trying ---------------------------------------------------------------------------------------


async def test_every_recogniser_hears_a_recording(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    answer = await owner.post("/api/v1/engines/hear", json=as_json(WAV))
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["seconds"] == 1.0
    assert [(one["engine"], one["text"]) for one in told["heard"]] == [
        ("ear", "16000 samples"),
        ("other", "16000 samples"),
    ]
    assert (told["heard"][0]["confidence"], told["heard"][0]["tail_ms"]) == (0.75, 12.5)
    one = await owner.post("/api/v1/engines/hear", json={**as_json(WAV), "engine": "other"})
    assert [heard["engine"] for heard in one.json()["heard"]] == ["other"]
    html = (await upload(owner, "engines.hear", WAV)).json()["html"]
    assert html.count("16000 samples") == 2
    assert "75 %" in html


async def test_what_fails_is_told_beside_what_works(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    world.worker.fails = "<b>no model</b>"
    told = (await owner.post("/api/v1/engines/hear", json=as_json(WAV))).json()
    assert [one["error"] for one in told["heard"]] == ["<b>no model</b>"] * 2
    assert "<b>no model" not in (await upload(owner, "engines.hear", WAV)).json()["html"]
    overheard = await owner.post("/api/v1/understand/speech", json=as_json(WAV))
    assert overheard.status_code == 409


async def test_a_voice_can_be_listened_to_and_is_forgotten(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    asked = {"text": "abcd", "voice": "high"}
    (spoken,) = (await owner.post("/api/v1/engines/speak", json=asked)).json()["spoken"]
    sound = await owner.get(spoken["sound"])
    assert sound.headers["content-type"] == "audio/wav"
    assert len(wav_samples(sound.content, "x")) / 32_000 == spoken["seconds"]
    shown = (await do(owner, "engines.speak", **asked)).json()["html"]
    assert 'src="/api/v1/engines/sounds/clip-' in shown
    for _ in range(CLIPS_MAX):
        world.house.clips.put(b"x")
    assert (await owner.get(spoken["sound"])).status_code == 404
    refused = await owner.post("/api/v1/engines/speak", json={"text": "a", "voice": "none"})
    assert (refused.status_code, "voice" in refused.json()["error"]) == (422, True)
    async with world.browser() as stranger:
        assert (await stranger.get(spoken["sound"])).status_code == 401


def test_clips_take_no_more_room_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon_hub.web.clips.BYTES_MAX", 10)
    clips = Clips()
    first, second = clips.put(b"x" * 6), clips.put(b"y" * 6)
    assert (clips.get(first), clips.get(second)) == (None, b"y" * 6)


def lying(promised: int) -> bytes:
    return WAV[:40] + struct.pack("<I", promised) + WAV[44:]


@pytest.mark.parametrize(
    ("wav", "says"),
    [
        (b"GIF89a" * 20, "not a WAV file"),
        (WAV[:20], "not a WAV file"),
        (lying(0x7FFF_FFFE), "cut short"),
        (lying(10**6), "cut short"),
        (lying(0), "no samples"),
        (write_wav(PCM, 44_100), "44100 Hz"),
        (write_wav(bytes(BYTES_MAX + 2)), "at most 30 s"),
    ],
)
async def test_recordings_that_are_none_are_refused(
    world: ConsoleWorld, wav: bytes, says: str
) -> None:
    owner = await world.signed_in()
    for path in ("/api/v1/engines/hear", "/api/v1/understand/speech"):
        answer = await owner.post(path, json=as_json(wav))
        assert answer.status_code == 422
        assert says in answer.json()["error"]
    assert not world.worker.taken


async def test_forms_without_or_with_too_much_are_refused(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    assert "wav is missing" in (await do(owner, "engines.hear")).text
    assert "must not be empty" in (await upload(owner, "engines.hear", b"")).text
    assert "no base64" in (await do(owner, "engines.hear", wav="%%%")).text
    assert (await upload(owner, "engines.hear", bytes(3 * 1024 * 1024))).status_code == 413
    assert (await upload(owner, "timers.add_item", WAV)).status_code == 422
    two = [("wav", ("a.wav", WAV, "audio/wav")), ("wav", ("b.wav", WAV, "audio/wav"))]
    answer = await owner.post("/do/engines.hear", files=two, headers={"X-Antiphon": "fetch"})
    assert answer.status_code == 400


async def test_a_spoken_sentence_is_understood_and_not_done(tmp_path: Path) -> None:
    async with console_world(tmp_path, thinking=True) as world:
        owner = await world.signed_in()
        nobody = await owner.post("/api/v1/understand/speech", json=as_json(WAV))
        assert nobody.status_code == 409
        world.worker.join()
        world.worker.hears = "turn on the light"
        told = (
            await owner.post("/api/v1/understand/speech", json={**as_json(WAV), "room": "kitchen"})
        ).json()
        assert told["heard"]["text"] == "turn on the light"
        assert told["tried"]["readings"][0]["intent"] == "HassTurnOn"
        shown = (await upload(owner, "sentences.hear", WAV, room="kitchen")).json()["html"]
        assert "turn on the light" in shown
        assert "Turn on" in shown
        assert not world.ask.asked, "nothing was done"


async def test_pages_record_also_where_no_browser_can_be_a_satellite(world: ConsoleWorld) -> None:
    apart = replace(world.house, browsers=None)
    for app in (world.app, site(apart, world.live, world.observer)):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as browser:
            script = await browser.get("/satellite/recorder.js")
            assert script.headers["content-type"].startswith("text/javascript")
            assert "record" in script.text
            assert (await browser.get("/satellite/nothing.js")).status_code == 404
            config = await browser.get("/satellite/config.json")
            assert config.status_code == (303 if app is world.app else 404)


# -- choosing -------------------------------------------------------------------------------------


async def test_engines_are_chosen_by_a_form(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    page = (await owner.get("/engines")).text
    assert 'value="flite" selected' in page
    fields = {"stt": ["pocketsphinx", "", ""], "tts": ["espeak", "flite", ""]}
    done = await do(owner, "engines.choose", **fields)
    assert done.status_code == 200, done.text
    assert world.replaced[-1].tts == ("espeak", "flite")
    assert (await owner.get("/api/v1/engines/choice")).json()["tts"] == ["espeak", "flite"]
    world.trouble = "libespeak is missing"
    refused = await do(owner, "engines.choose", tts=["flite"])
    assert refused.status_code == 422
    assert "libespeak is missing; nothing has changed" in refused.json()["error"]
    assert (await owner.get("/api/v1/engines/choice")).json()["tts"] == ["espeak", "flite"]
    assert (await do(owner, "engines.choose", tts=["no-such"])).status_code == 422


async def test_a_languages_voice_is_chosen(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    path = "/api/v1/engines/languages/en"
    assert (await owner.put(path, json={"tts": "mouth", "voice": "high"})).status_code == 200
    chosen = (await owner.get("/api/v1/engines/choice")).json()["languages"]
    assert chosen == {"en": {"tts": "mouth", "voice": "high"}}
    for wrong in (
        {"tts": "gone"},
        {"stt": "gone"},
        {"tts": "mouth", "voice": "gone"},
        {"voice": "high"},
    ):
        assert (await owner.put(path, json=wrong)).status_code == 422
    assert (await owner.put("/api/v1/engines/languages/.", json={})).status_code in (404, 422)
    assert (
        await do(owner, "engines.choose_for", language="en", stt="", tts="", voice="")
    ).is_success
    assert (await owner.get("/api/v1/engines/choice")).json()["languages"] == {}


# -- installing -----------------------------------------------------------------------------------


async def test_a_voice_is_installed_listed_and_removed(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    done = await owner.post("/api/v1/engines/installed", files=voice_files())
    assert done.status_code == 200, done.text
    assert [one.engine for one in world.proven] == ["piper"]
    (shown,) = (await owner.get("/api/v1/engines/installed")).json()["installed"]
    assert (shown["name"], shown["engine"], shown["by"]) == ("low", "piper", "Mira")
    page = (await owner.get("/engines")).text
    assert "piper:low" in page
    twice = await owner.post("/install", files=voice_files(), headers={"X-Antiphon": "fetch"})
    assert (twice.status_code, "already" in twice.json()["error"]) == (422, True)
    await do(owner, "engines.choose", tts=["piper:low", "flite"])
    assert (await owner.delete("/api/v1/engines/installed/low")).status_code == 409
    await do(owner, "engines.choose")
    assert (await do(owner, "engines.remove", name="low")).status_code == 200
    assert (await owner.delete("/api/v1/engines/installed/low")).status_code == 404
    assert "installed a model" in (await owner.get("/people")).text


async def test_uploads_that_are_wrong_change_nothing(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    bomb, evil = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.onnx", bytes(9_000_000))
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../../own/home.yaml.json", "x")
    uploads: list[Any] = [
        {"files": {"file": ("b.zip", bomb.getvalue(), "application/zip")}},
        {"files": {"file": ("e.zip", evil.getvalue(), "application/zip")}},
        {"files": {"file": ("<script>.exe", b"MZ", "x/y")}},
        {"files": {"file": ("", b"", "x/y")}},
        {"files": {"other": ("x.zip", b"PK", "x/y")}},
        {"files": voice_files(b"garbage")},
        {"files": voice_files(), "data": {"name": "x" * 61}},
        {"files": voice_files(), "data": {"name": "../.."}},
        {"data": {"file": "no file at all"}},
        {"json": {"file": "x"}},
        {},
    ]
    for one in uploads:
        answer = await owner.post("/api/v1/engines/installed", **one)
        assert answer.status_code == 422, (one, answer.text)
    four = await owner.post(
        "/api/v1/engines/installed", files=voice_files() + voice_files(name="b")
    )
    assert four.status_code == 400
    world.trouble = "no such operator"
    told = await owner.post("/api/v1/engines/installed", files=voice_files())
    assert "no such operator; nothing has changed" in told.json()["error"]
    assert (await owner.get("/api/v1/engines/installed")).json()["installed"] == []
    models = world.folder / "models"
    assert list(models.iterdir()) == []
    large = {
        "Content-Length": str(600 * 1024 * 1024),
        "Content-Type": "multipart/form-data; boundary=x",
    }
    too_much = await owner.post("/api/v1/engines/installed", headers=large, content=b"x")
    assert too_much.status_code == 413


async def test_each_thing_needs_its_right(world: ConsoleWorld) -> None:
    reader, maker = world.program(Scope.READ), world.program(Scope.CONFIGURE)
    family = await world.signed_in(Role.FAMILY)
    assert (await family.post("/api/v1/engines/hear", json=as_json(WAV))).status_code == 200
    for answer in (
        await family.post("/api/v1/engines/installed", files=voice_files()),
        await family.put("/api/v1/engines/choice", json={}),
        await family.put("/api/v1/engines/languages/en", json={}),
        await family.delete("/api/v1/engines/installed/low"),
    ):
        assert answer.status_code == 403
    page = (await family.get("/engines")).text
    assert "Try the ears" in page
    assert 'action="/install"' not in page
    assert (await reader.post("/api/v1/engines/hear", json=as_json(WAV))).status_code == 403
    assert (await reader.post("/api/v1/understand/speech", json=as_json(WAV))).status_code == 403
    assert (await reader.post("/api/v1/engines/speak", json={"text": "a"})).status_code == 403
    assert (await maker.post("/api/v1/engines/installed", files=voice_files())).status_code == 200
    owner = await world.signed_in()
    del owner.headers["X-CSRF"]
    forged = await owner.post("/install", files=voice_files(name="b"))
    assert forged.status_code == 403
