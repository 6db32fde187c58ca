"""Which broker to use: the configured one, or the one of the hub that announces itself."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from antiphon_link.broker import BrokerAddress, BrokerSettings
from antiphon_link.discovery import find_hub
from antiphon_link.errors import LinkDownError, LinkRefusedError
from antiphon_link.link import Resolver
from antiphon_protocol.errors import VersionError
from antiphon_protocol.version import OURS, negotiate

log = logging.getLogger(__name__)

PROBE_TIMEOUT_S: Final = 1.0
"""Per announced address; one network away a broker answers within milliseconds."""


def resolver(settings: BrokerSettings) -> Resolver:
    """Return a function that gives the broker's address; without a configured one it searches.

    The function raises NotFoundError when no hub announces itself, and LinkRefusedError when the
    one found speaks no protocol version of ours, and LinkDownError when its broker does not answer.
    """
    fixed = settings.resolve()

    async def resolve() -> BrokerAddress:
        if fixed is not None:
            return fixed
        hub = await find_hub()
        try:
            negotiate(OURS, hub.record.protocol)
        except VersionError as error:
            raise LinkRefusedError(f"hub {hub.record.hub}: {error}") from None
        host = await _first_that_answers(hub.addresses, hub.record.port)
        return settings.at(host, hub.record.port, tls=hub.record.tls)

    return resolve


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
