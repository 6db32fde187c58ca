"""A satellite, as far as discovery goes: finds the house without configuration, says one thing."""

import asyncio
import sys

from antiphon_link.broker import BrokerSettings
from antiphon_link.link import Link
from antiphon_link.resolve import resolver
from antiphon_protocol.messages.ask import AskSay
from antiphon_protocol.topics import ASK_SAY


async def main() -> None:
    """Connect, say it, and print what came back."""
    link = Link(resolver(BrokerSettings()), client_id="finder")
    heard: asyncio.Queue[str] = asyncio.Queue(maxsize=8)
    link.on(ASK_SAY, lambda message, _: heard.put_nowait(message.text))
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(15):
        await link.wait_connected()
        await link.send(ASK_SAY, AskSay(text="found you"))
        sys.stdout.write(await heard.get() + "\n")
    running.cancel()
    await asyncio.wait([running])


if __name__ == "__main__":
    asyncio.run(main())
