"""A hub, as far as discovery goes: announces a broker until its standard input ends."""

import asyncio
import sys

from antiphon_link.discovery import announced
from antiphon_protocol.discovery import HubRecord
from antiphon_protocol.version import OURS


async def main(port: int, addresses: list[str]) -> None:
    """Announce the port on these addresses; say so on standard output."""
    record = HubRecord(hub="house", site="Haus", port=port, tls=False, protocol=OURS)
    async with announced(record, addresses):
        sys.stdout.write("announced\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
