"""A TCP proxy that does what a home's Wi-Fi does: delay, silence, cut, half-close."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon_link.broker import BrokerAddress
from tests.support.mangler import Mangler

_CHUNK_BYTES = 65536


class Proxy:
    """Stands between a program and a broker; its switches hold for all connections."""

    def __init__(self, target: BrokerAddress) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        self._dice = random.Random(0)
        self._manglers: set[Mangler] = set()
        self._mangling = False
        self.delay_s = 0.0
        """Added to each chunk, each way."""
        self.accepted = 0
        """How many connections it took."""
        self.address = target

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        """Listen on a free port of the loopback interface inside the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.address = BrokerAddress(host="127.0.0.1", port=port)
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    def cut(self) -> None:
        """Reset all connections."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def refuse(self, *, refusing: bool) -> None:
        """Reset every new connection at once, or no longer."""
        self._refusing = refusing

    def silence(self, *, silent: bool) -> None:
        """Let nothing through, but keep the connections open: a half-open link; or no longer."""
        if silent:
            self._open.clear()
        else:
            self._open.set()

    def mangle(self, dice: random.Random, *, mangling: bool) -> None:
        """Lose, repeat, reorder and truncate the audio that programs send; or no longer."""
        self._dice, self._mangling = dice, mangling
        for mangler in self._manglers:
            mangler.active = mangling

    def half_close(self) -> None:
        """End the stream in each direction, politely."""
        for writer in tuple(self._writers):
            with contextlib.suppress(OSError):
                writer.write_eof()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self._target.host, self._target.port
            )
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        mangler = Mangler(self._dice)
        mangler.active = self._mangling
        self._manglers.add(mangler)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, mangler))
                group.create_task(self._pump(far_reader, writer, None))
        finally:
            self._writers -= {writer, far_writer}
            self._manglers.discard(mangler)
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mangler: Mangler | None
    ) -> None:
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._open.wait()
                writer.write(mangler.feed(chunk) if mangler is not None else chunk)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()
