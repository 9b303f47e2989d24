"""What the tests of the draw stand on: processes with all their parts, one sale, and time to push."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from gateway.draw import order
from gateway.draw.beacon import Chain
from gateway.draw.cluster_records import ClusterRecords
from gateway.draw.drand import Drand
from gateway.draw.draw import BoardDraw, Draw
from gateway.draw.drawing import Drawing
from gateway.draw.entries import Entries
from gateway.draw.receipts import Receipts
from gateway.draw.records import DrawPlan, DrawRecords
from gateway.settings import GatewaySettings
from gateway.waiting_room.line import Joined, Line
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.postgres import Pool
from groundwork.redis_store import RedisStore, open_store
from lua.epochs import Epochs
from lua.keys import sale_keys

_numbers = count(1)


class PushedClock:
    """The machine's clock, ahead by as much as a test says."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.ahead_ms

    def monotonic_ms(self) -> float:
        return SystemClock().monotonic_ms()

    async def sleep_ms(self, duration_ms: float) -> None:
        await asyncio.sleep(duration_ms / 1000)


@dataclass
class Told:
    """A draw as the board tells it, and with its places."""

    board: BoardDraw
    draw: Draw

    def place_of(self, entry_number: int, fan_id: str) -> int | None:
        return self.draw.place_of(entry_number, fan_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.board, name)


@dataclass
class Process:
    """One process's parts."""

    store: RedisStore
    pool: Pool
    epochs: Epochs
    sales: SaleRecords
    draws: DrawRecords
    entries: Entries
    line: Line
    drawing: Drawing
    receipts: Receipts
    clock: PushedClock

    async def new_sale(
        self,
        *,
        chain: Chain | None = None,
        wait_ms: int = 120_000,
        secret: bytes = b"",
        permutation: str = order.NAME,
    ) -> Sale:
        """A sale that opens in an hour, with a draw."""
        number = next(_numbers)
        sale = Sale(
            sale_id=f"drawn-{number}", name="Drawn", opens_at=datetime.now(UTC) + timedelta(hours=1),
            state="open", pause_reason="", message="", rate_per_minute=60_000, burst=1_000,
            capacity=100_000,
        )  # fmt: skip
        secret = secret or hashlib.sha256(b"%d" % number).digest()
        plan = DrawPlan(secret, chain, wait_ms, permutation)
        await self.sales.create(sale, plan)
        return await self.sales.get(sale.sale_id)

    async def join(self, sale: Sale, fan_id: str, came_from: str = "") -> Joined:
        """Join with proofs of the fan's own."""
        return await self.line.join(
            sale.sale_id, fan_id, f"work of {fan_id}", f"jti of {fan_id}", came_from=came_from
        )

    async def enter(self, sale: Sale, fans: Sequence[str]) -> dict[str, int]:
        """Let fans enter; returns their numbers."""
        numbers = {}
        for fan_id in fans:
            joined = await self.join(sale, fan_id)
            assert joined.entry_number is not None, "it was sealed before"
            numbers[fan_id] = joined.entry_number
        return numbers

    async def open(self, sale: Sale) -> None:
        """Let the hour of the opening be now."""
        async with self.pool.connection() as connection:
            await connection.execute(
                "UPDATE sales SET opens_at = now() - interval '1 second' WHERE sale_id = %s",
                (sale.sale_id,),
            )

    async def attend(self, sale: Sale) -> Draw:
        """Do what is due."""
        fresh = await self.sales.get(sale.sale_id)
        draw = await self.drawing.attend(sale.sale_id, fresh.opens_at_ms)
        assert draw is not None
        return draw

    async def drawn(self, sale: Sale) -> "Told":
        """Open the sale and draw; returns what the board tells then."""
        await self.open(sale)
        draw = await self.attend(sale)
        assert draw.state == "drawn", draw
        return await self.told(sale)

    async def told(self, sale: Sale) -> "Told":
        """What the board tells of the draw, and the places."""
        fresh = await self.sales.get(sale.sale_id)
        assert fresh.draw is not None
        return Told(fresh.draw.on_board(fresh.opens_at_ms), fresh.draw)

    def keys(self, sale: Sale) -> dict[str, str]:
        return dict(sale_keys(sale.sale_id))


@asynccontextmanager
async def opened_process(
    redis_url: str, pool: Pool, beacon_urls: Sequence[str] = ()
) -> AsyncIterator[Process]:
    """Yield a process's parts on these stores."""
    async with open_store(redis_url) as store:
        epochs, sales, draws, clock = (
            Epochs(store, pool),
            SaleRecords(pool),
            DrawRecords(pool),
            PushedClock(),
        )
        entries = Entries(epochs, draws)
        line = Line(epochs, sales, entries, SystemTokenSource(), GatewaySettings())
        drawing = Drawing(entries, draws, ClusterRecords(pool), Drand(beacon_urls), clock)
        await epochs.start()
        yield Process(
            store, pool, epochs, sales, draws, entries, line, drawing, Receipts(draws), clock
        )


def shuffled(names: Sequence[str], seed: int) -> list[str]:
    """The names in an order of the seed's."""
    return random.Random(seed).sample(names, len(names))
