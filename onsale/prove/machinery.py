"""The processes of a run: each can be killed, frozen and started again, and is kept running otherwise."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from groundwork.clock import Clock
from onsale.embedded.child_process import ChildCommand, ChildProcess
from onsale.embedded.running import wait_until_ready

# Between two looks whether everything that should run does.
LOOK_EVERY_MS = 200

IsReady = Callable[[], Awaitable[bool]]


class Machine:
    """One process and how to start it."""

    def __init__(self, command: ChildCommand, clock: Clock, is_ready: IsReady | None) -> None:
        self.command = command
        self._clock = clock
        self._is_ready = is_ready
        self._process: ChildProcess | None = None
        # Whether it should run; what ends although it should is started again.
        self.is_wanted = False
        self.is_frozen = False
        # Starts that nobody asked for: the process ended by itself, or died at an armed effect.
        self.revivals = 0
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        """How it is called in the report."""
        return self.command.name

    @property
    def is_running(self) -> bool:
        """Whether its process exists."""
        return self._process is not None and self._process.exit_code is None

    @property
    def pid(self) -> int:
        """Its process id; of a machine that runs."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *, waits: bool = True) -> None:
        """Start it, and return when it works unless told not to wait. Raises CannotStart."""
        self.is_wanted = True
        # Whoever keeps it alive may be at it at this moment.
        async with self._starting:
            if not self.is_running:
                self._process = await ChildProcess.start(self.command)
        if waits and self._is_ready is not None:
            assert self._process is not None
            await wait_until_ready(self._process, self._is_ready, self._clock)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by the signal, and return when it has ended."""
        self.is_wanted = False
        if self._process is not None:
            self._process.signal(number)
            self.thaw()
            await self._process.wait()

    async def stop(self) -> None:
        """End it politely."""
        self.is_wanted = False
        self.thaw()
        if self._process is not None:
            await self._process.stop()

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does."""
        assert self._process is not None
        self._process.signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        if self.is_frozen and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.signal(signal.SIGCONT)
        self.is_frozen = False

    async def revive(self) -> None:
        """Start it again if it ended although it should run."""
        if self.is_wanted and not self.is_running:
            self.revivals += 1
            await self.start(waits=False)


@asynccontextmanager
async def kept_alive(machines: list[Machine], clock: Clock) -> AsyncIterator[None]:
    """Start again what ends by itself, as `onsale up` or systemd would, while the block runs."""

    async def keep() -> None:
        while True:
            await clock.sleep_ms(LOOK_EVERY_MS)
            for machine in machines:
                await machine.revive()

    async with beside(keep()):
        yield


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run the work while the block runs; an exception of either ends both."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def stop_all(machines: list[Machine]) -> None:
    """Stop them, the last first."""
    for machine in reversed(machines):
        await asyncio.shield(machine.stop())
