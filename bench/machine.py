"""What the operating system knows about the processes that are measured: cores, time, memory."""

import os
import platform
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
# How fine the memory of a process is known.
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int, *, with_children: bool = True) -> float:
    """Return the processor time that a process and its children have used; ended ones not included.

    From the scheduler's own books, to the nanosecond: what neighbours take is not in it. With children
    the sum falls when one ends: leave them out where it is a single process whose work counts.
    """
    total = 0
    children: list[str] = []
    for task in PROC.glob(f"{pid}/task/*"):
        # A thread, or all of them, may have just ended: the others still count.
        with suppress(FileNotFoundError, ProcessLookupError):
            total += int((task / "schedstat").read_text().split()[0])
            if with_children:
                children += (task / "children").read_text().split()
    return total / 1_000_000_000 + sum(cpu_seconds(int(child)) for child in children)


def rss_bytes(pid: int) -> int:
    """Return the memory a process has in use, shared pages included."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory")


def cores() -> list[int]:
    """Return the cores we may use."""
    return sorted(os.sched_getaffinity(0))


def pin(pid: int, to: list[int]) -> None:
    """Keep a process, with the threads it has by now, on these cores."""
    for task in (PROC / str(pid) / "task").iterdir():
        os.sched_setaffinity(int(task.name), to)


def description() -> str:
    """Describe the machine in a line, without its name."""
    system = "Linux"
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            system = line.partition("=")[2].strip('"')
    return f"{len(cores())} cores, shared; {system}; Python {platform.python_version()}"
