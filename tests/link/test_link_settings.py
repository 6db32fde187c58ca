from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_link import settings
from antiphon_link.broker import BrokerAddress, BrokerSettings, parse_address
from antiphon_link.errors import SettingsError


class Device(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    dim: bool = False


class House(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "home"
    floors: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    broker: BrokerSettings = BrokerSettings()
    porch: Device | None = None
    devices: dict[str, Device] = {}
    spares: tuple[Device, ...] = ()


def mistakes_in(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "house.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        settings.load(path, House)
    assert str(error.value).startswith(f"{path}: {len(error.value.mistakes)} mistake(s)\n  - ")
    return error.value.mistakes


def test_without_a_file_there_are_the_defaults() -> None:
    assert settings.load(None, House) == House()


def test_a_file_gives_nested_settings(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(
        'name = "hut"\nfloors = 2\n[broker]\naddress = "box"\n[porch]\nkind = "lamp"\n'
        '[devices.fan]\nkind = "fan"\ndim = true\n[[spares]]\nkind = "plug"\n'
    )
    assert settings.load(path, House) == House(
        name="hut",
        floors=2,
        broker=BrokerSettings(address="box"),
        porch=Device(kind="lamp"),
        devices={"fan": Device(kind="fan", dim=True)},
        spares=(Device(kind="plug"),),
    )


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (
        'nmae = "hut"\nfloors = 12\n[broker]\nadress = "box"\ntls = "yes"\n'
        "[porch]\ndim = 1\n[devices.fan]\nknid = 'fan'\n[[spares]]\nkind = 5\n[zzz]\n"
    )
    assert mistakes_in(text, tmp_path) == [
        "nmae: no such setting; did you mean 'name'?",
        "floors: Expected `int` <= 9",
        "broker.adress: no such setting; did you mean 'address'?",
        "broker.tls: Expected `bool`, got `str`",
        "porch.dim: Expected `bool`, got `int`",
        "porch.kind: is missing",
        "devices.fan.knid: no such setting; did you mean 'kind'?",
        "devices.fan.kind: is missing",
        "spares[0].kind: Expected `str`, got `int`",
        "zzz: no such setting; known: broker, devices, floors, name, porch, spares",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("name = ", "no TOML: Invalid value (at "),
        ("broker = 5", "broker: Expected `object`, got `int`"),
        ("devices = [1]", "devices: Expected `object`, got `array`"),
        ("spares = [1]", "spares: Expected `object`, got `int` - at `$[0]`"),
        ("porch = 'lamp'", "porch: Expected `object | null`, got `str`"),
    ],
)
def test_a_section_of_the_wrong_kind_is_a_mistake(text: str, mistake: str, tmp_path: Path) -> None:
    assert mistakes_in(text, tmp_path)[0].startswith(mistake)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: 1 mistake.*\n  - cannot be read: "):
        settings.load(tmp_path / "none.toml", House)
    latin = tmp_path / "latin.toml"
    latin.write_bytes('name = "Küche"'.encode("latin-1"))
    with pytest.raises(SettingsError, match="cannot be read: 'utf-8' codec"):
        settings.load(latin, House)


VALUES = st.recursive(
    st.integers() | st.text(max_size=5) | st.booleans() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "dim", "address", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*House.__struct_fields__, "x"]), VALUES, max_size=4))
def test_any_tree_gives_settings_or_a_list_of_mistakes(tree: dict[str, object]) -> None:
    try:
        assert isinstance(settings.from_tree(tree, House, "here"), House)
    except SettingsError as error:
        if not error.mistakes:
            raise


# -- where the broker is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("box", ("box", 1883)),
        ("box.local:8884", ("box.local", 8884)),
        ("10.0.0.7:1", ("10.0.0.7", 1)),
        ("[fe80::1]", ("fe80::1", 1883)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
        ("fe80::1", ("fe80::1", 1883)),
        ("box:", ("box", 1883)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, 1883) == address


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "has no host"),
        (":1883", "has no host"),
        ("[]:1883", "has no host"),
        ("box:0", "no port from 1 to 65535"),
        ("box:65536", "no port from 1 to 65535"),
        ("box:mqtt", "no port from 1 to 65535"),
        ("box:-1", "no port from 1 to 65535"),
        ("box:²", "no port from 1 to 65535"),
        ("[::1]1883", "write [::1]:1883"),
        ("[::1", "write [::1]"),
        ("mqtt://box", "write host or host:port"),
    ],
)
def test_addresses_that_are_none(text: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_address(text, 1883)
    assert mistake in str(error.value)


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_a_settings_error(text: str) -> None:
    try:
        host, port = parse_address(text, 1883)
    except SettingsError:
        return
    assert host
    assert 0 < port < 65536


def test_the_ports_default_follows_tls() -> None:
    assert BrokerSettings().resolve() is None
    plain = BrokerSettings(address="box").resolve()
    sealed = BrokerSettings(address="box", tls=True).resolve()
    assert (plain, sealed) == (
        BrokerAddress(host="box", port=1883),
        BrokerAddress(host="box", port=8883, tls=True),
    )
    assert (str(plain), str(sealed)) == ("box:1883", "box:8883 (TLS)")


def test_the_password_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("open sesame\n")
    address = BrokerSettings(address="box", username="hub", password_file=str(path)).resolve()
    assert address is not None
    assert (address.username, address.password) == ("hub", "open sesame")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_password_file_that_cannot_be_read_is_named(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="password_file"):
        BrokerSettings(address="box", password_file=str(path)).resolve()
