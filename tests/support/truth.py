"""What must be true of every order, seat and payment, whatever happened; read from the stores alone."""

from collections import Counter
from typing import Any

from tests.support.shop import Shop

FINAL = ("SOLD", "RELEASED", "CANCELLED")
# Tickets that count at the door.
GOOD = """tickets WHERE NOT EXISTS (SELECT FROM orders o
    WHERE o.order_id = tickets.order_id AND o.state = 'CANCELLED')"""


async def assert_settled(shop: Shop, event_id: str, why: str = "") -> None:
    """Fail unless everything of the event came to a good end: call it when nothing is under way."""
    orders = await shop.rows(
        """SELECT order_id::text, state, amount_cents, captured_at, payment_id, fan_id FROM orders
        WHERE event_id = %s""",
        event_id,
    )
    for order in orders:
        await _assert_order(shop, order, f"{why}: order {order[0]}")
    await _assert_seats(shop, event_id, why)
    await _assert_stock(shop, event_id, why)
    assert not await shop.rows(
        "SELECT kind, order_id FROM outbox JOIN orders USING (order_id) "
        "WHERE event_id = %s AND done_at IS NULL",
        event_id,
    ), f"{why}: the outbox is not empty"


async def _assert_order(shop: Shop, order: tuple[Any, ...], why: str) -> None:
    order_id, state, amount, captured_at, payment_id, _ = order
    assert state in FINAL, f"{why} is stuck in {state}"
    intents = shop.intents_of(order_id)
    tickets = await shop.value("SELECT count(*) FROM tickets WHERE order_id = %s", order_id)
    claims = await shop.rows("SELECT sold FROM seat_claims WHERE order_id = %s", order_id)
    lines = await shop.rows(
        "SELECT quantity, seat_id FROM order_lines WHERE order_id = %s", order_id
    )
    seats = [line for line in lines if line[1] is not None]
    if state == "SOLD" and amount == 0:
        assert (intents, payment_id) == ([], None), f"{why}: {intents}"
    elif state == "SOLD":
        assert [each.status for each in intents] == ["succeeded"], f"{why}: {intents}"
        assert intents[0].id == payment_id, why
        assert intents[0].amount_received == amount, f"{why}: took {intents[0].amount_received}"
        assert intents[0].amount_refunded == 0, why
    if state == "SOLD":
        assert captured_at is not None, f"{why}: nobody noted the capture"
        assert tickets == sum(line[0] for line in lines) > 0, why
        assert claims == [(True,)] * len(seats), f"{why}: {claims}"
    else:
        kept = [each.amount_received - each.amount_refunded for each in intents]
        ended = {"canceled", "succeeded"} if captured_at else {"canceled"}
        assert {each.status for each in intents} <= ended, f"{why}: {intents}"
        assert not any(kept), f"{why}: keeps {kept} for nothing"
        assert tickets == (sum(line[0] for line in lines) if state == "CANCELLED" else 0), why
        assert claims == [], f"{why}: {claims}"


async def _assert_seats(shop: Shop, event_id: str, why: str) -> None:
    index_of = dict(
        await shop.rows("SELECT seat_id, seat_index FROM seats WHERE event_id = %s", event_id)
    )
    sold = await shop.rows(
        f"SELECT seat_id FROM {GOOD} AND event_id = %s AND seat_id IS NOT NULL", event_id
    )
    twice = [seat for (seat,), times in Counter(sold).items() if times > 1]
    assert not twice, f"{why}: sold twice: {twice}"
    digits = await shop.seat_digits(event_id)
    shown = {index for index, digit in enumerate(digits) if digit == "2"}
    assert shown == {index_of[seat] for (seat,) in sold}, f"{why}: Redis shows {digits}"


async def _assert_stock(shop: Shop, event_id: str, why: str) -> None:
    sold = dict(
        await shop.rows(
            f"SELECT tier, count(*) FROM {GOOD} AND event_id = %s AND seat_id IS NULL "
            "GROUP BY tier",
            event_id,
        )
    )
    stock = await shop.rows(
        "SELECT tier, used, capacity FROM stock_claims WHERE event_id = %s", event_id
    )
    for tier, used, capacity in stock:
        assert used == sold.get(tier, 0) <= capacity, f"{why}: {tier}: {used} used, {sold} sold"


async def held_by(shop: Shop, event_id: str, fan_id: str) -> list[str]:
    """Return the reservations that Redis keeps for a fan."""
    found = await shop.redis.hgetall(f"{{e:{event_id}}}:reservations")
    return [str(name) for name, text in found.items() if f'"{fan_id}"' in str(text)]
