"""Turns at something scarce: what many may ask for leaves some of it to others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from groundwork.errors import StoreUnavailable

# What is asked for takes a millisecond or some. Who waits longer waits behind a flood, or for a store that
# is as good as away.
TURN_SECONDS: Final = 2.0


class Turns:
    """So many at once, the others one after the other in the order in which they came."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)

    @property
    def are_taken(self) -> bool:
        """Whether who comes now has to wait."""
        return self._free.locked()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and have it while the block runs. Raises StoreUnavailable after TURN_SECONDS."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreUnavailable(retry_after=1) from error
        try:
            yield
        finally:
            self._free.release()
