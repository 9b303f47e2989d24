"""Seeds of checkouts in which buyers, repeats and rescuers die at any effect: the end is always good."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_core.catalog.event import StockTier
from booking_core.checkout.checkout import Checkout
from booking_core.ledger.order import Order, OrderState
from tests.simulation.checkout_story import Told, tell_checkout_story
from tests.support.opening import open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled

# A night's worth: CHECKOUT_SEEDS=0:10000.
FIRST, _, LAST = os.environ.get("CHECKOUT_SEEDS", "0:120").partition(":")
SEEDS = range(int(FIRST), int(LAST))
# One event for so many: looking at all of its orders stays quick.
SEEDS_PER_EVENT = 50


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop


async def new_event(shop: Shop) -> str:
    stock = [StockTier("print", "Print", 1_000, 4 * SEEDS_PER_EVENT)]
    return await shop.new_event(2 * SEEDS_PER_EVENT, stock)


@pytest.mark.timeout(0 if len(SEEDS) > 1_000 else 120)
async def test_the_end_is_good_whoever_dies_where(shop: Shop) -> None:
    happened: Counter[str] = Counter()
    event = ""
    for seed in SEEDS:
        if not event or seed % SEEDS_PER_EVENT == 0:
            event = await new_event(shop)
        told = await tell_checkout_story(shop, event, seed)
        note(happened, told)
        if (seed + 1) % SEEDS_PER_EVENT == 0:
            await assert_settled(shop, event, f"a seed up to {seed}")
    for what in ("SOLD", "RELEASED", "death", "two deaths", "deadline"):
        assert happened[what] >= len(SEEDS) // 50, f"too seldom: {what} {happened}"


def note(happened: Counter[str], told: Told) -> None:
    deaths = sum("†" in step for step in told.steps)
    happened[told.end or "no order"] += 1
    happened["death"] += deaths > 0
    happened["two deaths"] += deaths > 1
    happened["deadline"] += any("the deadline" in step for step in told.steps)


async def test_a_seed_is_one_story(shop: Shop) -> None:
    event = await new_event(shop)
    for seed in range(4):
        first = await tell_checkout_story(shop, event, seed)
        assert await tell_checkout_story(shop, event, seed) == first


async def test_selling_from_expiring_is_noticed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test: a handler that sells what is being cancelled, as our first draft did."""

    async def sell(self: object, order_id: str) -> Order:
        states = ("CLAIMED", "AUTHORIZING", "EXPIRING")
        [order] = await shop.parts.orders._sell_all([order_id], *states)
        return order

    monkeypatch.setattr(type(shop.parts.orders), "sell", sell)
    await a_seed_fails(shop, 300, is_late=True)


async def test_releasing_without_cancelling_is_noticed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test: seats are given back while their payment can still succeed."""

    async def expire(self: Checkout, order: Order) -> None:
        await self.orders.release(order.order_id)

    monkeypatch.setitem(_steps(), OrderState.EXPIRING, expire)
    await a_seed_fails(shop, 300, is_late=False)


def _steps() -> dict[OrderState, object]:
    from booking_core.checkout import checkout

    return checkout.STEPS  # type: ignore[return-value]


async def a_seed_fails(shop: Shop, seeds: int, *, is_late: bool) -> None:
    event = ""
    with pytest.raises(AssertionError):
        for seed in range(seeds):
            if seed % 10 == 0:
                event = await new_event(shop)
            await tell_checkout_story(shop, event, seed, is_late=is_late)
            if seed % 5 == 4:
                await assert_settled(shop, event, f"a seed up to {seed}")
