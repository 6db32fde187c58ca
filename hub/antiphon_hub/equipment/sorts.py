"""Which engine a model is for: by its files, looked at without loading anything. Blocking."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from antiphon_hub.errors import EquipmentError

JSON_BYTES_MAX: Final = 4 * 1024**2
TOKENS_BYTES_MAX: Final = 16 * 1024**2
_IR_VERSION: Final = 1
_GRAPH: Final = 7
"""Fields of ONNX's ModelProto (onnx.proto3)."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_KNOWN: Final = (
    "a Piper voice (NAME.onnx with NAME.onnx.json), a model for sherpa-onnx (.onnx files with "
    "tokens.txt), or one of DeepSpeech's (.pbmm, .pb, .tflite, .npz, perhaps with a .scorer)"
)


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a folder."""

    kind: Literal["stt", "tts"]
    engine: str
    name: str
    """As its files call it."""
    options: dict[str, str]
    """The engine's settings that name files, relative to the folder; `.`: the folder itself."""
    language: str = ""
    """What it speaks or hears, as far as it says."""


class _Audio(msgspec.Struct):
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=48_000)]


class _Espeak(msgspec.Struct):
    voice: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]


class _PiperVoice(msgspec.Struct):
    audio: _Audio
    espeak: _Espeak
    phoneme_id_map: dict[str, list[int]]


def sort_of(folder: Path) -> Sort:
    """Return what lies in a folder.

    Raises:
        EquipmentError: no model that is known, more than one, or one whose files are damaged.
    """
    found = [one for look in _LOOKS if (one := look(folder)) is not None]
    if len(found) != 1:
        there = ", ".join(sorted(path.name for path in folder.rglob("*") if path.is_file())[:8])
        problem = "holds several models" if found else "is no model that is known"
        raise EquipmentError(f"it {problem} ({there}); take {_KNOWN}")
    return found[0]


def _piper(folder: Path) -> Sort | None:
    pairs = [one for one in sorted(folder.rglob("*.onnx")) if Path(f"{one}.json").is_file()]
    if not pairs:
        return None
    if len(pairs) > 1:
        raise EquipmentError(f"it holds {len(pairs)} voices; install one at a time")
    network, about = pairs[0], Path(f"{pairs[0]}.json")
    _require_onnx(network)
    if about.stat().st_size > JSON_BYTES_MAX:
        raise EquipmentError(f"{about.name!r} is too large for a voice's description")
    try:
        voice = msgspec.json.decode(about.read_bytes(), type=_PiperVoice)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EquipmentError(f"{about.name!r} does not describe a Piper voice: {error}") from None
    return Sort(
        kind="tts",
        engine="piper",
        name=network.name.removesuffix(".onnx"),
        options={"model": network.relative_to(folder).as_posix()},
        language=voice.espeak.voice.replace("_", "-").partition("-")[0].lower(),
    )


def _sherpa(folder: Path) -> Sort | None:
    networks = sorted(folder.rglob("*.onnx"))
    places = {one.parent for one in networks}
    tokens = [one for place in places for one in place.glob("*tokens.txt")]
    if not tokens:
        return None
    if len(places) > 1:
        raise EquipmentError("its networks lie in several folders; pack one model's folder alone")
    for one in networks:
        _require_onnx(one)
    for one in tokens:
        if one.stat().st_size > TOKENS_BYTES_MAX:
            raise EquipmentError(f"{one.name!r} is too large for a list of tokens")
    place = networks[0].parent
    return Sort(
        kind="stt",
        engine="sherpa",
        name=place.name if place != folder else "",
        options={"model": place.relative_to(folder).as_posix()},
    )


def _deepspeech(folder: Path) -> Sort | None:
    models = [
        one
        for one in sorted(folder.rglob("*"))
        if one.suffix in (".pbmm", ".pb", ".tflite", ".npz") and one.is_file()
    ]
    if not models:
        return None
    scorers = sorted(folder.rglob("*.scorer"))
    if len(models) > 1 or len(scorers) > 1:
        raise EquipmentError("it holds several models or scorers; install one model at a time")
    options = {"model": models[0].relative_to(folder).as_posix()}
    if scorers:
        options["scorer"] = scorers[0].relative_to(folder).as_posix()
    return Sort(kind="stt", engine="deepspeech", name=models[0].stem, options=options)


_LOOKS: Final[tuple[Callable[[Path], Sort | None], ...]] = (_piper, _sherpa, _deepspeech)


def _require_onnx(path: Path) -> None:
    """Refuse what is no whole ONNX file: its outermost fields must fill it exactly."""
    size = path.stat().st_size
    seen: set[int] = set()
    with path.open("rb") as file:
        while file.tell() < size:
            tag = _varint(file.read, path)
            field, wire = tag >> 3, tag & 7
            if wire == _VARINT:
                _varint(file.read, path)
            elif wire in (_FIXED64, _FIXED32):
                file.seek(8 if wire == _FIXED64 else 4, 1)
            elif wire == _BYTES:
                file.seek(_varint(file.read, path), 1)
            else:
                raise EquipmentError(f"{path.name!r} is no ONNX file")
            seen.add(field)
            if field == 0 or file.tell() > size:
                raise EquipmentError(f"{path.name!r} is no ONNX file, or cut short")
    if not {_IR_VERSION, _GRAPH} <= seen:
        raise EquipmentError(f"{path.name!r} is no ONNX file: it holds no network")


def _varint(read: Callable[[int], bytes], path: Path) -> int:
    value = shift = 0
    while shift < 64:  # noqa: PLR2004 - no longer ones in protocol buffers
        byte = read(1)
        if not byte:
            raise EquipmentError(f"{path.name!r} is no ONNX file, or cut short")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:  # noqa: PLR2004 - the bit that says: more follows
            return value
        shift += 7
    raise EquipmentError(f"{path.name!r} is no ONNX file")
