"""The demo sale: an open waiting room, a concert in a generated arena, and a drop without seats."""

from datetime import UTC, datetime

from booking_core.catalog.arena import ARENA_PRICES, make_arena
from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import Clock
from groundwork.errors import SaleNotFound
from groundwork.postgres import Pool

SALE_ID = "demo"
# Twenty fans a second: fast enough to watch the line move, slow enough to see it.
RATE_PER_MINUTE = 1_200
# One second's worth: calls come smoothly instead of in gulps.
BURST = 20
# What this machine serves at once without anybody noticing the others.
CAPACITY = 2_000


async def create_demo(pool: Pool, clock: Clock) -> bool:
    """Put the demo on sale; says whether it was new. What a demo of before has sold stays sold."""
    records, catalog = SaleRecords(pool), Catalog(pool, clock)
    try:
        await records.get(SALE_ID)
    except SaleNotFound:
        await records.create(_sale(datetime.fromtimestamp(clock.now_ms() // 1000, UTC)))
        is_new = True
    else:
        is_new = False
    if await catalog.find("demo-arena") is None:
        await catalog.create_seated_event(_concert(), make_arena(), ARENA_PRICES)
    if await catalog.find("demo-drop") is None:
        await catalog.create_event(_drop())
    return is_new


def _sale(opens_at: datetime) -> Sale:
    return Sale(
        sale_id=SALE_ID,
        name="Meridian Lights · Tour 2027",
        opens_at=opens_at,
        state="open",
        pause_reason="",
        message="",
        rate_per_minute=RATE_PER_MINUTE,
        burst=BURST,
        capacity=CAPACITY,
    )


def _concert() -> EventDraft:
    return EventDraft(
        event_id="demo-arena",
        sale_id=SALE_ID,
        name="Meridian Lights",
        venue="Harbour Arena",
        city="Hamburg",
        category="Concert",
        starts_at=datetime(2027, 6, 12, 18, 30, tzinfo=UTC),
        time_zone="Europe/Berlin",
        currency="EUR",
        description=(
            "Two hours of strings, synthesisers and light. Doors open ninety minutes before the "
            "show; there is no interval."
        ),
    )


def _drop() -> EventDraft:
    return EventDraft(
        event_id="demo-drop",
        sale_id=SALE_ID,
        name="Meridian Lights · Numbered Tour Print",
        venue="Collect at the Harbour Arena",
        city="Hamburg",
        category="Drop",
        starts_at=datetime(2027, 6, 12, 21, 0, tzinfo=UTC),
        time_zone="Europe/Berlin",
        currency="EUR",
        seats_max=4,
        description="Screen prints on heavy paper, numbered by hand, in two editions.",
        stock=(
            StockTier("classic", "Classic edition", 3_500, 2_000, "#0b6fa4"),
            StockTier("night", "Night edition", 6_500, 500, "#7a5195"),
        ),
    )
