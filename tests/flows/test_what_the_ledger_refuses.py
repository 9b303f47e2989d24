"""Guards of last resort: PostgreSQL refuses what no part of the program may do."""

import psycopg
import pytest

from booking_core.catalog.event import StockTier
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seat_claims SET sold = false WHERE event_id = %s",
        "DELETE FROM seat_claims WHERE event_id = %s",
        "UPDATE seat_claims SET order_id = gen_random_uuid() WHERE event_id = %s",
    ],
)
async def test_a_sold_seat_stays_sold(shop: Shop, statement: str) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"))).status == 201
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="a sold seat stays sold"):
        await shop.rows(statement, event)
    await shop.settle()
    await assert_settled(shop, event)


async def test_stock_beyond_its_capacity_is_refused_by_the_ledger(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 3)])
    with pytest.raises(psycopg.errors.CheckViolation):
        await shop.rows("UPDATE stock_claims SET used = 4 WHERE event_id = %s", event)
