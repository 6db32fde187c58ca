"""At which addresses other machines reach the broker that the hub announces."""

import asyncio
import hashlib
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Final

import ifaddr

from antiphon_hub.errors import BrokerChildError

LOOPBACK: Final = ("127.0.0.1",)


async def reachable_addresses(host: str, *, open_to_all: bool) -> tuple[str, ...]:
    """Return the addresses to announce, text form.

    Args:
        host: Where the hub itself reaches the broker.
        open_to_all: The broker listens on every interface of this machine.
    """
    if open_to_all:
        return _own_addresses() or LOOPBACK
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return LOOPBACK
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if any(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in addresses):
        return LOOPBACK
    return addresses


def fingerprint(cert_file: Path) -> str:
    """Return a certificate's SHA-256, lower-case hex, for clients that pin it.

    Raises:
        BrokerChildError: the file holds no PEM certificate.
    """
    try:
        der = ssl.PEM_cert_to_DER_cert(_first_certificate(cert_file.read_text(encoding="ascii")))
    except (OSError, ValueError) as error:
        raise BrokerChildError(f"[mosquitto] cert_file {cert_file}: {error}") from None
    return hashlib.sha256(der).hexdigest()


def _first_certificate(pem: str) -> str:
    end = "-----END CERTIFICATE-----"
    begin = pem.find("-----BEGIN CERTIFICATE-----")
    return pem[begin : pem.find(end, begin) + len(end)] if begin >= 0 else pem


def _own_addresses() -> tuple[str, ...]:
    found = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text)
            if not (address.is_loopback or address.is_link_local):
                found.append(text)
    return tuple(found)
