"""What the tests of seats stand on: one process's parts of the shop, and an event to sell."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count

from booking_core.catalog.drawing import Point
from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_plan import PlanTier, Seat, SeatPlan, make_seat_plan
from booking_core.ledger.order import OrderState
from booking_core.ledger.orders import Orders
from booking_core.ledger.outbox import Outbox
from booking_core.ledger.projection import Projection
from booking_core.ledger.reconciler import Reconciler
from booking_core.ledger.recovery import Recovery
from booking_core.seats.hold import Hold
from booking_core.seats.holds import SeatHolds
from booking_core.seats.wishes import best_seats, named_seats, stock
from booking_core.settings import CoreSettings
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.postgres import Pool, connection
from groundwork.redis_store import RedisStore, open_store
from lua.epochs import Epochs

SETTINGS = CoreSettings(
    payment_provider_url="http://localhost:1",
    payments_secret_key="s" * 32,
    payments_webhook_secret="w" * 32,
)
SEATS_MAX = 4
SEATS = 40
STANDING = 10
PRICES = {"front": 5_000, "back": 3_000}

AS_SEEN = str.maketrans("45", "00")

_numbers = count(1)


def small_hall(seats: int = SEATS) -> SeatPlan:
    """Return rows of ten: the front half in tier `front`, the rest in `back`."""
    rows = [
        [
            Seat(
                f"{row}-{number}", "front" if row < seats // 20 else "back", "Hall", str(row),
                str(number), 100 + 10 * number, 100 + 20 * row, accessible=number == 0,
            )
            for number in range(10)
        ]
        for row in range(seats // 10)
    ]  # fmt: skip
    return make_seat_plan(
        name="Hall",
        width=1_000,
        height=200 + 2 * seats,
        tiers=[PlanTier("front", "Front", "#112233"), PlanTier("back", "Back", "#445566")],
        sections=["Hall"],
        rows=rows,
        focal_point=Point(145, 0),
    )


@dataclass
class Shop:
    """One process's parts; `event_id` names an event of this shop's own."""

    store: RedisStore
    pool: Pool
    epochs: Epochs
    catalog: Catalog
    holds: SeatHolds
    reconciler: Reconciler
    recovery: Recovery
    orders: Orders
    outbox: Outbox
    event_id: str = ""

    async def hold_seats(self, fan_id: str, *seats: int, operation: str | None = None) -> Hold:
        """Hold seats of the shop's event."""
        event = await self.catalog.get(self.event_id)
        layout = await self.catalog.seat_layout(self.event_id)
        wish = named_seats(event, layout, seats, is_accessible=True)
        return await self.holds.hold(self.event_id, fan_id, wish, SEATS_MAX, operation)

    async def hold_stock(self, fan_id: str, quantity: int, operation: str | None = None) -> Hold:
        """Hold stock of the shop's event."""
        wish = stock("standing", quantity)
        return await self.holds.hold(self.event_id, fan_id, wish, SEATS_MAX, operation)

    async def hold_best(
        self,
        fan_id: str,
        quantity: int,
        *tiers: str,
        operation: str | None = None,
        is_accessible: bool = False,
    ) -> Hold:
        """Hold the best seats of the tiers, or of all."""
        layout = await self.catalog.seat_layout(self.event_id)
        wish = best_seats(layout, quantity, tiers or layout.tiers, is_accessible=is_accessible)
        return await self.holds.hold(self.event_id, fan_id, wish, SEATS_MAX, operation)

    async def swap(self, hold: Hold, *seats: int, operation: str | None = None) -> Hold:
        """Change a hold of the shop's event for other seats."""
        event = await self.catalog.get(self.event_id)
        layout = await self.catalog.seat_layout(self.event_id)
        wish = named_seats(event, layout, seats, is_accessible=True)
        return await self.holds.swap(hold.reservation_id, hold.fan_id, wish, SEATS_MAX, operation)

    async def status(self) -> str:
        """Return one digit a seat, as everybody sees it: free (0) also where only some may sit."""
        return (await self.holds.read_status(self.event_id))[0].translate(AS_SEEN)

    async def standing(self) -> int:
        """Return how much stock is free."""
        return (await self.holds.read_status(self.event_id))[1]["standing"]

    async def reconcile(self) -> None:
        """Bring PostgreSQL's hold log up to date."""
        while await self.reconciler.reconcile(self.event_id, self.epochs.epoch):
            pass

    async def claim(self, hold: Hold) -> str:
        """Claim a hold in the ledger and return the order."""
        layout = await self.catalog.seat_layout(self.event_id)
        order_id = SystemTokenSource().uuid()
        claim = await self.orders.claim(
            order_id, hold, [layout.seat_ids[index] for index in hold.seat_indexes],
            idempotency_key=order_id, body_hash=b"", email="", language="", payment_method="pm",
            epoch=self.epochs.epoch, payment_ms=60_000, seats_max=SEATS_MAX,
        )  # fmt: skip
        assert claim.outcome == "claimed"
        return order_id

    async def sell(self, hold: Hold) -> str:
        """Claim a hold and make it a sale, which Redis is not told yet."""
        order_id = await self.claim(hold)
        assert (await self.orders.sell(order_id)).state == OrderState.SOLD
        return order_id

    async def stored_epoch(self) -> int:
        """Return the epoch PostgreSQL has."""
        async with connection(self.pool) as database:
            row = await (await database.execute("SELECT epoch FROM store_epoch")).fetchone()
        assert row
        return int(str(row[0]))

    async def logged(self) -> list[tuple[int, int, str]]:
        """Return epoch, number and kind of all entries of the event's hold log."""
        async with connection(self.pool) as database:
            cursor = await database.execute(
                "SELECT epoch, seq, kind FROM hold_log WHERE event_id = %s ORDER BY epoch, seq",
                (self.event_id,),
            )
            return [(int(str(e)), int(str(s)), str(kind)) async for e, s, kind in cursor]


