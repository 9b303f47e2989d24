"""Start a child and wait until it works."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from groundwork.clock import Clock, SystemClock
from onsale.cannot_start import CannotStart
from onsale.embedded.child_process import ChildCommand, ChildProcess, describe_exit, last_line

# Small against the start of the quickest server, some 30 ms.
READY_EVERY_MS = 10
# The slowest child imports everything on a busy machine; a server may recover from a crash first.
READY_WITHIN_MS = 45_000


class Server(Protocol):
    """What embedded servers have in common."""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        ...

    @property
    def url(self) -> str:
        """The address for clients."""
        ...

    async def prepare(self) -> None:
        """Make what it needs on disk."""
        ...

    def command(self, held_files: Sequence[int] = ()) -> ChildCommand:
        """Return how to start it."""
        ...

    async def is_ready(self) -> bool:
        """Whether it answers."""
        ...


async def wait_until_ready(
    process: ChildProcess, is_ready: Callable[[], Awaitable[bool]], clock: Clock
) -> None:
    """Return once the child works. Raises CannotStart when it ended or takes too long."""
    name, log_path = process.command.name, process.command.log_path
    see = f" (see {log_path})" if log_path else ""
    give_up_at = clock.monotonic_ms() + READY_WITHIN_MS
    while not await is_ready():
        if process.exit_code is not None:
            reason = last_line(log_path) or describe_exit(process.exit_code)
            raise CannotStart(f"{name} ended while starting: {reason}{see}.")
        if clock.monotonic_ms() > give_up_at:
            raise CannotStart(f"{name} was not ready within {READY_WITHIN_MS // 1000} s{see}.")
        await clock.sleep_ms(READY_EVERY_MS)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[str]:
    """Yield the address of a prepared, started server; stops it on the way out."""
    await server.prepare()
    process = await ChildProcess.start(server.command())
    try:
        await wait_until_ready(process, server.is_ready, SystemClock())
        yield server.url
    finally:
        await process.stop()
