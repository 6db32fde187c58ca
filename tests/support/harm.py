"""The faults that a house must survive: each happens, lasts, and ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from tests.support.parts import Parts, fill_up

HOUR_S: Final = 3600.0
Fault = Callable[[Parts, random.Random], Awaitable[None]]
"""Does it; returns when its cause has ended."""


async def kill_broker(parts: Parts, _: random.Random) -> None:
    await parts.kill_broker()
    await parts.broker.start()


async def kill_hub(parts: Parts, _: random.Random) -> None:
    await parts.kill_hub()
    await parts.restart_hub()


async def kill_worker(parts: Parts, _: random.Random) -> None:
    await parts.kill_worker()
    await parts.restart_worker()


async def kill_satellite(parts: Parts, _: random.Random) -> None:
    await parts.room.kill()
    await parts.room.start()


def cut(seconds: float) -> Fault:
    """Return the fault of a satellite without any network for so long."""

    async def fault(parts: Parts, _: random.Random) -> None:
        parts.proxy.refuse(refusing=True)
        parts.proxy.cut()
        await asyncio.sleep(seconds)
        parts.proxy.refuse(refusing=False)

    return fault


async def half_open(parts: Parts, dice: random.Random) -> None:
    """The connection stands, and nothing passes."""
    parts.proxy.silence(silent=True)
    await asyncio.sleep(dice.uniform(0.5, 4.0))
    parts.proxy.silence(silent=False)


async def mangled(parts: Parts, dice: random.Random) -> None:
    """Frames are lost, come twice, overtake each other, and are cut short."""
    parts.proxy.mangle(dice, mangling=True)
    await asyncio.sleep(2.5)
    parts.proxy.mangle(dice, mangling=False)


async def delayed(parts: Parts, dice: random.Random) -> None:
    parts.proxy.delay_s = dice.uniform(0.1, 0.4)
    await asyncio.sleep(2.5)
    parts.proxy.delay_s = 0.0


async def clock_jump(parts: Parts, dice: random.Random) -> None:
    """Every wall clock is set, and stays so."""
    parts.set_clock(dice.choice((-HOUR_S, 0.0, HOUR_S)))
    await asyncio.sleep(0)


async def slow_consumer(parts: Parts, _: random.Random) -> None:
    with parts.slow_consumer():
        await asyncio.sleep(3.0)


async def full_disk(parts: Parts, _: random.Random) -> None:
    ballast = fill_up(parts.state_dir)
    await asyncio.sleep(3.0)
    ballast.unlink()


FAULTS: Final[dict[str, Fault]] = {
    "kill_broker": kill_broker,
    "kill_hub": kill_hub,
    "kill_worker": kill_worker,
    "kill_satellite": kill_satellite,
    "cut_1": cut(1.0),
    "cut_5": cut(5.0),
    "half_open": half_open,
    "mangled": mangled,
    "delayed": delayed,
    "clock_jump": clock_jump,
    "slow_consumer": slow_consumer,
}
