"""Time and unguessable names, handed to the rules from outside; the only file that touches the real ones."""

import asyncio
import os
import secrets
import time
import uuid
from typing import Final, Protocol

from groundwork.base64url import base64url

# 128 bits: what nearly every name has.
NAME_BYTES: Final = 16
# A call of the kernel takes longer than all else that a name costs, so they are drawn in lots of 4 KB.
NAMES_DRAWN: Final = 256
_drawn: Final[list[bytes]] = []
# A copy of this process would have the same names before it.
os.register_at_fork(after_in_child=_drawn.clear)


class Clock(Protocol):
    """What a rule may know about time."""

    def now_ms(self) -> int:
        """Return the moment, in milliseconds since 1970, to store and to compare with stored ones."""
        ...

    def monotonic_ms(self) -> float:
        """Return a reading to measure lengths with; it never jumps and means nothing by itself."""
        ...

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after the given length of time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Return the machine's idea of the moment."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Return the machine's monotonic reading."""
        return time.monotonic() * 1000

    async def sleep_ms(self, duration_ms: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(duration_ms / 1000)


class TokenSource(Protocol):
    """Where names that nobody may guess come from."""

    def token(self, bytes_count: int = 16) -> str:
        """Return a URL-safe text made of so many random bytes."""
        ...

    def uuid(self) -> str:
        """Return a random UUID as text."""
        ...


class SystemTokenSource:
    """Names from the operating system's random source."""

    def token(self, bytes_count: int = 16) -> str:
        """Return a URL-safe text made of so many random bytes (16: 128 bits, 22 characters)."""
        if bytes_count != NAME_BYTES:
            return secrets.token_urlsafe(bytes_count)
        try:
            name = _drawn.pop()  # atomic: no two threads get the same
        except IndexError:
            drawn = os.urandom(NAME_BYTES * NAMES_DRAWN)
            name, *others = [drawn[at : at + NAME_BYTES] for at in range(0, len(drawn), NAME_BYTES)]
            _drawn.extend(others)
        return base64url(name)

    def uuid(self) -> str:
        """Return a version 4 UUID."""
        return str(uuid.uuid4())
