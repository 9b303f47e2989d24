"""What tests of real processes share."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ONSALE = (sys.executable, "-m", "onsale")
# Far more than any of it takes on a free machine; only a failing test waits that long.
PATIENCE_SECONDS = 60.0


def wait_until(what: str, is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and is not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder in their arguments or environment."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes()
            told = command + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in told and is_alive(int(process.name)):
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


@contextmanager
def open_folder() -> Iterator[Path]:
    """A short path that other users may pass, as PostgreSQL must when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
