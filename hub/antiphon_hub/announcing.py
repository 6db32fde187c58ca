"""What the hub says of its broker by mDNS, and to whom."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from antiphon_hub.addresses import LOOPBACK, fingerprint, reachable_addresses
from antiphon_hub.mosquitto import Mosquitto
from antiphon_hub.settings import Settings
from antiphon_link.broker import BrokerAddress
from antiphon_protocol.discovery import HubRecord
from antiphon_protocol.version import OURS


@contextlib.asynccontextmanager
async def broker_announced(
    settings: Settings, address: BrokerAddress, broker: Mosquitto | None, authority: str
) -> AsyncIterator[None]:
    """Announce the broker inside the block, as far as the settings want that.

    Args:
        settings: The hub's.
        address: Where the hub itself reaches the broker.
        broker: The hub's own; None: somebody else's.
        authority: Fingerprint of what paired devices trust; empty: devices are not paired.

    Raises:
        BrokerChildError: the broker's certificate cannot be read.
    """
    if not settings.discovery.announce:
        yield
        return
    from antiphon_link.discovery import announced  # noqa: PLC0415 - 0.05 s of each start without

    own = settings.mosquitto
    certificate = fingerprint(Path(own.cert_file)) if broker and own.cert_file else ""
    record = HubRecord(
        hub=settings.hub_id(),
        site=settings.hub.site,
        port=broker.listeners.port if broker else address.port,
        tls=own.tls if broker else address.tls,
        protocol=OURS,
        fingerprint=authority or certificate,
        paired=bool(broker and own.paired),
    )
    open_to_all = broker is not None and own.lan
    addresses = await reachable_addresses(address.host, open_to_all=open_to_all)
    interfaces = LOOPBACK if set(addresses) <= set(LOOPBACK) else None
    async with announced(record, addresses, interfaces):
        yield
