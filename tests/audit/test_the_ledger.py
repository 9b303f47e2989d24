"""An audit of PostgreSQL alone: each way in which it could contradict itself is seen."""

import pytest
from audited import audit, found, sold, spoilt

from booking_core.audit.finding import KINDS, LEDGER
from booking_core.catalog.event import StockTier
from tests.support.fan import Fan
from tests.support.shop import Shop

# kind: what spoils an order, what mends it, whether the finding is about the seat or the order.
SPOILT = {
    "seat_doubled": (
        """INSERT INTO tickets (ticket_id, order_id, event_id, tier, seat_id, position)
        SELECT gen_random_uuid(), order_id, event_id, tier, seat_id, 99 FROM tickets
        WHERE order_id = %s""",
        "DELETE FROM tickets WHERE order_id = %s AND position = 99",
        {"seat_doubled", "tickets_wrong"},
    ),
    "sold_without_claim": (
        "UPDATE seat_claims SET sold = false WHERE order_id = %s",
        "UPDATE seat_claims SET sold = true WHERE order_id = %s",
        {"sold_without_claim", "claim_without_order"},
    ),
    "claim_without_order": (
        "UPDATE orders SET state = 'RELEASED' WHERE order_id = %s",
        "UPDATE orders SET state = 'SOLD' WHERE order_id = %s",
        {"claim_without_order", "tickets_wrong", "money_without_sale"},
    ),
    "tickets_wrong": (
        "UPDATE tickets SET order_id = gen_random_uuid() WHERE order_id = %s",
        """UPDATE tickets t SET order_id = o.order_id FROM orders o
        WHERE o.order_id = %s AND t.event_id = o.event_id""",
        {"tickets_wrong"},
    ),
    "amount_wrong": (
        "UPDATE orders SET amount_cents = amount_cents + 1 WHERE order_id = %s",
        "UPDATE orders SET amount_cents = amount_cents - 1 WHERE order_id = %s",
        {"amount_wrong", "amount_differs"},
    ),
    "order_stuck": (
        """UPDATE orders SET state = 'AUTHORIZING', deadline = now() - interval '6 minutes'
        WHERE order_id = %s""",
        "UPDATE orders SET state = 'SOLD' WHERE order_id = %s",
        {"order_stuck", "claim_without_order", "tickets_wrong"},
    ),
    "outbox_stuck": (
        """UPDATE outbox SET done_at = NULL, created_at = now() - interval '6 minutes',
            not_before = now() + interval '1 hour'
        WHERE kind = 'capture' AND order_id = %s""",
        "UPDATE outbox SET done_at = now() WHERE order_id = %s",
        {"outbox_stuck"},
    ),
}


async def test_a_shop_in_order_has_no_findings(shop: Shop) -> None:
    event = await shop.new_event(4)
    stocked = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 9)])
    await sold(shop, event, "A-1", "A-2")
    fan = Fan.inside(shop)
    reply = await fan.reserve(stocked, stock={"tier": "print", "quantity": 2})
    assert (await fan.complete(reply.json["reservation_id"])).status == 201
    await Fan.inside(shop).held(event, "A-4")
    await shop.settle()
    audited = await audit(shop, event, stocked)
    assert audited.findings == ()
    assert audited.is_balanced
    assert audited.money.taken["EUR"] >= 2 * 4_500 + 2 * 1_000


@pytest.mark.parametrize("kind", SPOILT)
async def test_what_is_spoilt_is_found_and_gone_once_mended(shop: Shop, kind: str) -> None:
    spoil, mend, expected = SPOILT[kind]
    event = await shop.new_event(2)
    order = await sold(shop, event, "A-1")
    async with spoilt(shop, spoil, mend, order):
        kinds = {each for each, _ in await found(shop, event)}
        assert kinds == expected
        open_kinds = await shop.rows("SELECT kind FROM audit_findings WHERE resolved_at IS NULL")
        assert {row[0] for row in open_kinds} == expected
    assert await found(shop, event) == []
    assert await shop.value("SELECT count(*) FROM audit_findings WHERE resolved_at IS NULL") == 0
    assert await shop.value("SELECT count(*) FROM audit_findings") == len(expected)


async def test_stock_that_orders_do_not_have_is_found(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 9)])
    for used, kinds in ((1, [("stock_wrong", "print")]), (0, [])):
        await shop.rows("UPDATE stock_claims SET used = %s WHERE event_id = %s", used, event)
        assert await found(shop, event) == kinds


def test_every_kind_of_the_ledger_is_spoilt_here() -> None:
    assert {*SPOILT, "stock_wrong"} == set(LEDGER)
    assert set(LEDGER) < set(KINDS)


async def test_one_audit_at_a_time(shop: Shop) -> None:
    async with shop.parts.auditor._alone() as is_ours:
        assert is_ours
        assert await shop.parts.auditor.audit([], repairs=False) is None
    assert (await audit(shop)).is_balanced
