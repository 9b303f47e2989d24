"""Orders that are not paid in time: nothing is released before the payment is provably dead."""

import asyncio
import json
from typing import Any

import pytest

from booking_core.catalog.event import StockTier
from booking_core.checkout.app_keys import CHECKOUT
from booking_core.checkout.payments import Payment, PaymentUnknown
from booking_core.ledger.order import Claim
from booking_core.ledger.orders import Orders
from booking_core.practice_provider import intents
from booking_core.practice_provider.app_keys import BOOK
from booking_core.worker import ShopWorker
from tests.support.fan import Fan, pending_order
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def test_an_unpaid_order_is_cancelled_and_its_seats_are_free_again(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1", "A-2")
    await shop.settle()
    assert await shop.state_of(order) == "AUTHORIZING"
    assert await shop.seat_digits(event) == "110"
    await shop.let_deadline_pass(order)
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    assert shop.intents_of(order)[0].status == "canceled"
    assert await shop.seat_digits(event) == "000"
    await assert_settled(shop, event)
    assert (await Fan.inside(shop).reserve(event, "A-1")).status == 201


async def test_unpaid_stock_comes_back_once(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 3)])
    fan = Fan.inside(shop)
    held = await fan.held(event, stock={"tier": "print", "quantity": 2})
    order = (await fan.complete(held, "card_requires_action")).json["booking_id"]
    await shop.let_deadline_pass(order)
    await shop.settle()
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.stock_left(event, "print") == 3


