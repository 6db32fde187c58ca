"""Where other machines reach the broker, and how they know it."""

import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest

from antiphon_hub.addresses import LOOPBACK, fingerprint, reachable_addresses
from antiphon_hub.errors import BrokerChildError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "no-such-host.invalid"])
async def test_a_broker_of_this_machine_alone_is_announced_on_loopback(host: str) -> None:
    assert await reachable_addresses(host, open_to_all=False) == LOOPBACK


async def test_a_broker_elsewhere_is_announced_where_it_is() -> None:
    assert await reachable_addresses("192.0.2.7", open_to_all=False) == ("192.0.2.7",)


def test_the_fingerprint_is_the_certificates_sha256(tmp_path: Path) -> None:
    cert = tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=hub", "-keyout", str(tmp_path / "key.pem")),
            *("-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    text = cert.read_text()
    expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()
    cert.write_text("Some words before\n" + text + text)
    assert fingerprint(cert) == expected


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("hello")
    with pytest.raises(BrokerChildError, match=r"cert\.pem"):
        fingerprint(tmp_path / "cert.pem")
    with pytest.raises(BrokerChildError, match=r"none\.pem"):
        fingerprint(tmp_path / "none.pem")
