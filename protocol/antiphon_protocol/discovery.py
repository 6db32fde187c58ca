"""What the hub says of itself by mDNS (RFC 6763): service type and TXT record."""

from collections.abc import Mapping
from typing import Final

import msgspec

from antiphon_protocol.errors import DecodeError
from antiphon_protocol.ids import Slug
from antiphon_protocol.version import VersionRange

SERVICE_TYPE: Final = "_antiphon._tcp.local."
REQUIRED: Final = ("hub", "site", "tls", "protocol")
"""Keys without which a TXT record is not ours; unknown ones are ignored."""


class HubRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where the house's broker is; its addresses are the service's A and AAAA records."""

    hub: Slug
    """The hub's id."""
    site: str
    """The home's name, for people."""
    port: int
    """The broker's TCP port."""
    tls: bool
    """The port speaks TLS."""
    protocol: VersionRange
    """Protocol majors that the hub speaks."""
    fingerprint: str = ""
    """SHA-256 of the hub's certificate, lower-case hex, or where devices are paired of its
    authority's; empty without TLS."""
    paired: bool = False
    """Only devices that were paired may join."""

    def txt(self) -> dict[str, str]:
        """Return the TXT record's pairs (RFC 6763, section 6)."""
        return {
            "hub": self.hub,
            "site": self.site[:60],
            "tls": "1" if self.tls else "0",
            "protocol": f"{self.protocol.oldest}-{self.protocol.newest}",
            "fingerprint": self.fingerprint,
            "paired": "1" if self.paired else "0",
        }


def record_from_txt(port: int, txt: Mapping[bytes, bytes | None]) -> HubRecord:
    """Read a TXT record that some program in the network sent.

    Raises:
        DecodeError: a field is missing or not what it should be.
    """
    try:
        fields = {key: (txt[key.encode()] or b"").decode() for key in REQUIRED}
        oldest, _, newest = fields["protocol"].partition("-")
        return msgspec.convert(
            {
                "hub": fields["hub"],
                "site": fields["site"],
                "port": port,
                "tls": {"0": False, "1": True}[fields["tls"]],
                "protocol": [int(oldest), int(newest)],
                "fingerprint": (txt.get(b"fingerprint") or b"").decode(),
                "paired": txt.get(b"paired") == b"1",
            },
            HubRecord,
        )
    except (KeyError, ValueError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DecodeError(f"not an Antiphon service record: {error!r}") from None