async def test_a_silent_provider_keeps_the_seats_blocked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1")
    await shop.let_deadline_pass(order)

    async def silent(*_: object) -> Payment:
        raise PaymentUnknown("get", "TimeoutError")

    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "get", silent)
        patch.setattr(shop.payments, "cancel", silent)
        await shop.settle()
        await shop.settle()
    assert await shop.state_of(order) == "EXPIRING"
    taken = await Fan.inside(shop).reserve(event, "A-1", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken")
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_bank_that_is_still_at_it_is_waited_for(shop: Shop) -> None:
    """A payment in processing cannot be stopped; what it becomes decides."""
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1", card="card_slow")
    await shop.let_deadline_pass(order)
    await shop.settle()
    assert await shop.state_of(order) == "EXPIRING"
    while shop.intents_of(order)[0].status == "processing":
        await asyncio.sleep(0.05)
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    assert shop.intents_of(order)[0].status == "canceled"
    await assert_settled(shop, event)


async def test_money_taken_before_the_cancellation_is_a_sale(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1")
    book = shop.provider[BOOK]
    [intent] = shop.intents_of(order)
    await shop.rows(
        "UPDATE orders SET state = 'EXPIRING', release_reason = 'deadline' WHERE order_id = %s",
        order,
    )
    # Captured on the provider's own side, as an account that captures at once does.
    authorized = book.put(intents.authorize(intent, shop.clock.now_ms()))
    book.capture(authorized.id, None)
    await shop.settle()
    assert await shop.state_of(order) == "SOLD"
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "200"


async def test_money_reserved_while_expiring_is_let_go(shop: Shop) -> None:
    """From EXPIRING nobody sells, or a cancelled payment would be sold for."""
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1")
    [intent] = shop.intents_of(order)
    await shop.rows(
        "UPDATE orders SET state = 'EXPIRING', release_reason = 'deadline' WHERE order_id = %s",
        order,
    )
    shop.provider[BOOK].put(intents.authorize(intent, shop.clock.now_ms()))
    assert (await shop.parts.orders.sell(order)).state == "EXPIRING"
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    await assert_settled(shop, event)


async def test_a_paused_handler_cannot_pay_for_a_cancelled_order(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1")
    [intent] = shop.intents_of(order)
    await shop.let_deadline_pass(order)
    await shop.settle()
    # The handler wakes up, long after, and confirms as if nothing had happened.
    payment = await shop.payments.confirm(intent.id, "card_ok", order, 99, "http://shop.example/")
    assert payment.state == "cancelled"
    assert (await shop.parts.orders.sell(order)).state == "RELEASED"
    await assert_settled(shop, event)


async def test_a_handler_that_was_overtaken_does_not_try_the_card(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the payment and trying the card the worker has given the order up."""
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    payments = shop.core[CHECKOUT].payments
    whole = payments.create

    async def overtaken(order_id: str, *args: Any) -> Payment:
        payment = await whole(order_id, *args)
        await shop.parts.orders.begin_expiring(order_id, "deadline")
        return payment

    with monkeypatch.context() as patch:
        patch.setattr(payments, "create", overtaken)
        reply = await fan.complete(held)
    assert (reply.status, reply.code) == (410, "hold-lost")
    [intent] = [each for each in shop.intents() if each.metadata["reservation_id"] == held]
    assert intent.charge_id is None, "the card was tried"
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_released_reservation_keeps_its_seats_while_it_is_paid_for(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    order = (await fan.complete(held, "card_requires_action")).json["booking_id"]
    refused = await fan.call("DELETE", f"/api/bookings/{held}")
    assert (refused.status, refused.code) == (409, "request-in-progress")
    taken = await Fan.inside(shop).reserve(event, "A-1", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken")
    await shop.let_deadline_pass(order)
    await shop.settle()
    assert (await fan.call("DELETE", f"/api/bookings/{held}")).status == 204
    await assert_settled(shop, event)


async def test_an_old_release_does_not_end_the_hold_of_a_new_attempt(shop: Shop) -> None:
    """The projection of a first attempt comes late; a second one pays for the same hold by then."""
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    first = (await fan.complete(held, "card_requires_action")).json["booking_id"]
    await shop.let_deadline_pass(first)
    await shop.parts.checkout.run(first)
    assert await shop.state_of(first) == "RELEASED"
    second = await fan.complete(held, "card_requires_action")
    assert second.status == 202, second
    await shop.settle()
    taken = await Fan.inside(shop).reserve(event, "A-1", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken")
    await shop.let_deadline_pass(second.json["booking_id"])
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "000"


async def test_two_workers_rescue_many_orders_and_each_ends_once(shop: Shop) -> None:
    event = await shop.new_event(12)
    orders = [await pending_order(shop, event, f"A-{n}") for n in range(1, 13)]
    for order in orders[::2]:
        await shop.let_deadline_pass(order)
    for order in orders[1::2]:
        [intent] = shop.intents_of(order)
        shop.provider[BOOK].put(intents.authorize(intent, shop.clock.now_ms()))
    other = ShopWorker(shop.parts, shop.worker._epochs, shop.clock)
    await asyncio.gather(shop.worker._rescue(), other._rescue(), shop.worker._rescue())
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "02" * 6


async def test_a_hold_is_given_the_time_of_its_payment_before_it_is_claimed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by `onsale prove`: a claim took longer than the hold had left, and others held the seat."""
    event = await shop.new_event(2)
    left_ms: list[float] = []
    whole = Orders.claim

    async def claim(self: Orders, *args: Any, **kwargs: Any) -> Claim:
        [(_, ends_at_ms)] = await shop.redis.zrange(
            f"{{e:{event}}}:expiries", 0, -1, withscores=True
        )
        left_ms.append(float(ends_at_ms) - shop.clock.now_ms())
        return await whole(self, *args, **kwargs)

    monkeypatch.setattr(Orders, "claim", claim)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    # It has two seconds left.
    key, soon_ms = f"{{e:{event}}}:reservations", shop.clock.now_ms() + 2_000
    reservation = json.loads(str(await shop.redis.hget(key, held)))
    await shop.redis.hset(key, held, json.dumps(reservation | {"expires_at_ms": soon_ms}))
    await shop.redis.zadd(f"{{e:{event}}}:expiries", {held: soon_ms})
    assert (await fan.complete(held)).status == 201
    [left] = left_ms
    assert left > shop.core_settings.payment_ms


async def test_a_hold_lasts_as_long_as_its_payment(shop: Shop) -> None:
    event = await shop.new_event(2)
    order = await pending_order(shop, event, "A-1")
    [held] = await shop.redis.zrange(f"{{e:{event}}}:expiries", 0, -1)
    ends_at_ms = float(await shop.redis.zscore(f"{{e:{event}}}:expiries", str(held)) or 0)
    deadline_ms = await shop.value(
        "SELECT extract(epoch FROM deadline) * 1000 FROM orders WHERE order_id = %s", order
    )
    assert ends_at_ms > deadline_ms
    await shop.let_deadline_pass(order)
    await shop.settle()
