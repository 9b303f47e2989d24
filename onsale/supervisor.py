"""Keep child processes running: start them in stages, bring back what dies, stop in reverse."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from groundwork.clock import Clock
from onsale.embedded.child_process import ChildCommand, ChildProcess, describe_exit
from onsale.embedded.running import wait_until_ready

# Whatever dies that often without a quiet minute between has a reason that starting does not cure.
CRASHES_MAX = 6
QUIET_MS = 60_000
# 0.1, 0.2, 0.4 ... s: a first crash is hardly noticed, a repeated one does not burn the machine.
BACK_OFF_FIRST_MS = 100
BACK_OFF_MAX_MS = 5_000


class GaveUp(Exception):
    """A child cannot be kept alive. The text says which one and where to look."""


@dataclass(frozen=True)
class Service:
    """A child to be kept, and how to see that it works."""

    command: ChildCommand
    # None: it is ready as soon as it runs.
    is_ready: Callable[[], Awaitable[bool]] | None = None


@dataclass
class _Kept:
    service: Service
    process: ChildProcess
    crashes: int = 0
    keeper: asyncio.Task[None] | None = field(default=None)


class Supervisor:
    """Children in stages: a stage starts when the one before is ready, and stops before it."""

    def __init__(self, clock: Clock, on_exit: Callable[[int], None] = lambda _: None) -> None:
        """`on_exit` is told the process id of every child that ended."""
        self._clock = clock
        self._on_exit = on_exit
        self._stages: list[list[_Kept]] = []
        self._is_stopping = False
        self._gave_up: asyncio.Future[GaveUp] = asyncio.get_running_loop().create_future()
        self._log = structlog.get_logger()

    async def start(self, *services: Service) -> None:
        """Start one stage and return when all of it is ready.

        Raises CannotStart when one ends before that or takes too long; `stop` is the caller's.
        """
        stage: list[_Kept] = []
        self._stages.append(stage)
        for service in services:
            process = await ChildProcess.start(service.command)
            stage.append(_Kept(service, process))
        for kept in stage:
            if is_ready := kept.service.is_ready:
                await wait_until_ready(kept.process, self._unless_gave_up(is_ready), self._clock)
        for kept in stage:
            kept.keeper = asyncio.create_task(
                self._keep(kept), name=f"keep {kept.service.command.name}"
            )
            kept.keeper.add_done_callback(self._note_end)

    async def wait(self) -> None:
        """Return never; raises GaveUp when a child cannot be kept alive."""
        raise await asyncio.shield(self._gave_up)

    async def stop(self) -> None:
        """Stop everything, the last stage first; each stage at once."""
        self._is_stopping = True
        for stage in reversed(self._stages):
            await asyncio.gather(*(self._stop(kept) for kept in stage))

    def hurry(self) -> None:
        """Take the next harder signal to everything that still runs."""
        for stage in self._stages:
            for kept in stage:
                kept.process.signal(kept.service.command.stop_signals[1])

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each child, by its name."""
        return {
            kept.service.command.name: kept.process.pid for stage in self._stages for kept in stage
        }

    def _unless_gave_up(
        self, is_ready: Callable[[], Awaitable[bool]]
    ) -> Callable[[], Awaitable[bool]]:
        """Return the check, which ends the waiting when an earlier child cannot be kept."""

        async def check() -> bool:
            if self._gave_up.done():
                raise self._gave_up.result()
            return await is_ready()

        return check

    async def _stop(self, kept: _Kept) -> None:
        if kept.keeper:
            kept.keeper.cancel()
            await asyncio.wait([kept.keeper])
        await kept.process.stop()
        self._on_exit(kept.process.pid)

    async def _keep(self, kept: _Kept) -> None:
        """Bring the child back whenever it ends, until it ends too often."""
        command = kept.service.command
        while True:
            started_at = self._clock.monotonic_ms()
            exit_code = await kept.process.wait()
            if self._is_stopping:
                return
            self._on_exit(kept.process.pid)
            if self._clock.monotonic_ms() - started_at >= QUIET_MS:
                kept.crashes = 0
            ended = f"{command.name} (process {kept.process.pid}) {describe_exit(exit_code)}"
            if not await self._bring_back(kept, ended):
                return

    async def _bring_back(self, kept: _Kept, ended: str) -> bool:
        """Start the child again; one that cannot be started is one that crashed. Say whether it runs."""
        command = kept.service.command
        while True:
            kept.crashes += 1
            if kept.crashes >= CRASHES_MAX:
                if not self._gave_up.done():
                    self._gave_up.set_result(
                        GaveUp(f"{ended}, {kept.crashes} times in a row{_see(command)}.")
                    )
                return False
            back_off_ms = min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** (kept.crashes - 1))
            self._log.warning(f"{ended}; starting it again", back_off_ms=back_off_ms)
            await self._clock.sleep_ms(back_off_ms)
            try:
                kept.process = await ChildProcess.start(command)
            except OSError as error:
                # No file or process left, a disk that is full: it may pass.
                ended = f"{command.name} cannot be started ({error})"
            else:
                return True

    def _note_end(self, keeper: asyncio.Task[None]) -> None:
        """End the whole by an error of the keeping itself: nobody would miss the child otherwise."""
        if keeper.cancelled() or self._gave_up.done():
            return
        if error := keeper.exception():
            self._gave_up.set_exception(error)


def _see(command: ChildCommand) -> str:
    return f" (see {command.log_path})" if command.log_path else ""
