import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_protocol.discovery import HubRecord, record_from_txt
from antiphon_protocol.errors import DecodeError
from antiphon_protocol.version import VersionRange

RECORD = HubRecord(
    hub="home",
    site="Haus am See",
    port=8883,
    tls=True,
    protocol=VersionRange(1, 3),
    fingerprint="ab" * 32,
)


def as_txt(record: HubRecord) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in record.txt().items()}


def test_a_record_survives_the_way() -> None:
    assert record_from_txt(8883, as_txt(RECORD)) == RECORD


def test_what_a_newer_hub_adds_is_ignored() -> None:
    assert record_from_txt(8883, {**as_txt(RECORD), b"color": b"\xff", b"flag": None}) == RECORD


def test_each_pair_fits_into_a_txt_string() -> None:
    # One string of a TXT record holds 255 bytes (RFC 6763, section 6.1).
    record = HubRecord(hub="h" * 64, site="ß" * 500, port=1, tls=False, protocol=VersionRange(1, 1))
    assert all(len(f"{key}={value}".encode()) <= 255 for key, value in record.txt().items())


@pytest.mark.parametrize("key", ["hub", "site", "tls", "protocol"])
def test_a_missing_field_is_a_decode_error(key: str) -> None:
    txt = as_txt(RECORD)
    del txt[key.encode()]
    with pytest.raises(DecodeError, match="not an Antiphon service record"):
        record_from_txt(8883, txt)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hub", b"NOT A SLUG"),
        ("hub", b"\xff\xfe"),
        ("tls", b"yes"),
        ("protocol", b""),
        ("protocol", b"3-1"),
        ("protocol", b"one-two"),
        ("protocol", b"1-" + b"9" * 5000),
    ],
)
def test_a_bad_field_is_a_decode_error(key: str, value: bytes) -> None:
    with pytest.raises(DecodeError, match="not an Antiphon service record"):
        record_from_txt(8883, {**as_txt(RECORD), key.encode(): value})


KEYS = st.sampled_from([b"hub", b"site", b"tls", b"protocol", b"fingerprint"]) | st.binary()


@given(
    port=st.integers(0, 65_535),
    txt=st.dictionaries(KEYS, st.none() | st.binary() | st.sampled_from([b"1-1", b"1", b"home"])),
)
def test_any_record_is_understood_or_a_decode_error(
    port: int, txt: dict[bytes, bytes | None]
) -> None:
    try:
        assert isinstance(record_from_txt(port, txt), HubRecord)
    except DecodeError:
        return
