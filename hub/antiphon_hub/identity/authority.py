"""The hub's own certificate authority: it signs one certificate, the broker's.

Devices are given the authority when they are paired and trust it alone. Since it signs for this hub
and nobody else, they need not compare names, which in a home change with every router.
"""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.gatekeeper import CERTIFICATE, KEY
from antiphon_link.private_file import write_private

BEGIN: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
"""A board without a battery wakes up in the past, and must join before it knows the time."""
LIFE: Final = dt.timedelta(days=50 * 365)
"""Nothing is gained by an end: devices trust this one key until they are paired anew."""


class Authority:
    """The authority's and the broker's files in a folder; made when they are missing."""

    def __init__(self, folder: Path, hub: str, names: Sequence[str]) -> None:
        """Read the files, or make them.

        Args:
            folder: Existing folder that is ours alone.
            hub: The hub's id, for people who look at the certificate.
            names: Host names and addresses by which the broker is reached.

        Raises:
            IdentityError: the files cannot be read or written, or are damaged.
        """
        self._folder = folder
        self._hub = hub
        try:
            certificate, key = self._own() or self._make_own()
            if not self._signed(certificate, names):
                self._sign(certificate, key, names)
        except (OSError, ValueError) as error:
            raise IdentityError(
                f"certificates in {folder}: {error}; "
                "restore the folder from a backup, or remove it and pair every device again"
            ) from None
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        """What devices trust."""
        der = certificate.public_bytes(serialization.Encoding.DER)
        self.fingerprint = hashlib.sha256(der).hexdigest()
        """SHA-256, lower-case hex; what is announced, so that a device knows its house."""

    @property
    def certificate(self) -> Path:
        """The broker's certificate, with the authority's behind it."""
        return self._folder / CERTIFICATE

    @property
    def key(self) -> Path:
        """The broker's key."""
        return self._folder / KEY

    def _own(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
        certificate, key = self._folder / "authority.pem", self._folder / "authority.key"
        if not certificate.exists() and not key.exists():
            return None
        loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key.name} is no key of ours")  # noqa: TRY004 - the file is wrong, no type
        return x509.load_pem_x509_certificate(certificate.read_bytes()), loaded

    def _make_own(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Antiphon authority of {self._hub}")
        certificate = (
            _builder(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        write_private(self._folder / "authority.key", _pem(key))
        write_private(
            self._folder / "authority.pem",
            certificate.public_bytes(serialization.Encoding.PEM).decode(),
        )
        return certificate, key

    def _signed(self, authority: x509.Certificate, names: Sequence[str]) -> bool:
        """Tell whether there is a certificate of this authority for all the names."""
        if not (self.certificate.exists() and self.key.exists()):
            return False
        leaf, *_ = x509.load_pem_x509_certificates(self.certificate.read_bytes())
        named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        try:
            leaf.verify_directly_issued_by(authority)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is signed
            return False
        return set(_alternatives(names)) <= set(named)

    def _sign(
        self, authority: x509.Certificate, by: ec.EllipticCurvePrivateKey, names: Sequence[str]
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
        leaf = (
            _builder(_name(f"Antiphon hub {self._hub}"), authority.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(identifier, critical=False)
            .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
            .sign(by, hashes.SHA256())
        )
        chain = [one.public_bytes(serialization.Encoding.PEM).decode() for one in (leaf, authority)]
        write_private(self.key, _pem(key))
        write_private(self.certificate, "".join(chain))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + LIFE)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name.partition("%")[0])))
        except ValueError:
            if name.isascii():
                found.append(x509.DNSName(name))
    return found


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