OpenShop = Callable[[], Awaitable[Shop]]


async def make_event(
    shop: Shop,
    plan: SeatPlan | None = None,
    standing: int = STANDING,
    prices: Mapping[str, int] = PRICES,
) -> str:
    """Put one more event on sale and return its name."""
    event_id = f"event-{next(_numbers)}"
    async with connection(shop.pool) as database:
        await database.execute(
            """INSERT INTO sales (sale_id, name, opens_at, rate_per_minute, burst, capacity)
            VALUES ('sale', 'Sale', now(), 600, 10, 1000) ON CONFLICT DO NOTHING"""
        )
    draft = EventDraft(
        event_id=event_id, sale_id="sale", name="Event", starts_at=datetime(2030, 1, 1, tzinfo=UTC),
        currency="EUR", seats_max=SEATS_MAX, stock=(StockTier("standing", "Standing", 1_000, standing),),
    )  # fmt: skip
    await shop.catalog.create_seated_event(draft, plan or small_hall(), prices)
    return event_id


@asynccontextmanager
async def opened_shop(redis_url: str, pool: Pool) -> AsyncIterator[Shop]:
    """Yield a process's parts with an event of its own."""
    async with open_store(redis_url) as store:
        epochs = Epochs(store, pool)
        catalog, clock = Catalog(pool), SystemClock()
        holds = SeatHolds(epochs, SystemTokenSource(), random.Random(1), SETTINGS)
        reconciler, orders = Reconciler(store, pool, clock), Orders(pool)
        recovery = Recovery(epochs, pool, catalog, clock, reconciler)
        projection = Projection(orders, holds, catalog)

        async def capture(_: str) -> None:
            """Money is of no interest here."""

        outbox = Outbox(
            pool,
            {
                "capture": capture,
                "project_sold": projection.show_sold,
                "project_released": projection.show_released,
            },
        )
        shop = Shop(store, pool, epochs, catalog, holds, reconciler, recovery, orders, outbox)
        await epochs.start()
        yield replace(shop, event_id=await make_event(shop))


async def until(is_so: Callable[[], Awaitable[bool]], within_seconds: float = 10.0) -> None:
    """Return as soon as it is so; fail when it takes too long."""
    async with asyncio.timeout(within_seconds):
        while not await is_so():
            await asyncio.sleep(0.005)
