"""The home: rooms, devices and floors with their other names; checked before it counts."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from antiphon_hub.errors import ConsoleError
from antiphon_hub.home.model import EXAMPLE, Kind
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_hub.web.deeds.rooms import SomeName
from antiphon_hub.web.deeds.sentences import FileText, checked, texts_of
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name

Aliases = Annotated[str, msgspec.Meta(max_length=400)]
"""Other names, with commas between them."""


class HomeText(Asked, frozen=True, kw_only=True):
    """The home's whole description, YAML."""

    text: FileText


class PutRoom(Asked, frozen=True, kw_only=True):
    """A new room, or a known one changed."""

    id: Slug | None = None
    """The room to change; None: a new one."""
    name: SomeName
    aliases: Aliases = ""
    floor: Name = ""


class PutDevice(Asked, frozen=True, kw_only=True):
    """A new device, or a known one changed."""

    id: Slug | None = None
    """The device to change; None: a new one."""
    name: SomeName
    room: SomeName
    """The room's name or id."""
    kind: Kind
    aliases: Aliases = ""
    dimmable: bool = False
    command_topic: Annotated[str, msgspec.Meta(max_length=200)] = ""


class OneId(Asked, frozen=True, kw_only=True):
    """Something by its id."""

    id: Slug


class HomePlace(Record, frozen=True, kw_only=True):
    """A floor or a room."""

    id: str
    name: str
    aliases: tuple[str, ...]
    floor: str = ""


class HomeDevice(Record, frozen=True, kw_only=True):
    """A device."""

    id: str
    name: str
    aliases: tuple[str, ...]
    room: str
    kind: Kind
    dimmable: bool
    command_topic: str


class HomeShown(Record, frozen=True, kw_only=True):
    """The home as it counts, and its file's text."""

    floors: tuple[HomePlace, ...]
    rooms: tuple[HomePlace, ...]
    devices: tuple[HomeDevice, ...]
    text: str
    example: bool
    """It is the example home; the first change makes it your own."""
    undo: bool


@deed("GET", "/home", Scope.READ)
async def show(desk: Desk, asked: Nothing) -> HomeShown:
    """Tell the home as it counts."""
    del asked
    mind, texts = desk.house.mind, texts_of(desk)
    target = mind.files.home_to_write
    before = await asyncio.to_thread(texts.previous, target) if target else None
    return HomeShown(
        floors=tuple(
            HomePlace(id=one.id, name=one.name, aliases=one.aliases) for one in mind.home.floors
        ),
        rooms=tuple(
            HomePlace(id=one.id, name=one.name, aliases=one.aliases, floor=one.floor)
            for one in mind.home.rooms
        ),
        devices=tuple(
            msgspec.convert(msgspec.to_builtins(one), HomeDevice) for one in mind.home.devices
        ),
        text=await asyncio.to_thread(texts.read, mind.files.home or EXAMPLE),
        example=mind.files.home is None,
        undo=before is not None,
    )


@deed("PUT", "/home", Scope.CONFIGURE)
async def save(desk: Desk, asked: HomeText) -> Done:
    """Check the home's whole description, save it, and let it count at once."""
    await _saved(desk, asked.text.replace("\r\n", "\n"))
    await desk.audit("saved the home")
    return Done(message="The home is saved, and counts from now on.")


@deed("POST", "/home/undo", Scope.CONFIGURE)
async def undo(desk: Desk, asked: Nothing) -> Done:
    """Bring the home's earlier version back."""
    del asked
    path, texts = _target(desk), texts_of(desk)
    before = await asyncio.to_thread(texts.previous, path)
    if before is None:
        raise ConsoleError(409, "there is nothing to undo")
    await checked(desk, path, before)
    await asyncio.to_thread(texts.undo, path)
    await desk.house.reload()
    await desk.audit("took back a change of the home")
    return Done(message="The home is as it was before.")


@deed("POST", "/home-rooms", Scope.CONFIGURE)
async def put_room(desk: Desk, asked: PutRoom) -> Done:
    """Add a room, or change one."""
    entry: dict[str, Any] = {"name": asked.name, **_aliases(asked.aliases)}
    if asked.floor:
        entry["floor"] = asked.floor
    await _put(desk, "rooms", asked.id, entry, ("floor",))
    return Done(message=f"{asked.name} is saved.")


