"""What one connection may take of us: bytes, time and room; who takes more is dropped.

One look over all of them twice a second costs less than a timer for each step of each.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import structlog

from groundwork.clock import Clock
from groundwork.metrics import CONNECTIONS_DROPPED, CONNECTIONS_OPEN

LOOK_EVERY_MS: Final = 500
# Looked at in one turn of the event loop: half a millisecond, then requests have their turn.
SLICE: Final = 500
# Dropping one takes as long as looking at so many.
DROP_COSTS: Final = 25
# When there is no room, so many of those who may go go at once: looking for them takes two milliseconds,
# as much as dropping these, and should not be done for every connection that comes.
ROOM_AT_ONCE: Final = 32

log = structlog.get_logger()


class Wait(Enum):
    """What a connection can let us wait for; the value is the reason that a drop is counted under."""

    HEAD = "head"
    BODY = "body"
    TAKING = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The bounds of one server's connections."""

    # All lines of a head: our cookies have 4 KiB of it, a shop's own as much; proxies pass on 32.
    head_bytes_max: int = 32 * 1024
    # From a head's first byte to its last. It is one packet, or three; phones lose some.
    head_ms: float = 10_000
    # From a body's first byte to its last, for ours of some kilobytes ...
    body_ms: float = 20_000
    # ... and a second more for so many: what a phone reaches at the edge of its network.
    body_bytes_per_second: float = 1024
    # A piece of an answer (64 KiB, what the transport keeps for us) is taken within this.
    taking_ms: float = 30_000
    # A process may have 20,000 files open: 15,000 streams, stores and logs beside these.
    connections_max: int = 4_000
    # One address's part of them. A campus may share one, and every browser opens six.
    address_connections_max: int = 1_000


class Watched(Protocol):
    """What is asked of a connection."""

    # Whose part of the room it takes; "" is nobody's.
    owner: str

    def waits(self) -> Iterator[tuple[Wait, object, float]]:
        """Yield what it lets us wait for: what, a mark that is new for each one, bytes that came."""

    def waits_since(self) -> float | None:
        """Return since when nothing is under way, on any clock; None when something is."""

    def drop(self) -> None:
        """Break the connection off."""


class ConnectionWatch:
    """All connections of one server, less those that became streams."""

    def __init__(
        self, clock: Clock, limits: ConnectionLimits, owner_of: Callable[[str], str]
    ) -> None:
        """`owner_of` names who an address's connections count for."""
        self._clock = clock
        self.limits = limits
        self.owner_of = owner_of
        self._open: dict[Watched, None] = {}
        self._owners: Counter[str] = Counter()
        # Since when each wait of the last look goes on.
        self._waits: dict[tuple[Watched, Wait, object], float] = {}
        # Malformed requests since the last look, and why the last one was.
        self._malformed = 0
        self._malformed_why = ""

    def came(self, connection: Watched) -> bool:
        """Count a connection; False when there is no room, and nobody who could make any."""
        owner = connection.owner
        limits = self.limits
        is_crowded = bool(owner) and self._owners[owner] >= limits.address_connections_max
        if is_crowded and not self._make_room(owner):
            return False
        if len(self._open) >= limits.connections_max and not self._make_room(""):
            return False
        self._open[connection] = None
        CONNECTIONS_OPEN.inc()
        if owner:
            self._owners[owner] += 1
        return True

    def went(self, connection: Watched) -> None:
        """Forget a connection."""
        if connection not in self._open:
            return
        del self._open[connection]
        CONNECTIONS_OPEN.dec()
        owner = connection.owner
        if owner:
            self._owners[owner] -= 1
            if self._owners[owner] == 0:
                del self._owners[owner]

    def malformed(self, why: str) -> None:
        """Count a request that is none; a line for all of them is logged at the next look."""
        CONNECTIONS_DROPPED.labels("malformed").inc()
        self._malformed += 1
        self._malformed_why = why

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look while the block runs."""

        async def keep_looking() -> None:
            while True:
                await self._clock.sleep_ms(LOOK_EVERY_MS)
                await self.look()

        task = asyncio.create_task(keep_looking(), name="look after connections")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> None:
        """Drop whoever lets us wait too long."""
        now_ms = self._clock.monotonic_ms()
        waits: dict[tuple[Watched, Wait, object], float] = {}
        spent = 0
        for connection in list(self._open):
            spent += 1
            if spent > SLICE:
                await self._clock.sleep_ms(0)
                spent = 0
            for wait, mark, bytes_count in connection.waits():
                key = (connection, wait, mark)
                since = waits[key] = self._waits.get(key, now_ms)
                if now_ms - since > self._limit_ms(wait, bytes_count):
                    self._drop(connection, wait.value)
                    spent += DROP_COSTS
        self._waits = waits
        if self._malformed:
            log.info("malformed requests", count=self._malformed, last=self._malformed_why)
            self._malformed = 0

    def _limit_ms(self, wait: Wait, bytes_count: float) -> float:
        limits = self.limits
        if wait is Wait.HEAD:
            return limits.head_ms
        if wait is Wait.BODY:
            return limits.body_ms + bytes_count / limits.body_bytes_per_second * 1000
        return limits.taking_ms

    def _make_room(self, owner: str) -> bool:
        """Drop those that wait the longest with nothing under way; say whether there were any.

        A browser whose idle connection goes opens another one; who holds many open loses the most.
        """
        idle = sorted(
            (since, number, connection)
            for number, connection in enumerate(self._open)
            if (not owner or connection.owner == owner)
            and (since := connection.waits_since()) is not None
        )
        if not idle:
            CONNECTIONS_DROPPED.labels("full").inc()
        for _, _, connection in idle[: min(ROOM_AT_ONCE, 1 + len(idle) // ROOM_AT_ONCE)]:
            self._drop(connection, "room")
        return bool(idle)

    def _drop(self, connection: Watched, reason: str) -> None:
        CONNECTIONS_DROPPED.labels(reason).inc()
        self.went(connection)
        connection.drop()
