"""Every practice card, through the whole system: what the buyer hears, and what came of it."""

import pytest

from booking_core.catalog.event import StockTier
from booking_core.seats.holds import SeatHolds
from groundwork.errors import StoreUnavailable
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled, held_by


async def test_a_good_card_buys_the_seats(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1", "A-2"), email="fan@example.org")
    assert reply.status == 201
    assert reply.json["status"] == "confirmed"
    assert (reply.json["total"], reply.json["currency"]) == (9_000, "EUR")
    assert [each["seat_id"] for each in reply.json["tickets"]] == ["A-1", "A-2"]
    booking = await fan.booking(reply.json["booking_id"])
    assert booking.json == reply.json
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "2200"


async def test_stock_is_sold_by_quantity(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_200, 5)])
    fan = Fan.inside(shop)
    held = await fan.held(event, stock={"tier": "print", "quantity": 3})
    reply = await fan.complete(held)
    assert (reply.status, reply.json["total"], len(reply.json["tickets"])) == (201, 3_600, 3)
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.stock_left(event, "print") == 2
    other = await Fan.inside(shop).reserve(event, stock={"tier": "print", "quantity": 3})
    assert (other.status, other.code) == (410, "sold-out")


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("card_declined", "declined"),
        ("card_insufficient_funds", "insufficient-funds"),
        ("card_error_500", "try-again"),
        ("card_timeout_then_declined", "declined"),
        ("card_of_nobody", "declined"),
        ("\u2603 \U0001f600 'quoted\" & more", "declined"),
    ],
)
async def test_a_refused_card_keeps_the_hold_and_another_card_works(
    shop: Shop, card: str, reason: str
) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    refused = await fan.complete(held, card)
    assert (refused.status, refused.code) == (402, "payment-declined"), refused
    assert refused.json["decline_reason"] == reason
    assert await held_by(shop, event, fan.fan_id) == [held]
    taken = await Fan.inside(shop).reserve(event, "A-1")
    assert (taken.status, taken.code, taken.json["seat_ids"]) == (409, "seats-taken", ["A-1"])
    assert (await fan.complete(held, "card_ok")).status == 201
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_timeout_that_was_an_approval_is_a_sale(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_timeout_then_ok")
    assert reply.status == 201, reply
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_slow_bank_is_pending_and_then_a_sale(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    pending = await fan.complete(held, "card_slow", "slow")
    assert pending.status == 202
    assert pending.json["status"] == "pending"
    booking_id = pending.json["booking_id"]
    assert pending.json["order_url"] == f"/orders/{booking_id}"
    assert (await fan.booking(booking_id)).json["status"] == "pending"
    while shop.intents_of(booking_id)[0].status == "processing":
        await shop.clock.sleep_ms(50)
    await shop.settle()
    await assert_settled(shop, event)
    repeated = await fan.complete(held, "card_slow", "slow")
    assert (repeated.status, repeated.json["booking_id"]) == (201, booking_id)
    assert (await fan.booking(booking_id)).body == repeated.body


@pytest.mark.parametrize("word", ["approve", "refuse"])
async def test_a_buyer_confirms_on_the_banks_page(shop: Shop, word: str) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    pending = await fan.complete(held, "card_requires_action", "3ds")
    assert pending.status == 202
    page = pending.json["next_action_url"]
    assert page.startswith(shop.provider_url)
    booking_id = pending.json["booking_id"]
    assert (await fan.booking(booking_id)).json["next_action_url"] == page
    back = await shop.answer_bank(page, word)
    assert back.startswith(f"{shop.core_settings.shop_url}/orders/{booking_id}?")
    await shop.settle()
    await assert_settled(shop, event)
    booking = (await fan.booking(booking_id)).json
    repeated = await fan.complete(held, "card_requires_action", "3ds")
    if word == "approve":
        assert booking["status"] == "confirmed"
        assert repeated.status == 201
    else:
        assert (booking["status"], booking["release_reason"]) == ("released", "payment-declined")
        assert (repeated.status, repeated.json["decline_reason"]) == (402, "authentication-failed")
        assert (await fan.complete(held, "card_ok")).status == 201
        await shop.settle()


@pytest.mark.parametrize("who", ["the request", "a rescuer"])
async def test_after_a_declined_card_the_seats_may_be_changed(shop: Shop, who: str) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    swap, others = f"/api/bookings/{held}/swap", {"seat_ids": ["A-3"]}
    if who == "the request":
        assert (await fan.complete(held, "card_declined")).status == 402
    else:
        pending = await fan.complete(held, "card_requires_action")
        assert (await fan.call("POST", swap, json=others)).code == "request-in-progress"
        await shop.answer_bank(pending.json["next_action_url"], "refuse")
        await shop.settle()
    swapped = await fan.call("POST", swap, json=others)
    assert [seat["seat_id"] for seat in swapped.json["seats"]] == ["A-3"]
    assert (await fan.complete(held)).status == 201
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "0020"


async def test_a_decline_is_answered_also_when_the_hold_cannot_be_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StoreUnavailable(retry_after=1)

    monkeypatch.setattr(SeatHolds, "end_payment", fail)
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"), "card_declined")).status == 402


async def test_cards_tried_for_one_reservation_are_limited(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    for _ in range(5):
        assert (await fan.complete(held, "card_declined")).status == 402
    reply = await fan.complete(held, "card_ok")
    assert (reply.status, reply.code) == (429, "too-many-requests")
    assert int(reply.headers["Retry-After"]) == reply.json["retry_after"] > 0
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "000", "kept from others for nothing"


async def test_a_hold_that_ran_out_is_gone_and_costs_nothing(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await fan.call("DELETE", f"/api/bookings/{held}")).status == 204
    reply = await fan.complete(held)
    assert (reply.status, reply.code) == (410, "hold-lost")
    never = await fan.complete(f"{event}.{'x' * 22}")
    assert (never.status, never.code) == (410, "hold-lost")
    assert await shop.rows("SELECT 1 FROM orders WHERE event_id = %s", event) == []


async def test_another_fans_reservation_cannot_be_paid(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan, thief = Fan.inside(shop), Fan.inside(shop)
    held = await fan.held(event, "A-1")
    reply = await thief.complete(held)
    assert (reply.status, reply.code) == (410, "hold-lost")
    assert (await fan.complete(held)).status == 201
    # Also not once it is somebody's order: nothing is told of it.
    assert (await thief.complete(held)).code == "hold-lost"
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_price_no_provider_takes_releases_the_seat(shop: Shop) -> None:
    event = await shop.new_event(2, price=100_000_000)  # Stripe has eight digits
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"))
    assert (reply.status, reply.code) == (402, "payment-declined")
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "00"


async def test_the_amount_is_the_ledgers_and_never_the_requests(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1", price=1, total=1)
    reply = await fan.complete(held, total=1, amount=1, price=1)
    assert (reply.status, reply.json["total"]) == (201, 4_500)
    assert shop.intents_of(reply.json["booking_id"])[0].amount == 4_500
    await shop.settle()
    await assert_settled(shop, event)
