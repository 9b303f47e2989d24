"""The provider, or the ledger, answers late, wrongly or not at all."""

from collections.abc import Mapping

import pytest

from booking_core.checkout.app_keys import CHECKOUT, ORDERS
from booking_core.checkout.payments import Payment, PaymentRefused, PaymentUnknown
from booking_core.practice_provider import intents
from booking_core.practice_provider.app_keys import BOOK
from groundwork.errors import StoreUnavailable
from tests.support.fan import Fan, pending_order
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def test_a_payment_of_another_amount_is_not_a_sale(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1")
    await shop.rows("UPDATE orders SET amount_cents = amount_cents + 1 WHERE order_id = %s", order)
    [intent] = shop.intents_of(order)
    shop.provider[BOOK].put(intents.authorize(intent, shop.clock.now_ms()))
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    await assert_settled(shop, event)


async def test_a_payment_the_provider_has_forgotten_is_released(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await pending_order(shop, event, "A-1")
    await shop.rows("UPDATE orders SET payment_id = %s WHERE order_id = %s", f"pi_{order}", order)
    await shop.settle()
    assert await shop.state_of(order) == "RELEASED"
    assert await shop.seat_digits(event) == "000"


async def test_a_capture_that_fails_is_tried_again_and_taken_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    order = (await fan.complete(await fan.held(event, "A-1"))).json["booking_id"]
    whole, tries = shop.payments.capture, 0

    async def unlucky(payment_id: str, order_id: str) -> Payment:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise PaymentUnknown("capture", "TimeoutError")
        payment = await whole(payment_id, order_id)
        if tries == 2:
            raise PaymentUnknown("capture", "the reply was lost")
        return payment

    monkeypatch.setattr(shop.payments, "capture", unlucky)
    for _ in range(3):
        await shop.settle()
    assert tries == 3
    assert shop.intents_of(order)[0].amount_received == 4_500
    await assert_settled(shop, event)


async def test_a_lost_answer_of_a_commit_is_found_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after COMMIT: the sale stands, and the repeat is told so."""
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    orders = shop.core[ORDERS]
    whole = orders.sell

    async def cut(order_id: str) -> None:
        await whole(order_id)
        raise StoreUnavailable(retry_after=2)

    with monkeypatch.context() as patch:
        patch.setattr(orders, "sell", cut)
        reply = await fan.complete(held, key="k")
    assert reply.status in (202, 503), reply
    await shop.settle()
    again = await fan.complete(held, key="k")
    assert again.status == 201, again
    await assert_settled(shop, event)


async def test_the_provider_is_told_which_order_it_is_for(shop: Shop) -> None:
    event = await shop.new_event(2)
    order = await pending_order(shop, event, "A-1")
    [intent] = shop.intents_of(order)
    metadata: Mapping[str, str] = intent.metadata
    assert metadata["event_id"] == event
    assert metadata["order_id"] == order
    await shop.let_deadline_pass(order)
    await shop.settle()


async def test_a_refused_payment_call_gives_the_order_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own account or request is wrong: the buyer is told to try again, the seat is freed."""
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")

    async def refuses(*_: object) -> Payment:
        raise PaymentRefused("confirm", 401, "api_key_expired")

    with monkeypatch.context() as patch:
        patch.setattr(shop.core[CHECKOUT].payments, "confirm", refuses)
        reply = await fan.complete(held)
    assert (reply.status, reply.json["decline_reason"]) == (402, "try-again")
    await shop.settle()
    await assert_settled(shop, event)
