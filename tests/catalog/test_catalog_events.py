"""The catalogue in a real PostgreSQL: what is written, read back, remembered and refused."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from drafts import HALL_PRICES, STANDING, StandingClock, draft, hall

from booking_core.catalog.arena import ARENA_PRICES, make_arena
from booking_core.catalog.event import Event, StockTier, Tier
from booking_core.catalog.events import Catalog
from booking_core.catalog.refusals import EventRefused
from groundwork.errors import EventNotFound
from groundwork.postgres import Pool

pytestmark = pytest.mark.usefixtures("sale_id")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def catalog(pool: Pool, clock: StandingClock) -> Catalog:
    return Catalog(pool, clock)


async def rows(pool: Pool, statement: Any, *values: object) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(statement, values)).fetchall()


async def test_an_event_of_stock_is_what_its_draft_said(pool: Pool, catalog: Catalog) -> None:
    await catalog.create_event(draft("stock-only", stock=(STANDING,)))

    assert await catalog.get("stock-only") == Event(
        event_id="stock-only",
        sale_id="tour",
        name="The Concert",
        venue="Old Hall",
        city="Wien",
        category="Concert",
        description="One evening.",
        starts_at=datetime(2027, 5, 31, 20, tzinfo=UTC),
        currency="EUR",
        has_orphan_rule=False,
        seats_max=8,
        is_seated=False,
        tiers=(Tier("standing", "Standing", 3_000, "#336699", 100, is_stock=True),),
    )
    claims = "SELECT tier, used, capacity FROM stock_claims WHERE event_id = %s"
    assert await rows(pool, claims, "stock-only") == [("standing", 0, 100)]
    sold = "SELECT sold FROM availability WHERE event_id = %s"
    assert await rows(pool, sold, "stock-only") == [(0,)]


async def test_a_seated_event_has_the_layout_of_its_plan(pool: Pool, catalog: Catalog) -> None:
    plan = hall()
    await catalog.create_seated_event(draft("seated", stock=(STANDING,)), plan, HALL_PRICES)

    event = await catalog.get("seated")
    assert [(tier.tier, tier.price, tier.quantity, tier.is_stock) for tier in event.tiers] == [
        ("standing", 3_000, 100, True),
        ("Gold", 9_000, 4, False),
        ("Silver", 4_500, 2, False),
    ]
    assert (event.is_seated, event.price_min, event.price_max) == (True, 3_000, 9_000)

    layout = await catalog.seat_layout("seated")
    assert layout.seat_ids == tuple(seat.seat_id for seat in plan.seats)
    assert layout.tiers == ("Gold", "Silver")
    for index, seat in enumerate(plan.seats):
        assert layout.index_of[seat.seat_id] == index
        assert (layout.tier(index), layout.section(index)) == (seat.tier, seat.section)
        assert (layout.rows[index], layout.numbers[index]) == (seat.row_name, seat.seat_number)
        assert (layout.xs[index], layout.ys[index]) == (seat.x, seat.y)
    assert layout.blocks == {"Gold": ((0, 4),), "Silver": ((4, 2),)}
    assert layout.drawing == plan.drawing()
    indexes = "SELECT seat_index, seat_id FROM seats WHERE event_id = %s ORDER BY seat_index"
    assert await rows(pool, indexes, "seated") == list(enumerate(layout.seat_ids))


async def test_a_large_arena_is_written_and_read_back_whole(catalog: Catalog) -> None:
    plan = make_arena(20_000)
    await catalog.create_seated_event(draft("large"), plan, ARENA_PRICES)
    layout = await catalog.seat_layout("large")
    assert layout.seat_ids == tuple(seat.seat_id for seat in plan.seats)
    assert layout.accessible == {index for index, seat in enumerate(plan.seats) if seat.accessible}
    assert [
        (tier, first, length) for tier in layout.tiers for first, length in layout.blocks[tier]
    ] == [(block.tier, block.first_index, block.length) for block in plan.blocks]


async def test_a_plan_can_follow_later_and_is_seen_at_once(catalog: Catalog) -> None:
    await catalog.create_event(draft("later"))
    assert not (await catalog.get("later")).is_seated
    assert len(await catalog.seat_layout("later")) == 0

    await catalog.import_plan("later", hall(), HALL_PRICES)
    assert (await catalog.get("later")).is_seated
    assert len(await catalog.seat_layout("later")) == 6


async def test_an_event_without_anything_to_sell_has_no_price(catalog: Catalog) -> None:
    await catalog.create_event(draft("bare"))
    event = await catalog.get("bare")
    assert (event.tiers, event.price_min, event.price_max, event.quantity) == ((), 0, 0, 0)


async def test_what_nobody_made_is_not_found(catalog: Catalog) -> None:
    assert await catalog.find("nothing") is None
    with pytest.raises(EventNotFound):
        await catalog.get("nothing")
    with pytest.raises(EventNotFound):
        await catalog.seat_layout("nothing")


async def test_events_are_listed_by_their_start(catalog: Catalog) -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    await catalog.create_event(draft("listed-b", starts_at=early + timedelta(days=1)))
    await catalog.create_event(draft("listed-a", starts_at=early))
    assert [event.event_id for event in await catalog.list_events(2)] == ["listed-a", "listed-b"]


async def test_a_change_is_seen_after_a_second(
    pool: Pool, catalog: Catalog, clock: StandingClock
) -> None:
    await catalog.create_event(draft("changing"))
    assert (await catalog.get("changing")).name == "The Concert"
    async with pool.connection() as connection:
        await connection.execute("UPDATE events SET name = 'New' WHERE event_id = 'changing'")
    clock.passed_ms += 999
    assert (await catalog.get("changing")).name == "The Concert"
    clock.passed_ms += 1
    assert (await catalog.get("changing")).name == "New"


async def test_a_layout_is_kept_for_good(
    pool: Pool, catalog: Catalog, clock: StandingClock
) -> None:
    await catalog.create_seated_event(draft("kept"), hall(), HALL_PRICES)
    layout = await catalog.seat_layout("kept")
    clock.passed_ms += 1e9
    assert await catalog.seat_layout("kept") is layout


async def refusals(attempt: Any) -> dict[str, str]:
    with pytest.raises(EventRefused) as refused:
        await attempt
    return dict(refused.value.problems)


REFUSED: list[tuple[str, Any]] = [
    ("event_id", "Concert"),
    ("event_id", "-x"),
    ("event_id", "x" * 64),
    ("event_id", "a\n"),
    ("sale_id", "the sale"),
    ("name", "  "),
    ("name", "x" * 201),
    ("name", "a\x00b"),
    ("venue", "a\nb"),
    ("city", "x" * 201),
    ("description", "x" * 10_001),
    ("description", "\0"),
    ("starts_at", datetime(2027, 1, 1)),  # noqa: DTZ001 - that is what is refused
    ("starts_at", datetime(1999, 1, 1, tzinfo=UTC)),
    ("currency", "eur"),
    ("currency", "XQX"),
    ("currency", "€"),
    ("seats_max", 0),
    ("seats_max", 101),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
async def test_a_draft_that_breaks_a_rule_is_refused(
    catalog: Catalog, field: str, value: Any
) -> None:
    changed = {"event_id": "wrong", field: value}
    assert list(await refusals(catalog.create_event(draft(**changed)))) == [field]
    assert await catalog.find("wrong") is None


STOCK_REFUSED: list[tuple[str, StockTier]] = [
    ("stock[0].price", StockTier("a", "A", -1, 10)),
    ("stock[0].price", StockTier("a", "A", 10**10, 10)),
    ("stock[0].price", StockTier("a", "A", 9.5, 10)),  # type: ignore[arg-type]
    ("stock[0].price", StockTier("a", "A", True, 10)),
    ("stock[0].quantity", StockTier("a", "A", 1, -1)),
    ("stock[0].quantity", StockTier("a", "A", 1, 1_000_001)),
    ("stock[0].tier", StockTier("", "A", 1, 1)),
    ("stock[0].tier", StockTier("x" * 65, "A", 1, 1)),
    ("stock[0].name", StockTier("a", "a\tb", 1, 1)),
    ("stock[0].color", StockTier("a", "A", 1, 1, "red;")),
]


@pytest.mark.parametrize(("field", "tier"), STOCK_REFUSED)
async def test_stock_that_breaks_a_rule_is_refused(
    catalog: Catalog, field: str, tier: StockTier
) -> None:
    assert list(await refusals(catalog.create_event(draft("wrong", stock=(tier,))))) == [field]


async def test_two_stock_tiers_of_one_name_are_refused(catalog: Catalog) -> None:
    problems = await refusals(catalog.create_event(draft("wrong", stock=(STANDING, STANDING))))
    assert list(problems) == ["stock[1].tier"]


async def test_everything_wrong_is_named_at_once(catalog: Catalog) -> None:
    wrong = draft("wrong", name="", currency="?", seats_max=0)
    assert list(await refusals(catalog.create_event(wrong))) == ["name", "currency", "seats_max"]


async def test_an_id_that_is_taken_is_refused(catalog: Catalog) -> None:
    await catalog.create_event(draft("once"))
    problems = await refusals(catalog.create_event(draft("once", name="Another")))
    assert problems == {"event_id": "the event 'once' exists"}
    assert (await catalog.get("once")).name == "The Concert"


async def test_an_unknown_sale_is_refused(catalog: Catalog) -> None:
    problems = await refusals(catalog.create_event(draft("lost", sale_id="no-sale")))
    assert problems == {"sale_id": "there is no sale 'no-sale'"}


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ({"Gold": 1}, "prices['Silver']"),
        ({**HALL_PRICES, "Bronze": 1}, "prices['Bronze']"),
        ({**HALL_PRICES, "Gold": -1}, "prices['Gold']"),
        ({**HALL_PRICES, "Gold": 10.0}, "prices['Gold']"),
    ],
)
async def test_seats_need_one_right_price_for_each_tier(
    catalog: Catalog, prices: dict[str, int], field: str
) -> None:
    attempt = catalog.create_seated_event(draft("unpriced"), hall(), prices)
    assert list(await refusals(attempt)) == [field]
    assert await catalog.find("unpriced") is None


async def test_a_second_plan_is_refused(catalog: Catalog) -> None:
    await catalog.create_seated_event(draft("full"), hall(), HALL_PRICES)
    problems = await refusals(catalog.import_plan("full", hall(), HALL_PRICES))
    assert problems == {"plan": "the event 'full' has a seat plan already"}


async def test_of_two_imports_at_once_one_is_refused(pool: Pool, catalog: Catalog) -> None:
    await catalog.create_event(draft("raced"))
    attempts = (catalog.import_plan("raced", hall(), HALL_PRICES) for _ in range(2))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EventRefused", "NoneType"]
    assert await rows(pool, "SELECT count(*) FROM seats WHERE event_id = 'raced'") == [(6,)]


async def test_a_plan_for_no_event_is_refused(catalog: Catalog) -> None:
    problems = await refusals(catalog.import_plan("nowhere", hall(), HALL_PRICES))
    assert problems == {"event_id": "there is no event 'nowhere'"}


async def test_a_refused_plan_leaves_no_event_behind(catalog: Catalog) -> None:
    stock = (StockTier("Gold", "Gold", 1, 1),)
    attempt = catalog.create_seated_event(draft("clash", stock=stock), hall(), HALL_PRICES)
    assert await refusals(attempt) == {"plan": "tiers are stock already: Gold"}
    assert await catalog.find("clash") is None


async def test_a_start_in_another_zone_is_the_same_moment(catalog: Catalog) -> None:
    tokyo = timezone(timedelta(hours=9))
    await catalog.create_event(draft("tokyo", starts_at=datetime(2027, 6, 1, 5, tzinfo=tokyo)))
    assert (await catalog.get("tokyo")).starts_at == datetime(2027, 5, 31, 20, tzinfo=UTC)
