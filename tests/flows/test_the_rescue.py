"""Orders whose request has ended are carried on, however many others cannot move."""

import asyncio

import pytest

from booking_core.checkout.payments import Payment, PaymentUnknown
from booking_core.practice_provider import intents
from booking_core.practice_provider.app_keys import BOOK
from tests.support.fan import pending_order
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def pay(shop: Shop, order: str) -> None:
    """The bank says yes, and the webhook is lost."""
    [intent] = shop.intents_of(order)
    shop.provider[BOOK].put(intents.authorize(intent, shop.clock.now_ms()))


async def test_orders_that_cannot_move_starve_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)
    stuck = await pending_order(shop, event, "A-1")
    await shop.rows(
        """INSERT INTO orders (order_id, event_id, fan_id, reservation_id, idempotency_key, body_hash,
            payment_method, hold_epoch, deadline, amount_cents, currency, state, payment_id, is_let_go)
        SELECT gen_random_uuid(), event_id, fan_id, 'stuck-' || n, 'stuck-' || n, body_hash,
            payment_method, hold_epoch, now() - interval '1 hour', amount_cents, currency,
            'EXPIRING', 'pi_stuck_' || n, true
        FROM orders, generate_series(1, 150) AS n WHERE order_id = %s""",
        stuck,
    )
    cancel = shop.payments.cancel

    async def silent(payment_id: str) -> Payment:
        if payment_id.startswith("pi_stuck"):
            raise PaymentUnknown("cancel", "TimeoutError")
        return await cancel(payment_id)

    paid, late = await pending_order(shop, event, "A-2"), await pending_order(shop, event, "A-3")
    await pay(shop, paid)
    await shop.let_deadline_pass(late)
    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "cancel", silent)
        await shop.rows("UPDATE orders SET carried_until = NULL WHERE event_id = %s", event)
        await shop.worker._rescue()
        assert [await shop.state_of(each) for each in (paid, late)] == ["SOLD", "RELEASED"]
    await shop.rows("DELETE FROM orders WHERE payment_id LIKE 'pi_stuck%%'")
    await shop.let_deadline_pass(stuck)
    await shop.settle()
    await assert_settled(shop, event)


async def test_an_order_is_looked_at_seldomer_the_longer_it_takes(shop: Shop) -> None:
    event = await shop.new_event(2)
    order = await pending_order(shop, event, "A-1")
    soon = "SELECT extract(epoch FROM look_after - now()) FROM orders WHERE order_id = %s"

    async def wait_after(age_seconds: int, in_time: bool = True) -> float:
        await shop.rows(
            """UPDATE orders SET look_after = NULL, created_at = now() - %s * interval '1 second',
                deadline = now() + %s * interval '1 second' WHERE order_id = %s""",
            age_seconds, 60 if in_time else -1, order,
        )  # fmt: skip
        assert order in await shop.parts.orders.take_unattended(10)
        await shop.parts.orders.put_down(order)
        assert order not in await shop.parts.orders.take_unattended(10)
        return float(await shop.value(soon, order))

    waits = [await wait_after(age) for age in (1, 32, 600)]
    waits.append(await wait_after(600, in_time=False))
    assert waits == pytest.approx([2, 4, 10, 30], abs=0.5)
    await shop.rows(
        "UPDATE orders SET look_after = NULL, deadline = now() + interval '4 seconds' "
        "WHERE order_id = %s", order,
    )  # fmt: skip
    await shop.parts.orders.take_unattended(10)
    assert await shop.value(soon, order) <= 4, "its deadline is not passed over"
    await shop.let_deadline_pass(order)
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_call_that_hangs_holds_up_no_other_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)
    hung, paid = await pending_order(shop, event, "A-1"), None
    [intent] = shop.intents_of(hung)
    asked, get = asyncio.Event(), shop.payments.get

    async def hangs(payment_id: str) -> Payment:
        if payment_id == intent.id:
            asked.set()
            await asyncio.sleep(30)
        return await get(payment_id)

    async with asyncio.timeout(20):
        with monkeypatch.context() as patch:
            patch.setattr(shop.payments, "get", hangs)
            async with shop.worker.running():
                await asked.wait()
                paid = await pending_order(shop, event, "A-2")
                await pay(shop, paid)
                while await shop.state_of(paid) != "SOLD":
                    await asyncio.sleep(0.05)
    await shop.let_deadline_pass(hung)
    await shop.settle()
    await assert_settled(shop, event)
