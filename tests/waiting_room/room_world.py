"""What the tests of the waiting room stand on: one process's line, and a sale."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from gateway.draw.entries import Entries
from gateway.draw.records import DrawRecords
from gateway.settings import GatewaySettings
from gateway.waiting_room.line import Joined, Line, LineNow
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.postgres import Pool
from groundwork.redis_store import RedisStore, open_store
from lua.epochs import Epochs
from lua.keys import sale_keys

_numbers = count(1)


def make_sale(sale_id: str, **changes: object) -> Sale:
    """Return a sale that opened a while ago and calls a thousand a second."""
    values: dict[str, object] = {
        "sale_id": sale_id,
        "name": "Tour",
        "opens_at": datetime.now(UTC) - timedelta(hours=1),
        "state": "open",
        "pause_reason": "",
        "message": "",
        "rate_per_minute": 60_000,
        "burst": 1_000,
        "capacity": 100_000,
    }
    return Sale(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class Room:
    """One process's parts of the waiting room, and a sale."""

    store: RedisStore
    pool: Pool
    epochs: Epochs
    records: SaleRecords
    line: Line
    sale: Sale

    @property
    def sale_id(self) -> str:
        """The sale's name."""
        return self.sale.sale_id

    async def join(self, fan_id: str) -> Joined:
        """Join with proofs of the fan's own."""
        return await self.line.join(self.sale_id, fan_id, f"work of {fan_id}", f"jti of {fan_id}")

    async def call_places(self) -> LineNow:
        """Move the line as it is now."""
        return await self.line.call_places(self.sale, SystemClock().now_ms())

    async def call_up_to(self, place: int) -> LineNow:
        """Move the line until the place is called."""
        async with asyncio.timeout(10):
            while (line := await self.call_places()).serving < place:
                await asyncio.sleep(0.002)
        return line

    async def note(self, line: LineNow) -> None:
        """Make the line durable, as the worker does."""
        await self.records.note_progress(self.sale_id, line.last_place, line.serving)

    async def wipe(self, *command: str) -> None:
        """Lose something of Redis."""
        await self.store.call(*command)

    @property
    def keys(self) -> dict[str, str]:
        """The sale's keys."""
        return dict(sale_keys(self.sale_id))


OpenRoom = Callable[[], Awaitable[Room]]


@asynccontextmanager
async def opened_room(redis_url: str, pool: Pool) -> AsyncIterator[Room]:
    """Yield a process's parts with a sale of its own."""
    async with open_store(redis_url) as store:
        epochs, records = Epochs(store, pool), SaleRecords(pool)
        entries = Entries(epochs, DrawRecords(pool))
        line = Line(epochs, records, entries, SystemTokenSource(), GatewaySettings())
        sale = make_sale(f"sale-{next(_numbers)}")
        await records.create(sale)
        await epochs.start()
        yield Room(store, pool, epochs, records, line, sale)
