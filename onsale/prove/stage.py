"""What is on sale in a run: one sale, and events that are made as they are needed."""

from datetime import UTC, datetime, timedelta

from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_plan import PlanTier, Seat, make_seat_plan
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import Clock
from groundwork.postgres import Pool

SALE_ID = "proof"
# Enough that every buyer who waits in the line of the run gets in.
RATE_PER_MINUTE = 6_000
CAPACITY = 100_000
# Small, so that buyers meet at the same seats, and large enough for some minutes.
ROWS, SEATS_IN_ROW = 12, 20
STOCK = (StockTier("print", "Print", 1_500, 60),)
PRICES = {"floor": 4_500}
# Nobody is to be refused for having bought before: that limit is tested elsewhere.
SEATS_MAX = 100


async def open_sale(pool: Pool, clock: Clock) -> None:
    """Make the sale; it is open at once."""
    now = datetime.fromtimestamp(clock.now_ms() // 1000, UTC)
    await SaleRecords(pool).create(
        Sale(
            sale_id=SALE_ID,
            name="Proof",
            opens_at=now,
            state="open",
            pause_reason="",
            message="",
            rate_per_minute=RATE_PER_MINUTE,
            burst=RATE_PER_MINUTE // 60,
            capacity=CAPACITY,
            stock_aware=False,
        )
    )


async def put_on_sale(pool: Pool, clock: Clock, number: int) -> str:
    """Make one more event and return its id."""
    event_id = f"proof-{number}"
    draft = EventDraft(
        event_id=event_id,
        sale_id=SALE_ID,
        name=f"Proof {number}",
        starts_at=datetime.fromtimestamp(clock.now_ms() // 1000, UTC) + timedelta(days=100),
        currency="EUR",
        seats_max=SEATS_MAX,
        stock=STOCK,
    )
    rows = [
        [
            Seat(f"{row}-{n}", "floor", "Hall", str(row), str(n), 10.0 * n, 10.0 * row)
            for n in range(1, SEATS_IN_ROW + 1)
        ]
        for row in range(1, ROWS + 1)
    ]
    plan = make_seat_plan(
        name="Hall", width=1000, height=500, tiers=[PlanTier("floor", "Floor", "#112233")],
        sections=["Hall"], rows=rows,
    )  # fmt: skip
    await Catalog(pool, clock).create_seated_event(draft, plan, PRICES)
    return event_id
