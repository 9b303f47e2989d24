"""What buyers of a run share: the events on sale, what they last saw of them, and the bank."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection
from groundwork.tokens import Tokens
from onsale.prove.asking import Asking, unpacked
from onsale.prove.stage import ROWS, SEATS_IN_ROW, STOCK, put_on_sale

# A map is looked at anew when it is older than this; meanwhile seats go, and buyers collide.
GLANCE_MS = 1_500
# Buyers want the first seats that look free: so many are fought over at once.
WANTED_AREA = 8
# An event is left alone when so few seats look free, and another is put on sale.
NEARLY_GONE = 12
EVENTS_AT_ONCE = 2
# Named seats, the shop's choice, stock; of the named some ask for seats that are gone.
KINDS = {"named": 70, "best": 15, "stock": 15}
QUANTITIES = (1, 1, 1, 2, 2, 3)
STALE_SHARE = 0.05
BANK_SECONDS = 5.0


@dataclass
class OnSale:
    """One event as buyers last saw it."""

    event: str
    free: list[int] = field(default_factory=lambda: list(range(ROWS * SEATS_IN_ROW)))
    stock: int = STOCK[0].quantity
    seen_ms: int = 0
    is_over: bool = False


class Town:
    """Chooses for buyers, and makes events as earlier ones sell out."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        asking: Asking,
        tokens: Tokens,
        session: aiohttp.ClientSession,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._asking = asking
        self._session = session
        self.tokens = tokens
        self.events: list[OnSale] = []
        self._made = 0
        self._seat_ids: dict[str, tuple[str, ...]] = {}

    @property
    def on_sale(self) -> list[OnSale]:
        """Events that have something left."""
        return [event for event in self.events if not event.is_over]

    async def restock(self) -> None:
        """Put events on sale until there are enough."""
        while len(self.on_sale) < EVENTS_AT_ONCE:
            # Another number each time: one that failed may have been made all the same.
            self._made += 1
            event_id = await put_on_sale(self._pool, self._clock, self._made)
            async with connection(self._pool) as open_connection:
                cursor = await open_connection.execute(
                    "SELECT seat_id FROM seats WHERE event_id = %s ORDER BY seat_index", (event_id,)
                )
                self._seat_ids[event_id] = tuple(str(row[0]) for row in await cursor.fetchall())
            self.events.append(OnSale(event_id))

    async def keep_stocked(self) -> None:
        """Restock for ever; a database that is away is asked again."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.restock()
            await self._clock.sleep_ms(GLANCE_MS)

    async def choose(
        self, rng: random.Random, headers: dict[str, str]
    ) -> tuple[str, dict[str, Any]]:
        """Return an event and what to ask for."""
        # While PostgreSQL is away nothing new comes on sale: then they look at what is nearly gone.
        event = rng.choice(self.on_sale or self.events)
        if self._clock.now_ms() - event.seen_ms > GLANCE_MS:
            await self._glance(event, rng, headers)
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        quantity = rng.choice(QUANTITIES)
        if kind == "stock" and event.stock > 0:
            return event.event, {"stock": {"tier": STOCK[0].tier, "quantity": quantity}}
        if kind == "best":
            return event.event, {"best_available": {"quantity": quantity}}
        seat_ids = self._seat_ids[event.event]
        area = event.free[:WANTED_AREA] or list(range(len(seat_ids)))
        if rng.random() < STALE_SHARE:
            area = list(range(len(seat_ids)))
        first = rng.randrange(len(area))
        return event.event, {"seat_ids": [seat_ids[i] for i in area[first : first + quantity]]}

    async def _glance(self, event: OnSale, rng: random.Random, headers: dict[str, str]) -> None:
        event.seen_ms = self._clock.now_ms()
        op = self._asking.recorder.begin("town", "look", event=event.event)
        answer = await self._asking.ask(
            op, "GET", f"/api/events/{event.event}/seats", gateway=rng.randrange(1 << 16),
            headers=headers,
        )  # fmt: skip
        if not answer.is_good:
            return
        states = unpacked(answer.body["status"], answer.body["count"])
        event.free = [index for index, state in enumerate(states) if state == 0]
        event.stock = sum(line["available"] for line in answer.body["stock"])
        event.is_over = len(event.free) < NEARLY_GONE

    async def tell_bank(self, page: str, decision: str) -> None:
        """Answer the bank's question, as the buyer on its page."""
        timeout = aiohttp.ClientTimeout(total=BANK_SECONDS)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._session.post(
                page, data={"decision": decision}, timeout=timeout, allow_redirects=False
            ) as response:
                await response.read()

    async def at_once(self, works: Sequence[Awaitable[Any]]) -> None:
        """Do several things at once."""
        await asyncio.gather(*works)
