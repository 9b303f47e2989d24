"""The clock of one of our processes, which a fault may put forward or back while the process runs.

Our code has no hook for that: the clock is wrapped from outside (see mortal.py). Only the moment is
wrong then, never a length: the machine's monotonic reading does not jump.
"""

import functools
from pathlib import Path
from typing import Any

from groundwork.clock import SystemClock

# Names the file that says by how many milliseconds the clock of this process is wrong.
CLOCK_VARIABLE = "ONSALE_PROVE_CLOCK"
# The file is read no more often than this: the moment is asked for several times a call.
LOOK_EVERY_MS = 50.0


class WrongBy:
    """How wrong the clock is, as the file says; without a file it is right."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset_ms = 0
        self._looked_at_ms = -LOOK_EVERY_MS

    def offset_ms(self, monotonic_ms: float) -> int:
        """Return by how many milliseconds the moment is to be told too late."""
        if monotonic_ms - self._looked_at_ms >= LOOK_EVERY_MS:
            self._looked_at_ms = monotonic_ms
            try:
                self._offset_ms = int(self._path.read_text("ascii"))
            except (FileNotFoundError, ValueError):
                # None, or one that is being written at this moment.
                self._offset_ms = 0
        return self._offset_ms


def make_steppable(kind: type[SystemClock], wrong: WrongBy) -> None:
    """Let the clock tell the moment as wrong as the file says."""
    whole = kind.now_ms

    @functools.wraps(whole)
    def now_ms(self: SystemClock, *args: Any) -> int:
        return whole(self, *args) + wrong.offset_ms(self.monotonic_ms())

    kind.now_ms = now_ms  # type: ignore[method-assign]
