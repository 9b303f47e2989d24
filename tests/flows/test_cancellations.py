"""Sales that are cancelled by their buyer, or by the organiser: seats, tickets, money, and who may."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from click.testing import CliRunner, Result

from booking_core.catalog.event import StockTier
from booking_core.catalog.events import Catalog
from booking_core.checkout.payments import PaymentUnknown
from groundwork.cancel_errors import CancelRefused
from groundwork.errors import EventNotFound
from onsale.cli import main
from tests.support.fan import Fan, Reply
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def bought(shop: Shop, event: str, *seats: str, **wanted: object) -> tuple[Fan, str]:
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, *seats, **wanted))
    assert reply.status == 201, reply
    return fan, str(reply.json["booking_id"])


async def sold(shop: Shop, **draft: object) -> tuple[str, Fan, str]:
    """An event of three seats whose fans may cancel, and a buyer of two of them for 90 euro."""
    event = await shop.new_event(3, **{"cancel_minutes": 60, **draft})
    fan, order = await bought(shop, event, "A-1", "A-2")
    await shop.settle()
    return event, fan, order


async def cancel(fan: Fan, order: str) -> Reply:
    return await fan.call("POST", f"/api/bookings/{order}/cancel")


def given(shop: Shop, order: str) -> list[int]:
    [intent] = shop.intents_of(order)
    return [refund.amount for refund in intent.refunds]


async def work_all(shop: Shop) -> None:
    await shop.settle()
    await shop.rows("UPDATE refunds SET not_before = now() WHERE done_at IS NULL")
    await shop.parts.refunding.work()


async def test_a_buyer_cancels_on_the_order_page_and_all_comes_back(shop: Shop) -> None:
    event, fan, order = await sold(shop)
    assert (
        f'href="/orders/{order}/cancel"'
        in (await fan.call("GET", f"/orders/{order}")).body.decode()
    )
    asked = (await fan.call("GET", f"/orders/{order}/cancel")).body.decode()
    assert "You get back €90." in asked
    qr = (await fan.booking(order)).json["tickets"][0]["ticket_id"]
    done = await fan.call("POST", f"/orders/{order}/cancel")
    assert (done.status, done.headers["Location"]) == (303, f"/orders/{order}")
    await work_all(shop)
    assert given(shop, order) == [9_000]
    page = (await fan.call("GET", f"/orders/{order}")).body.decode()
    assert "This order was cancelled" in page
    assert "Given back: €90<" in page
    assert (await fan.booking(order)).json | {"tickets": []} == (await fan.booking(order)).json
    assert (await fan.booking(order)).json["status"] == "cancelled"
    for path in ("tickets.pdf", f"tickets/{qr}/qr.svg"):
        assert (await fan.call("GET", f"/orders/{order}/{path}")).status == 404, path
    assert (await fan.call("GET", f"/orders/{order}/cancel")).status == 303
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "000"


async def test_the_seats_are_sold_again_and_a_sold_out_event_is_not_any_more(shop: Shop) -> None:
    event, fan, order = await sold(shop)
    await bought(shop, event, "A-3")
    await shop.settle()
    await shop.worker._count()
    assert await shop.value("SELECT sold FROM availability WHERE event_id = %s", event) == 3
    assert (await cancel(fan, order)).status == 200
    await work_all(shop)
    await shop.worker._count()
    assert await shop.value("SELECT sold FROM availability WHERE event_id = %s", event) == 1
    # The same fan may have as many as before, and so may others.
    _, again = await bought(shop, event, "A-1")
    reply = await fan.complete(await fan.held(event, "A-2"))
    assert reply.status == 201
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "222"
    assert (await shop.rows("SELECT * FROM audit_findings WHERE event_id = %s", event)) == []
    await shop.worker._audit()
    found = await shop.rows("SELECT kind, detail FROM audit_findings WHERE event_id = %s", event)
    assert found == []
    assert again


async def test_stock_comes_back(shop: Shop) -> None:
    stock = [StockTier("print", "Print", 1_000, 3)]
    event = await shop.new_event(stock=stock, cancel_minutes=0)
    fan, order = await bought(shop, event, stock={"tier": "print", "quantity": 3})
    await shop.settle()
    assert await shop.stock_left(event, "print") == 0
    assert (await cancel(fan, order)).json["status"] == "cancelled"
    await work_all(shop)
    assert await shop.stock_left(event, "print") == 3
    await bought(shop, event, stock={"tier": "print", "quantity": 2})
    await shop.settle()
    await assert_settled(shop, event)


@pytest.mark.parametrize("meanwhile", ["redis was lost", "a week has passed"])
async def test_a_sale_that_is_told_already_is_taken_back_once(shop: Shop, meanwhile: str) -> None:
    stock = [StockTier("print", "Print", 1_000, 3)]
    event = await shop.new_event(stock=stock, cancel_minutes=0, seats_max=3)
    all_of_it = {"tier": "print", "quantity": 3}
    fan, order = await bought(shop, event, stock=all_of_it)
    await shop.settle()
    if meanwhile == "redis was lost":
        await shop.redis.flushall()
        await shop.worker._epochs.start()
    else:
        async for key in shop.redis.scan_iter(f"*:settled:*:{order}:*"):
            await shop.redis.delete(key)
    assert await shop.stock_left(event, "print") == 0
    assert (await cancel(fan, order)).json["status"] == "cancelled"
    await work_all(shop)
    assert await shop.stock_left(event, "print") == 3
    assert (await fan.reserve(event, stock=all_of_it)).status == 201, "their limit is theirs again"
    await assert_settled(shop, event)


async def test_cancelled_often_and_at_once_is_cancelled_once(shop: Shop) -> None:
    event, fan, order = await sold(shop)
    replies = await asyncio.gather(*(cancel(fan, order) for _ in range(8)))
    assert [reply.status for reply in replies] == [200] * 8
    await asyncio.gather(*(shop.parts.refunding.work() for _ in range(3)))
    await work_all(shop)
    assert given(shop, order) == [9_000]
    await assert_settled(shop, event)


async def test_what_was_only_reserved_is_let_go(shop: Shop) -> None:
    event = await shop.new_event(2, cancel_minutes=60)
    fan, order = await bought(shop, event, "A-1")
    assert (await cancel(fan, order)).status == 200
    await work_all(shop)
    [intent] = shop.intents_of(order)
    assert (intent.status, intent.amount_refunded) == ("canceled", 0)
    assert "Given back: €45<" in (await fan.call("GET", f"/orders/{order}")).body.decode()
    await assert_settled(shop, event)


async def test_a_capture_whose_answer_was_lost_is_given_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(2, cancel_minutes=60)
    fan, order = await bought(shop, event, "A-1")
    whole = shop.payments.capture

    async def lose_the_answer(payment_id: str, order_id: str) -> None:
        await whole(payment_id, order_id)
        raise PaymentUnknown("capture", "TimeoutError")

    with monkeypatch.context() as patch:
        patch.setattr(shop.payments, "capture", lose_the_answer)
        await shop.settle()
    assert (await cancel(fan, order)).status == 200
    await work_all(shop)
    assert given(shop, order) == [4_500]
    await assert_settled(shop, event)


async def test_after_partial_refunds_the_rest_goes_back_each_amount_once(shop: Shop) -> None:
    event, fan, order = await sold(shop)
    await shop.parts.refunding.refunds.ask(order, 4_500, "Half of it")
    assert "You get back €45." in (await fan.call("GET", f"/orders/{order}/cancel")).body.decode()
    assert (await cancel(fan, order)).status == 200
    await work_all(shop)
    assert sum(given(shop, order)) == 9_000
    assert len(given(shop, order)) == 3, "the provider gives an amount of an order once"
    await assert_settled(shop, event)


async def refusal(fan: Fan, order: str) -> tuple[int, str, str]:
    reply = await cancel(fan, order)
    return reply.status, reply.code, str(reply.json.get("reason", ""))


async def test_who_may_not_is_refused_and_nothing_changes(shop: Shop) -> None:
    never, fan, order = await sold(shop, cancel_minutes=None)
    assert await refusal(fan, order) == (409, "cancel-refused", "not-allowed")
    page = (await fan.call("GET", f"/orders/{order}")).body.decode()
    assert f"/orders/{order}/cancel" not in page
    begun, late_fan, late_order = await sold(shop)
    await shop.rows("UPDATE events SET starts_at = %s WHERE event_id = %s",
                    datetime.now(UTC) + timedelta(minutes=59), begun)  # fmt: skip
    assert await refusal(late_fan, late_order) == (409, "cancel-refused", "too-late")
    pending = Fan.inside(shop)
    event = await shop.new_event(2, cancel_minutes=60)
    paying = await pending.complete(await pending.held(event, "A-1"), "card_requires_action")
    refused = await refusal(pending, paying.json["booking_id"])
    assert refused == (409, "cancel-refused", "not-sold")
    form = await fan.call("GET", f"/orders/{order}/cancel", headers={"Accept": "text/html"})
    assert form.status == 409
    assert b"cannot be cancelled" in form.body
    for each in (order, late_order):
        assert await shop.state_of(each) == "SOLD"
        assert given(shop, each) == []
    await assert_settled(shop, never)
    await assert_settled(shop, begun)


async def test_strangers_learn_nothing(shop: Shop) -> None:
    event, fan, order = await sold(shop)
    nobody = Fan(shop)
    for caller in (Fan.inside(shop), nobody):
        for name in (order, "00000000-0000-0000-0000-000000000000", "no-uuid"):
            assert (await cancel(caller, name)).status in (401, 403, 404)
            page = await caller.call("POST", f"/orders/{name}/cancel")
            assert page.status in (303, 401, 403, 404)
            assert not page.headers.get("Location", "").startswith("/orders")
    elsewhere = await fan.call(
        "POST", f"/orders/{order}/cancel", headers={"Origin": "https://e.vil"}
    )
    assert elsewhere.status == 403
    assert await shop.state_of(order) == "SOLD"
    await assert_settled(shop, event)


async def test_a_buyer_needs_no_pass_any_more(shop: Shop) -> None:
    event, fan, order = await sold(shop)
    fan.admission = fan.ticket
    assert (await cancel(fan, order)).status == 200
    await work_all(shop)
    await assert_settled(shop, event)


@pytest.mark.parametrize("when", ["the cancellation is told", "nothing was told"])
async def test_redis_lost_meanwhile_frees_the_seats_once(shop: Shop, when: str) -> None:
    event, fan, order = await sold(shop)
    if when == "nothing was told":
        await shop.rows("UPDATE outbox SET done_at = NULL WHERE order_id = %s "
                        "AND kind = 'project_sold'", order)  # fmt: skip
    assert (await cancel(fan, order)).status == 200
    await shop.redis.flushall()
    await shop.worker._epochs.start()
    assert await shop.seat_digits(event) == "000"
    _, again = await bought(shop, event, "A-1")
    await work_all(shop)
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "200"
    assert again


async def test_the_ledger_ends_no_sale_without_its_money(shop: Shop) -> None:
    _, _, order = await sold(shop)
    for refunded in (0, 8_999):
        if refunded:
            await shop.parts.refunding.refunds.ask(order, refunded, "Nearly all")
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="its end"):
            await shop.rows("UPDATE orders SET state = 'CANCELLED' WHERE order_id = %s", order)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="stays sold"):
        await shop.rows("DELETE FROM seat_claims WHERE order_id = %s", order)


async def test_the_organiser_cancels_whenever_it_is_and_says_why(
    shop: Shop, database_dsn: str
) -> None:
    event, fan, order = await sold(shop, cancel_minutes=None)

    async def type_in(*arguments: str) -> Result:
        run = CliRunner(env={"DATABASE_URL": database_dsn, "COLUMNS": "120"})
        return await asyncio.to_thread(run.invoke, main, arguments)

    done = await type_in("order", "cancel", order, "--reason", "The hall burnt down")
    assert done.exit_code == 0, done.output
    await work_all(shop)
    assert given(shop, order) == [9_000]
    assert (
        "The organiser cancelled it." in (await fan.call("GET", f"/orders/{order}")).body.decode()
    )
    shown = (await type_in("order", "show", order)).output
    for words in ("CANCELLED", "€90.00", "The hall burnt down"):
        assert words in shown, shown
    nobody = await type_in("order", "cancel", "nobody", "--reason", "Why not")
    assert nobody.exit_code == 1
    assert (await type_in("order", "cancel", order, "--reason", "")).exit_code == 1
    await assert_settled(shop, event)


async def test_an_operator_says_until_when_fans_may(shop: Shop, database_dsn: str) -> None:
    event, fan, order = await sold(shop, cancel_minutes=None)

    async def type_in(*arguments: str) -> Result:
        run = CliRunner(env={"DATABASE_URL": database_dsn, "COLUMNS": "120"})
        return await asyncio.to_thread(run.invoke, main, ("event", "set", *arguments))

    said = await type_in(event, "--cancel-until", "7d")
    assert said.exit_code == 0, said.output
    assert (
        await shop.value("SELECT cancel_minutes FROM events WHERE event_id = %s", event) == 10_080
    )
    for wrong in ("", "48", "2 days", "-1h", "9999999d"):
        assert (await type_in(event, "--cancel-until", wrong)).exit_code != 0, wrong
    assert (await type_in("nobody", "--cancel-until", "1h")).exit_code == 1
    assert (await type_in(event, "--cancel-until", "never")).exit_code == 0
    assert (await refusal(fan, order))[2] == "not-allowed"
    with pytest.raises(EventNotFound):
        await Catalog(shop.pool).set_cancel_minutes("nobody", 1)
    with pytest.raises(CancelRefused):
        await shop.parts.checkout.cancellations.by_buyer(order, [fan.fan_id])
