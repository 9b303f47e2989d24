"""A wire between two parts that can be slow, silent, cut, or lose exactly the answer that matters."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from groundwork.clock import Clock
from onsale.ports import LOOPBACK

CHUNK_BYTES = 64 * 1024
# Whose other end is gone gets this long to notice before the wire is taken down.
CLOSE_SECONDS = 5.0

Loses = Callable[[bytes], bool]


@dataclass
class Wire:
    """Passes bytes on from a port of ours to a server; faults change how."""

    clock: Clock
    connect_to: tuple[str, int] | Path
    port: int = 0
    # Each chunk waits so long, in both directions.
    delay_ms: int = 0
    # Nothing passes and nobody is told: a half-open connection.
    is_silent: bool = False
    # New connections are closed at once.
    is_refusing: bool = False
    # Says of an answer whether it gets lost, and the connection with it.
    loses: Loses | None = None
    lost: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _sound: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        """Listen while the block runs."""
        self._sound.set()
        server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.heal()
            self.cut()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    def cut(self) -> int:
        """Reset every connection; returns how many there were."""
        count = len(self._open)
        for writer in self._open:
            writer.transport.abort()
        return count

    def mute(self) -> None:
        """Let nothing pass from now on."""
        self.is_silent = True
        self._sound.clear()

    def heal(self) -> None:
        """Be a good wire again; what was held back while it was silent passes now."""
        self.delay_ms, self.is_silent, self.is_refusing, self.loses = 0, False, False, None
        self._sound.set()

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.is_refusing:
            back.transport.abort()
            return
        try:
            far, onward = await self._connect()
        except OSError:
            back.transport.abort()
            return
        self._open |= {back, onward}
        ways = [
            asyncio.ensure_future(self._pass(near, onward, is_answer=False)),
            asyncio.ensure_future(self._pass(far, back, is_answer=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open -= {back, onward}
            # Closed, not aborted: what was passed on before the other end left still arrives.
            for writer in (back, onward):
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.connect_to, Path):
            return await asyncio.open_unix_connection(self.connect_to)
        return await asyncio.open_connection(*self.connect_to)

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                if self.delay_ms:
                    await self.clock.sleep_ms(self.delay_ms)
                await self._sound.wait()
                if is_answer and self.loses is not None and self.loses(chunk):
                    self.lost += 1
                    sink.transport.abort()
                    return
                sink.write(chunk)
                await sink.drain()
