"""Which broker to use: the configured one, or the one of the hub that announces itself."""

from antiphon_link.broker import BrokerAddress, BrokerSettings
from antiphon_link.discovery import find_hub
from antiphon_link.errors import LinkRefusedError
from antiphon_link.link import Resolver
from antiphon_protocol.errors import VersionError
from antiphon_protocol.version import OURS, negotiate


def resolver(settings: BrokerSettings) -> Resolver:
    """Return a function that gives the broker's address; without a configured one it searches.

    The function raises NotFoundError when no hub announces itself, and LinkRefusedError when the
    one found speaks no protocol version of ours.
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
        return settings.at(hub.addresses[0], hub.record.port, tls=hub.record.tls)

    return resolve
