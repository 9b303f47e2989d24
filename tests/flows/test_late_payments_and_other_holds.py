"""What a fan holds besides is never taken for the places of a payment that came late."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_plan import PlanTier, Seat, make_seat_plan
from booking_core.seats.hold import Hold
from tests.flows.test_late_payments import Late, late
from tests.support.fan import Fan, Reply
from tests.support.opening import open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    """A shop that waits for no bank, and a bank that decides when a test says so."""
    async with open_shop(
        redis_url, database_dsn, open_dir, webhooks=True,
        core={"payment_patience_ms": 0}, provider={"practice_slow_ms": 600_000},
    ) as shop:  # fmt: skip
        yield shop


async def two_tiers(shop: Shop, name: str) -> str:
    """An event with three seats in front for 90 euro, F-1 ..., and three behind for 10, B-1 ..."""
    sale_id = await shop.default_sale()
    rows = [
        [Seat(f"{row}-{n}", tier, "Hall", row, str(n), 10.0 * n, y) for n in range(1, 4)]
        for row, tier, y in (("F", "front", 10.0), ("B", "back", 30.0))
    ]
    plan = make_seat_plan(
        name="Hall", width=1000, height=500, sections=["Hall"], rows=rows,
        tiers=[PlanTier("front", "Front", "#112233"), PlanTier("back", "Back", "#445566")],
    )  # fmt: skip
    draft = EventDraft(
        event_id=name, sale_id=sale_id, name=name, starts_at=datetime(2030, 5, 1, 19, tzinfo=UTC),
        currency="EUR", seats_max=8, stock=(),
    )  # fmt: skip
    prices = {"front": 9_000, "back": 1_000}
    await Catalog(shop.pool, shop.clock).create_seated_event(draft, plan, prices)
    await shop.refresh_rooms()
    return name


async def keyed(buyer: Late, key: str, *seat_ids: str) -> Reply:
    headers = {"Idempotency-Key": key}
    return await buyer.fan.reserve(buyer.event, *seat_ids, offer=False, headers=headers)


async def claimed(shop: Shop, event: str) -> list[str]:
    rows = await shop.rows(
        "SELECT seat_id FROM seat_claims WHERE event_id = %s ORDER BY seat_id", event
    )
    return [row[0] for row in rows]


async def test_no_key_of_a_fan_names_what_the_shop_offers(shop: Shop) -> None:
    event = await two_tiers(shop, "no-key-offers")
    buyer = await late(shop, event, "B-1", "B-2")
    planted = await keyed(buyer, f"late:{buyer.order}:own", "B-1", "B-2")
    gone = f"/api/bookings/{planted.json['reservation_id']}"
    assert (await buyer.fan.call("DELETE", gone)).status == 204
    assert (await keyed(buyer, f"late:{buyer.order}:offer", "F-1", "F-2")).status == 201
    buyer.bank_says_yes()
    assert await buyer.look() == "SOLD"
    assert await buyer.seats() == ["B-1", "B-2"]
    await assert_settled(shop, event)


async def test_no_key_of_a_fan_names_what_the_shop_sells(shop: Shop) -> None:
    event = await two_tiers(shop, "no-key-sells")
    buyer = await late(shop, event, "B-1", "B-2")
    assert (await keyed(buyer, f"late:{buyer.order}:own", "F-1", "F-2")).status == 201
    buyer.bank_says_yes()
    assert await buyer.look() == "SOLD"
    assert await buyer.seats() == await claimed(shop, event) == ["B-1", "B-2"]
    await assert_settled(shop, event)


async def retake(shop: Shop, buyer: Late, seats: list[str], offer_ms: int | None) -> None:
    await shop.rows(
        "SELECT retake_order_v1(%s, 'any', %s::text[], %s)", buyer.order, seats, offer_ms
    )


@pytest.mark.parametrize(
    ("seats", "offer_ms"),
    [
        (["B-1", "B-3"], None),  # not those it was for
        (["B-1"], None),
        (["B-1", "B-2", "B-3"], None),
        (["F-1", "F-2"], 60_000),  # not of the price that was paid
        (["B-3", "F-1"], 60_000),
        (["B-3"], 60_000),
        ([], 60_000),
    ],
)
async def test_the_ledger_sells_late_only_what_was_ordered(
    shop: Shop, seats: list[str], offer_ms: int | None
) -> None:
    name = f"ledger-{'-'.join(seats).lower()}-{offer_ms or 0}"
    buyer = await late(shop, await two_tiers(shop, name), "B-1", "B-2")
    with pytest.raises(psycopg.Error) as refused:
        await retake(shop, buyer, seats, offer_ms)
    assert refused.value.sqlstate == "ON001"
    assert await shop.state_of(buyer.order) == "AWAITED"


async def find(shop: Shop, buyer: Late) -> tuple[Hold | None, bool]:
    """What the shop finds for the buyer, as it is before it is claimed; and whether it is an offer."""
    order = await shop.parts.orders.read(buyer.order)
    assert order is not None
    event = await shop.parts.catalog.get(buyer.event)
    layout = await shop.parts.catalog.seat_layout(buyer.event)
    lines = await shop.parts.orders.lines(buyer.order)
    return await shop.parts.checkout.late._hold(order, event, layout, lines)


async def find_and_swap(shop: Shop, buyer: Late, other: dict[str, object]) -> str:
    """The shop finds something, and before it is claimed the fan makes something else of it."""
    hold, _ = await find(shop, buyer)
    assert hold is not None
    path = f"/api/bookings/{hold.reservation_id}/swap"
    swapped = await buyer.fan.call("POST", path, json=other)
    assert swapped.status == 200, swapped
    return hold.reservation_id


async def test_a_hold_that_was_swapped_meanwhile_is_not_what_was_paid_for(shop: Shop) -> None:
    event = await two_tiers(shop, "swapped-meanwhile")
    buyer = await late(shop, event, "B-1", "B-2")
    again = await buyer.fan.held(event, "B-1", "B-2")
    assert await find_and_swap(shop, buyer, {"seat_ids": ["F-1", "F-2"]}) == again
    buyer.bank_says_yes()
    assert await buyer.look() == "SOLD"
    assert await buyer.seats() == await claimed(shop, event) == ["B-1", "B-2"]
    left_alone = await shop.parts.holds.read(again, buyer.fan.fan_id)
    assert left_alone.seat_indexes == (0, 1)


async def test_who_pays_anew_for_the_same_places_is_left_to_do_so(shop: Shop) -> None:
    event = await two_tiers(shop, "paid-anew")
    buyer = await late(shop, event, "B-1", "B-2")
    again = await buyer.fan.held(event, "B-1", "B-2")
    anew = await buyer.fan.complete(again, "card_requires_action")
    assert anew.status == 202
    buyer.bank_says_yes()
    assert await buyer.look() == "AWAITED"
    due = "SELECT look_after > now() FROM orders WHERE order_id = %s"
    assert await shop.value(due, buyer.order), "it is asked about later"
    await shop.answer_bank(anew.json["next_action_url"])
    async with asyncio.timeout(10):  # until the provider has told
        while await shop.state_of(anew.json["booking_id"]) != "SOLD":
            await asyncio.sleep(0.05)
            await shop.settle()
    # Until the sale is shown in the store the hold is still there, and is asked about once more.
    async with asyncio.timeout(10):
        while await buyer.look() == "AWAITED":
            await asyncio.sleep(0.05)
    state = await shop.state_of(buyer.order)
    assert state == "RELEASED", "neither these nor others like them are free"
    await assert_settled(shop, event)


async def test_an_offer_that_was_swapped_meanwhile_is_none(shop: Shop) -> None:
    event = await two_tiers(shop, "offer-swapped")
    buyer = await late(shop, event, "B-1", "B-2")
    await Fan.inside(shop).held(event, "B-1")
    await find_and_swap(shop, buyer, {"seat_ids": ["F-1", "F-2"]})
    assert await find(shop, buyer) == (None, False)


async def test_stock_that_was_swapped_meanwhile_is_not_what_was_paid_for(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 3)])
    buyer = await late(shop, event, stock={"tier": "print", "quantity": 2})
    await find_and_swap(shop, buyer, {"stock": {"tier": "print", "quantity": 1}})
    assert await find(shop, buyer) == (None, False)
