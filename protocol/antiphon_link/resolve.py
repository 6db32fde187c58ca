"""Which broker to use: the configured one, or the one of the hub that announces itself."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon_link.broker import DEFAULT_TLS_PORT, BrokerAddress, BrokerSettings, parse_address
from antiphon_link.errors import LinkDownError, LinkRefusedError
from antiphon_link.link import Resolver
from antiphon_protocol.discovery import HubRecord
from antiphon_protocol.errors import VersionError
from antiphon_protocol.messages.pairing import Membership
from antiphon_protocol.version import OURS, negotiate

log = logging.getLogger(__name__)

HOW_TO_PAIR: Final = (
    "open pairing on the hub's console, or with `antiphon devices pair`, and start this one with "
    "--pair CODE"
)
PROBE_TIMEOUT_S: Final = 1.0
"""Per announced address; one network away a broker answers within milliseconds."""


def resolver(settings: BrokerSettings, member: Membership | None = None) -> Resolver:
    """Return a function that gives the broker's address; without a configured one it searches.

    A configured account comes first, then the membership; on this machine itself neither is needed.

    The function raises NotFoundError when no hub announces itself, and LinkRefusedError when the
    one found speaks no protocol version of ours or wants devices paired, and LinkDownError when its
    broker does not answer.
    """
    if settings.username or settings.on_this_machine:
        member = None
    fixed = settings.resolve()
    if member is not None and fixed is not None:
        fixed = as_member(_without_account(settings), member)

    async def resolve() -> BrokerAddress:
        if fixed is not None:
            return fixed
        found, record = await search(member.hub if member else "")
        if member is not None:
            # Also where the record says otherwise: anybody may announce a hub without TLS.
            return as_member(found, member)
        if record.paired and not settings.username:
            raise LinkRefusedError(f"hub {record.hub} lets in paired devices only: {HOW_TO_PAIR}")
        return settings.at(found.host, found.port, tls=found.tls)

    return resolve


def stranger(settings: BrokerSettings) -> Resolver:
    """Return a function that gives the address of a broker that knows us not yet."""

    async def resolve() -> BrokerAddress:
        if settings.on_this_machine and (here := settings.resolve()) is not None:
            return here
        if settings.address:
            return _without_account(settings)
        found, _ = await search("")
        return found

    return resolve


async def search(hub: str) -> tuple[BrokerAddress, HubRecord]:
    """Return where a hub's broker is, without an account; any hub's if the id is empty.

    Raises:
        NotFoundError: none announces itself.
        LinkRefusedError: it speaks no protocol version of ours.
        LinkDownError: its broker does not answer.
    """
    from antiphon_link.discovery import find_hub  # noqa: PLC0415 - 0.05 s of each start without

    found = await find_hub(hub=hub)
    record = found.record
    try:
        negotiate(OURS, record.protocol)
    except VersionError as error:
        raise LinkRefusedError(f"hub {record.hub}: {error}") from None
    host = await _first_that_answers(found.addresses, record.port)
    return BrokerAddress(host=host, port=record.port, tls=record.tls), record


def as_member(address: BrokerAddress, member: Membership) -> BrokerAddress:
    """Return the address with the account and the trust that pairing gave."""
    return msgspec.structs.replace(
        address,
        username=member.username,
        password=member.password,
        tls=bool(member.authority),
        authority=member.authority,
    )


def _without_account(settings: BrokerSettings) -> BrokerAddress:
    host, port = parse_address(settings.address, DEFAULT_TLS_PORT)
    return BrokerAddress(host=host, port=port, tls=True)


async def _first_that_answers(hosts: Sequence[str], port: int) -> str:
    """Return the first host that takes a connection.

    A hub also announces addresses of networks that are not ours: containers, VPNs.

    Raises:
        LinkDownError: none does.
    """
    for host in hosts:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                _, writer = await asyncio.open_connection(host, port)
        except OSError as error:  # a TimeoutError is one, too
            log.debug("%s:%d: %s", host, port, error)
            continue
        writer.close()
        return host
    raise LinkDownError(f"the hub's broker answers on none of {', '.join(hosts)}, port {port}")
