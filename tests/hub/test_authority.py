"""The hub's own authority: it is kept, and its one certificate signed anew when it must be."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.authority import Authority
from antiphon_link.broker import BrokerAddress
from antiphon_link.errors import SettingsError


def names(authority: Authority) -> set[str]:
    leaf = x509.load_pem_x509_certificates(authority.certificate.read_bytes())[0]
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(one.value) for one in found}


def test_it_stays_the_same_and_its_files_are_ours_alone(tmp_path: Path) -> None:
    first = Authority(tmp_path, "home", ["home.local", "192.168.1.5", "fe80::1%eth0", "tür"])
    assert names(first) == {"home.local", "192.168.1.5", "fe80::1"}
    signed = first.certificate.read_bytes()
    again = Authority(tmp_path, "home", ["home.local"])
    assert again.pem == first.pem
    assert again.fingerprint == first.fingerprint
    assert again.certificate.read_bytes() == signed, "all names are in it"
    assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()} == {0o600}


def test_a_new_name_gets_a_new_certificate_of_the_same_authority(tmp_path: Path) -> None:
    first = Authority(tmp_path, "home", ["home.local"])
    moved = Authority(tmp_path, "home", ["home.local", "10.0.0.7"])
    assert moved.pem == first.pem
    assert names(moved) == {"home.local", "10.0.0.7"}


def test_another_authoritys_certificate_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    other = Authority(tmp_path / "a", "home", ["home.local"])
    ours = Authority(tmp_path / "b", "home", ["home.local"])
    for file in ("broker.pem", "broker.key"):
        (tmp_path / "b" / file).write_bytes((tmp_path / "a" / file).read_bytes())
    assert Authority(tmp_path / "b", "home", ["home.local"]).pem == ours.pem
    assert ours.certificate.read_bytes() != other.certificate.read_bytes()


@pytest.mark.parametrize("file", ["authority.pem", "authority.key"])
@pytest.mark.parametrize("damage", [b"", b"-----BEGIN CERTIFICATE-----\nx\n", None])
def test_a_damaged_authority_is_named_and_never_replaced(
    tmp_path: Path, file: str, damage: bytes | None
) -> None:
    Authority(tmp_path, "home", ["home.local"])
    if damage is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(damage)
    with pytest.raises(IdentityError, match="restore the folder from a backup"):
        Authority(tmp_path, "home", ["home.local"])


def test_devices_trust_it_alone_by_whatever_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "home", ["home.local"])
    address = BrokerAddress(host="10.0.0.7", port=8883, tls=True, authority=authority.pem)
    context = address.tls_context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname
    assert len(context.get_ca_certs()) == 1
    with pytest.raises(SettingsError, match="pair again"):
        BrokerAddress(host="x", port=1, tls=True, authority="no PEM").tls_context()
