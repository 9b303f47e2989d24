"""The clock of Redis, by which holds end, as read here: whoever's own clock is wrong still counts right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable
from groundwork.redis_store import RedisStore

# Between two looks. Two good clocks part by a millisecond in that time; after a failover the store
# has another's clock, and a count-down may be wrong by the difference for so long.
LOOK_EVERY_MS = 5_000


class StoreClock:
    """Tells the store's moment: what it was at the last look, and the time that has gone since.

    Steps of this machine's clock change nothing: what has gone is measured by the one that never
    jumps. Before the first look it is this machine's moment.
    """

    def __init__(self, store: RedisStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # What the monotonic clock showed at the store's moment nought.
        self._zero_at_ms: float | None = None

    def now_ms(self) -> int:
        """Return the moment in milliseconds since 1970, by the store's clock."""
        if self._zero_at_ms is None:
            return self._clock.now_ms()
        return round(self._clock.monotonic_ms() - self._zero_at_ms)

    async def look(self) -> None:
        """Ask the store. Raises StoreUnavailable."""
        began_at_ms = self._clock.monotonic_ms()
        seconds, microseconds = await self._store.call("TIME")
        # It said so at some moment between asking and hearing: the middle is wrong by half of it at most.
        heard_at_ms = (began_at_ms + self._clock.monotonic_ms()) / 2
        self._zero_at_ms = heard_at_ms - int(seconds) * 1000 - int(microseconds) / 1000

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at once and now and then while the block runs; a store that is away is asked later."""

        async def look_again() -> None:
            while True:
                await self._clock.sleep_ms(LOOK_EVERY_MS)
                with suppress(StoreUnavailable):
                    await self.look()

        with suppress(StoreUnavailable):
            await self.look()
        looking = asyncio.create_task(look_again())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
