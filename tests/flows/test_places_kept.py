"""Places that PostgreSQL keeps for an order past its deadline: Redis does not show them as free."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from booking_core.catalog.event import StockTier
from booking_core.checkout.late_payments import KEPT_MS
from booking_core.checkout.payments import Payment, PaymentRefused, PaymentState, PaymentUnknown
from lua.keys import holding_key
from tests.support.fan import Fan, pending_order
from tests.support.shop import Shop
from tests.support.truth import assert_settled, held_by


async def hold_ends_at(shop: Shop, event: str, held: str) -> float:
    return float(await shop.redis.zscore(f"{{e:{event}}}:expiries", held) or 0)


@pytest.mark.parametrize("bank", ["processing", "silent", "odd"])
async def test_places_of_an_order_that_cannot_end_stay_held_however_long(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, bank: str
) -> None:
    """PostgreSQL keeps them; shown as free they would be promised to one buyer after the other."""
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1", "A-2", card="card_requires_action")
    fan = await fan_of(shop, order)
    [held] = await held_by(shop, event, fan)
    turns = await shop.redis.get(holding_key(event, fan))
    await shop.let_deadline_pass(order)
    expiries = f"{{e:{event}}}:expiries"
    await shop.redis.zadd(expiries, {held: shop.clock.now_ms() + 3_000})

    async def stuck(payment_id: str) -> Payment:
        if bank == "silent":
            raise PaymentUnknown("cancel", "TimeoutError")
        if bank == "odd":
            raise PaymentRefused("cancel", 400, "odd")
        return replace(await shop.payments.get(payment_id), state=PaymentState.PROCESSING)

    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "cancel", stuck)
        for _ in range(2):  # a repeat adds nothing
            await shop.settle()
            left_ms = await hold_ends_at(shop, event, held) - shop.clock.now_ms()
            assert KEPT_MS - 10_000 < left_ms <= KEPT_MS
        # It is not by their will: they need not rest for it.
        assert turns is not None
        assert await shop.redis.get(holding_key(event, fan)) == turns
        assert await shop.state_of(order) == "EXPIRING"
    taken = await Fan.inside(shop).reserve(event, "A-1", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken")
    await shop.settle()
    assert await shop.seat_digits(event) == "000"
    await assert_settled(shop, event)


@pytest.mark.parametrize("is_stock", [False, True])
async def test_a_hold_that_ran_out_under_an_order_is_made_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, is_stock: bool
) -> None:
    """The worker was away for long, and the places were shown as free meanwhile."""
    event = await shop.new_event(2, stock=[StockTier("print", "Print", 1_000, 3)])
    wanted: dict[str, Any] = {"stock": {"tier": "print", "quantity": 2}} if is_stock else {}
    fan = Fan.inside(shop)
    held = await fan.held(event, *(() if is_stock else ("A-1",)), **wanted)
    order = (await fan.complete(held, "card_requires_action")).json["booking_id"]
    await shop.let_deadline_pass(order)
    await run_out(shop, event, held)
    assert (await shop.seat_digits(event), await shop.stock_left(event, "print")) == ("00", 3)

    async def silent(*_: object) -> Payment:
        raise PaymentUnknown("cancel", "TimeoutError")

    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "cancel", silent)
        await asyncio.gather(*(shop.parts.checkout.run(order) for _ in range(3)))
        assert await held_by(shop, event, fan.fan_id) == [held]
        kept = ("00", 1) if is_stock else ("10", 3)
        assert (await shop.seat_digits(event), await shop.stock_left(event, "print")) == kept
        await shop.settle()
        assert (await shop.seat_digits(event), await shop.stock_left(event, "print")) == kept
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    assert (await shop.seat_digits(event), await shop.stock_left(event, "print")) == ("00", 3)
    await assert_settled(shop, event)


async def test_a_hold_that_ran_out_is_not_taken_from_who_has_it_now(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(2)
    order = await pending_order(shop, event, "A-1")
    [held] = await held_by(shop, event, await fan_of(shop, order))
    await shop.let_deadline_pass(order)
    await run_out(shop, event, held)
    other = Fan.inside(shop)
    theirs = await other.held(event, "A-1")

    async def silent(*_: object) -> Payment:
        raise PaymentUnknown("cancel", "TimeoutError")

    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "cancel", silent)
        await shop.settle()
    assert await held_by(shop, event, other.fan_id) == [theirs]
    await shop.settle()
    assert (await other.complete(theirs)).status == 201
    await shop.settle()
    await assert_settled(shop, event)


@pytest.mark.parametrize("is_late", [True, False])
async def test_places_of_a_declined_order_are_free_once_its_time_is_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, is_late: bool
) -> None:
    """Its buyer may try another card; after an outage of the provider nobody is there to do that."""
    event = await shop.new_event(2)
    order = await pending_order(shop, event, "A-1")
    await shop.parts.orders.begin_expiring(order, "payment-declined", "card-declined")

    async def silent(*_: object) -> Payment:
        raise PaymentUnknown("cancel", "TimeoutError")

    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "cancel", silent)
        if is_late:
            await shop.let_deadline_pass(order)
        await shop.parts.checkout.run(order)
    await shop.parts.checkout.run(order)
    assert await shop.state_of(order) == "RELEASED"
    assert await shop.seat_digits(event) == ("00" if is_late else "10")
    await shop.settle()


async def test_a_hold_is_not_left_to_an_order_that_ended_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its release was told before the hold was made again: nobody would come to end it."""
    event = await shop.new_event(2)
    order = await pending_order(shop, event, "A-1")
    [held] = await held_by(shop, event, await fan_of(shop, order))
    await shop.let_deadline_pass(order)
    await run_out(shop, event, held)
    await shop.parts.orders.begin_expiring(order, "deadline")
    stale = await shop.parts.orders.read(order)
    assert stale is not None
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    await shop.parts.checkout.late.keep(stale)
    assert await shop.seat_digits(event) == "00"
    await assert_settled(shop, event)


async def run_out(shop: Shop, event: str, held: str) -> None:
    key = f"{{e:{event}}}:reservations"
    reservation = json.loads(str(await shop.redis.hget(key, held)))
    await shop.redis.hset(key, held, json.dumps(reservation | {"expires_at_ms": 1}))
    await shop.redis.zadd(f"{{e:{event}}}:expiries", {held: 1})
    await shop.parts.holds.sweep(event)


async def fan_of(shop: Shop, order: str) -> str:
    return str(await shop.value("SELECT fan_id FROM orders WHERE order_id = %s", order))
