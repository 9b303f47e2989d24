"""Places that cost nothing are sold like others, only that no provider is asked for anything."""

from datetime import UTC, datetime

import pytest

from booking_core.catalog.event import StockTier
from booking_core.checkout.app_keys import CHECKOUT
from booking_core.checkout.payments import Payment
from booking_core.ledger.refunds import Refunds
from groundwork.errors import RequestInvalid
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled


@pytest.fixture
def unasked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(*_: object) -> Payment:
        raise AssertionError("the provider was asked")

    for call in ("create", "confirm", "get", "cancel", "capture", "refund"):
        monkeypatch.setattr(shop.payments, call, ask)


async def claim_alone(shop: Shop, fan: Fan, held: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Claim and die before the next step; returns the order."""

    async def dies(*_: object) -> None:
        raise RuntimeError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(shop.core[CHECKOUT].orders, "sell", dies)
        await fan.complete(held)
    return str(await shop.value("SELECT order_id FROM orders WHERE reservation_id = %s", held))


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("is_stock", [False, True])
async def test_free_places_are_sold_at_once(shop: Shop, is_stock: bool) -> None:
    event = await shop.new_event(3, [StockTier("print", "Print", 0, 5)], price=0)
    fan = Fan.inside(shop)
    wanted = {"stock": {"tier": "print", "quantity": 2}} if is_stock else {}
    held = await fan.held(event, *(() if is_stock else ("A-1", "A-2")), **wanted)
    reply = await fan.complete(held, key="once")
    assert (reply.status, reply.json["status"], reply.json["total"]) == (201, "confirmed", 0)
    assert len(reply.json["tickets"]) == 2
    again = await fan.complete(held, key="once")
    assert (again.status, again.json["booking_id"]) == (201, reply.json["booking_id"])
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == ("000" if is_stock else "220")


@pytest.mark.usefixtures("unasked")
async def test_a_crash_before_a_free_sale_is_made_good_or_released(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(2, price=0)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    sold = await claim_alone(shop, fan, await fan.held(event, "A-1"), monkeypatch)
    late = await claim_alone(shop, other, await other.held(event, "A-2"), monkeypatch)
    assert [await shop.state_of(each) for each in (sold, late)] == ["CLAIMED", "CLAIMED"]
    await shop.let_deadline_pass(late)
    await shop.settle()
    assert [await shop.state_of(each) for each in (sold, late)] == ["SOLD", "RELEASED"]
    assert await shop.seat_digits(event) == "20"
    await assert_settled(shop, event)


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("is_told", [False, True])
async def test_a_free_order_is_cancelled_and_nothing_goes_back(shop: Shop, is_told: bool) -> None:
    event = await shop.new_event(2, price=0, cancel_minutes=0,
                                 starts_at=datetime(2031, 5, 1, 19, tzinfo=UTC))  # fmt: skip
    fan = Fan.inside(shop)
    order = (await fan.complete(await fan.held(event, "A-1"))).json["booking_id"]
    if is_told:
        await shop.settle()
    with pytest.raises(RequestInvalid, match="all of it has been given back"):
        await Refunds(shop.pool).ask(order, None, "a refund of nothing")
    assert (await fan.call("POST", f"/api/bookings/{order}/cancel")).status == 200
    await shop.settle()
    await shop.parts.refunding.work()
    assert await shop.value("SELECT count(*) FROM refunds WHERE order_id = %s", order) == 0
    assert await shop.seat_digits(event) == "00"
    await assert_settled(shop, event)
    assert (await Fan.inside(shop).reserve(event, "A-1")).status == 201


@pytest.mark.usefixtures("unasked")
async def test_pages_of_free_places_ask_for_no_card_and_speak_of_no_payment(shop: Shop) -> None:
    event = await shop.new_event(2, price=0)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    page = (await fan.call("GET", f"/checkout/{held}")).body.decode()
    assert "Pay with" not in page
    assert 'name="payment_method" value="free"' in page
    assert "Take these places" in page
    assert "Free of charge" in page
    order = (await fan.complete(held)).json["booking_id"]
    page = (await fan.call("GET", f"/orders/{order}")).body.decode()
    assert "Free of charge" in page
    assert "Paid" not in page
