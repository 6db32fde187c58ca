"""A simulated room as a program of its own, so that it can be killed like any other.

`python -m tests.support.room_process HOST PORT ID ROOM CLOCK`; each line on its input is one press
of the button and one spoken command. It tells on its output, a JSON object a line, each state of
its conversation and what came of each command. CLOCK is the file of `tests.support.shifted`.
"""

import asyncio
import json
import sys
from typing import Any

from antiphon_link import logs
from antiphon_link.broker import BrokerAddress
from antiphon_satellite.device.indicator import NullIndicator
from antiphon_satellite.machine import State
from antiphon_satellite.simulate import SimulatedRoom
from tests.support import shifted
from tests.support.worker_world import loud, quiet

COMMAND = quiet(0.2) + loud(1.2) + quiet(1.5)


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Light(NullIndicator):
    """Tells each state."""

    def show(self, state: State) -> None:
        say(state=state)


async def main(host: str, port: str, satellite: str, room_name: str) -> None:
    async def resolve() -> BrokerAddress:
        return BrokerAddress(host=host, port=int(port))

    room = SimulatedRoom(
        resolve, satellite=satellite, room=room_name, wake="none", indicator=Light()
    )
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(room.run())
        while await lines.readline():
            spoken = await room.speak(COMMAND, press_button=True, within_s=30.0)
            say(turn=spoken.turn, reply=bool(spoken.reply), cues=spoken.cues, over=spoken.over)
        task.cancel()


if __name__ == "__main__":
    shifted.shift(sys.argv[5])
    logs.set_up(verbose=False)
    asyncio.run(main(*sys.argv[1:5]))
