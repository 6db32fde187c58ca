"""Finding the hub in the home's network by mDNS (RFC 6762, RFC 6763), and announcing it."""

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from zeroconf import InterfaceChoice, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from antiphon_link.errors import NotFoundError
from antiphon_protocol.discovery import SERVICE_TYPE, HubRecord, record_from_txt
from antiphon_protocol.errors import DecodeError

log = logging.getLogger(__name__)

FIND_TIMEOUT_S: Final = 5.0
_RESOLVE_TIMEOUT_MS: Final = 2000


class FoundHub(msgspec.Struct, frozen=True):
    """A hub that announced itself, and where its broker answers."""

    record: HubRecord
    addresses: tuple[str, ...]
    """IPv4 before IPv6, as announced."""


@asynccontextmanager
async def announced(
    record: HubRecord, addresses: Sequence[str], interfaces: Sequence[str] | None = None
) -> AsyncIterator[None]:
    """Announce the hub inside the block.

    Args:
        record: What to say of it.
        addresses: The broker's own addresses, text form.
        interfaces: Addresses of the interfaces to announce on; None for all.
    """
    zeroconf = AsyncZeroconf(interfaces=_choice(interfaces))
    info = AsyncServiceInfo(
        SERVICE_TYPE,
        f"{record.hub}.{SERVICE_TYPE}",
        port=record.port,
        properties=record.txt(),
        parsed_addresses=list(addresses),
        server=f"antiphon-{record.hub}.local.",
    )
    try:
        await zeroconf.async_register_service(info, allow_name_change=True)
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


async def find_hub(
    timeout_s: float = FIND_TIMEOUT_S,
    interfaces: Sequence[str] | None = None,
    *,
    hub: str = "",
) -> FoundHub:
    """Return the first hub that answers, or the one of this id.

    Raises:
        NotFoundError: none did in time; the message says what to do.
    """
    zeroconf = AsyncZeroconf(interfaces=_choice(interfaces))
    found: asyncio.Queue[str] = asyncio.Queue(maxsize=64)

    def seen(
        zeroconf: Zeroconf,  # noqa: ARG001 - the library calls by keyword
        service_type: str,  # noqa: ARG001 - the library calls by keyword
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        if state_change is not ServiceStateChange.Removed and not found.full():
            found.put_nowait(name)

    browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[seen])
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                one = await _resolve(zeroconf, await found.get())
                if one is not None and hub in ("", one.record.hub):
                    return one
    except TimeoutError:
        raise NotFoundError(
            f"no hub{f' called {hub}' if hub else ''} answered within {timeout_s:g} s in this "
            "network; is `antiphon hub` running with its broker open to the network (`antiphon hub "
            "--lan`)? A known address works without discovery: --broker HOST:PORT"
        ) from None
    finally:
        await browser.async_cancel()
        await zeroconf.async_close()


async def _resolve(zeroconf: AsyncZeroconf, name: str) -> FoundHub | None:
    info = AsyncServiceInfo(SERVICE_TYPE, name)
    if not await info.async_request(zeroconf.zeroconf, _RESOLVE_TIMEOUT_MS) or not info.port:
        return None
    try:
        record = record_from_txt(info.port, info.properties)
    except DecodeError as error:
        log.warning("%s: %s", name[:80], error)
        return None
    addresses = sorted(
        info.parsed_scoped_addresses(),
        key=lambda text: ipaddress.ip_address(text.partition("%")[0]).version,
    )
    return FoundHub(record, tuple(addresses)) if addresses else None


def _choice(
    interfaces: Sequence[str] | None,
) -> list[str | int | tuple[tuple[str, int, int], int]] | InterfaceChoice:
    return InterfaceChoice.All if interfaces is None else list(interfaces)