@deed("POST", "/home-devices", Scope.CONFIGURE)
async def put_device(desk: Desk, asked: PutDevice) -> Done:
    """Add a device, or change one."""
    entry: dict[str, Any] = {
        "name": asked.name,
        **_aliases(asked.aliases),
        "room": asked.room,
        "kind": asked.kind,
    }
    if asked.dimmable:
        entry["dimmable"] = True
    if asked.command_topic:
        entry["command_topic"] = asked.command_topic
    await _put(desk, "devices", asked.id, entry, ("dimmable", "command_topic"))
    return Done(message=f"{asked.name} is saved.")


@deed("DELETE", "/home-rooms/{id}", Scope.CONFIGURE)
async def remove_room(desk: Desk, asked: OneId) -> Done:
    """Remove a room, with the devices in it."""

    def change(tree: dict[str, Any]) -> None:
        home = desk.house.mind.home
        gone = {device.id for device in home.devices if device.room == asked.id}
        _drop(tree, "devices", [one.id for one in home.devices], gone)
        if not _drop(tree, "rooms", [one.id for one in home.rooms], {asked.id}):
            raise ConsoleError(404, f"there is no room {asked.id}")

    await _changed(desk, change)
    return Done(message="The room is gone. Undo brings it back.")


@deed("DELETE", "/home-devices/{id}", Scope.CONFIGURE)
async def remove_device(desk: Desk, asked: OneId) -> Done:
    """Remove a device."""

    def change(tree: dict[str, Any]) -> None:
        if not _drop(tree, "devices", [one.id for one in desk.house.mind.home.devices], {asked.id}):
            raise ConsoleError(404, f"there is no device {asked.id}")

    await _changed(desk, change)
    return Done(message="The device is gone. Undo brings it back.")


def _aliases(text: str) -> dict[str, Any]:
    names = [one.strip() for one in text.split(",") if one.strip()]
    return {"aliases": names} if names else {}


async def _put(
    desk: Desk,
    section: str,
    known: str | None,
    entry: dict[str, Any],
    optional: tuple[str, ...],
) -> None:

    def change(tree: dict[str, Any]) -> None:
        home = desk.house.mind.home
        places = home.rooms if section == "rooms" else home.devices
        listed = tree.setdefault(section, [])
        if known is None:
            listed.append(entry)
            return
        index = next((at for at, one in enumerate(places) if one.id == known), None)
        if index is None:
            raise ConsoleError(404, f"there is no {section[:-1]} {known}")
        before = dict(listed[index])
        for name in ("aliases", *optional):
            before.pop(name, None)
        # Its id stands in topics and automations: a new name does not change it.
        listed[index] = {**before, "id": known, **entry}

    await _changed(desk, change)


async def _changed(desk: Desk, change: Callable[[dict[str, Any]], None]) -> None:
    files = desk.house.mind.files
    text = await asyncio.to_thread(texts_of(desk).read, files.home or EXAMPLE)
    try:
        tree = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and tables only
    except yaml.YAMLError:
        raise ConsoleError(409, "the home's file is no YAML now; mend its text first") from None
    if not isinstance(tree, dict):
        tree = {}
    home = desk.house.mind.home
    for section, known in (("rooms", home.rooms), ("devices", home.devices)):
        if len(tree.get(section) or ()) != len(known):
            raise ConsoleError(409, "the home's file was changed elsewhere; mend its text first")
    change(tree)
    await _saved(desk, yaml.safe_dump(_typed(tree), sort_keys=False, allow_unicode=True, width=96))
    await desk.audit("changed the home")


def _typed(tree: Any) -> Any:
    """Return the tree with truth values: all else in a home is text."""
    if isinstance(tree, dict):
        return {
            key: value in (True, "true", "True", "yes")
            if key in ("dimmable", "confirm")
            else _typed(value)
            for key, value in tree.items()
        }
    return [_typed(one) for one in tree] if isinstance(tree, list) else tree


def _drop(tree: dict[str, Any], section: str, ids: list[str], gone: set[str]) -> bool:
    """Take entries out of the tree; they stand in the order of the ids."""
    before = tree.get(section) or []
    tree[section] = [one for one, known in zip(before, ids, strict=False) if known not in gone]
    return len(tree[section]) < len(before)


async def _saved(desk: Desk, text: str) -> None:
    path = _target(desk)
    await checked(desk, path, text)
    await asyncio.to_thread(texts_of(desk).write, path, text)
    await desk.house.reload()


def _target(desk: Desk) -> Path:
    path = desk.house.mind.files.home_to_write
    if path is None:
        raise ConsoleError(409, "this hub keeps no home of its own")
    return path
