"""Links running in a task, for the length of a block."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon_link.broker import BrokerAddress
from antiphon_link.link import Link, Resolver
from tests.support.waiting import WITHIN_S


def at(address: BrokerAddress) -> Resolver:
    """Return a resolver for a known address."""

    async def resolve() -> BrokerAddress:
        return address

    return resolve


@asynccontextmanager
async def running(*links: Link) -> AsyncIterator[None]:
    """Run the links inside the block, entered once all are connected; an early end fails it."""
    tasks = [asyncio.create_task(link.run()) for link in links]
    waits = [asyncio.create_task(link.wait_connected()) for link in links]
    try:
        async with asyncio.timeout(WITHIN_S):
            await asyncio.wait({asyncio.gather(*waits), *tasks}, return_when="FIRST_COMPLETED")
        for task in tasks:
            if task.done():
                task.result()
        yield
    finally:
        for task in (*tasks, *waits):
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
