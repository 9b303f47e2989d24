"""A child process: started so that it cannot outlive us, stopped politely and then less so."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from onsale.embedded import child_of

# A log that grew beyond this is set aside at the next start; two such files are kept at most.
LOG_BYTES_MAX = 10 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ChildCommand:
    """What to start, and how it wants to be stopped."""

    name: str
    # The program by its path.
    argv: tuple[str, ...]
    # None: our own environment.
    environ: Mapping[str, str] | None = None
    # Tried in this order; the first one is also sent by the kernel when we die.
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)
    # How long each of them has to work.
    stop_seconds: float = 10.0
    # None: the user we are.
    uid: int | None = None
    # None: our own standard error.
    log_path: Path | None = None
    # Kept open in the child, so that a lock lives as long as the longest-lived of us.
    held_files: tuple[int, ...] = ()


class ChildProcess:
    """A started command."""

    def __init__(self, command: ChildCommand, process: asyncio.subprocess.Process) -> None:
        self.command = command
        self._process = process

    @classmethod
    async def start(cls, command: ChildCommand) -> Self:
        """Start the command in a session of its own: Ctrl-C reaches us, and we stop it in order."""
        wrapper = (
            *(sys.executable, "-I", "-S", str(Path(child_of.__file__))),
            *(str(os.getpid()), str(int(command.stop_signals[0]))),
            "-" if command.uid is None else str(command.uid),
        )
        with _opened_log(command.log_path) as log:
            process = await asyncio.create_subprocess_exec(
                *wrapper,
                *command.argv,
                env=command.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=command.held_files,
                start_new_session=True,
            )
        return cls(command, process)

    @property
    def pid(self) -> int:
        """The process id; the wrapper becomes the program, so it is the program's own."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Return its exit code once it has ended."""
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self) -> int:
        """Stop it, with ever less patience; return its exit code."""
        for stop_signal in self.command.stop_signals:
            if self.exit_code is not None:
                break
            self.signal(stop_signal)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.command.stop_seconds):
                    await self._process.wait()
        return await self._process.wait()


@contextlib.contextmanager
def _opened_log(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))
    with path.open("ab") as log:
        yield log


def last_line(log_path: Path | None) -> str:
    """Return the last line of a child's log, which most programs use to say why they ended."""
    if log_path is None or not log_path.exists():
        return ""
    lines = log_path.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def describe_exit(exit_code: int) -> str:
    """Say in words how a process ended."""
    if exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"
