"""What is held can be paid for after the pass has ended: by its fan alone, and nothing new is taken."""

import uuid

import pytest

from gateway.edge.renewal import FINISHING_MS_MAX
from groundwork.token_claims import PassClaims
from tests.support.fan import PASS_MS, DeviceKey, Fan
from tests.support.shop import Shop

MINUTE_MS = 60_000
PAGE = {"Accept": "text/html"}


def let_lapse(fan: Fan, ago_ms: int = MINUTE_MS) -> None:
    """The fan's pass ended so long ago; there is no visit by which it could be renewed."""
    ended_at_ms = fan.shop.clock.now_ms() - ago_ms
    claims = PassClaims(
        fan_id=fan.fan_id, sale_id=fan.sale_id, visit_id=uuid.uuid4().hex,
        jkt=fan.key.jkt if fan.key else None,
        issued_at_ms=ended_at_ms - PASS_MS, expires_at_ms=ended_at_ms,
    )  # fmt: skip
    fan.admission = fan.shop.tokens.sign_pass(claims)


async def test_a_hold_is_paid_for_after_the_pass_has_ended(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop, key=DeviceKey())
    reservation = await fan.held(event, "A-1")
    let_lapse(fan)

    page = await fan.call("GET", f"/checkout/{reservation}", headers=PAGE)
    assert page.status == 200
    assert (await fan.call("POST", f"/api/bookings/{reservation}/extend")).status == 200
    paid = await fan.complete(reservation, key="k")
    assert paid.status == 201, paid
    # The answer was lost: asked again it is the same, and the checkout leads to the order.
    assert (await fan.complete(reservation, key="k")).json == paid.json
    page = await fan.call("GET", f"/checkout/{reservation}", headers=PAGE)
    assert page.headers["Location"] == f"/orders/{paid.json['booking_id']}"


async def test_the_forms_finish_a_hold_too(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    reservation = await fan.held(event, "A-1")
    let_lapse(fan, FINISHING_MS_MAX - MINUTE_MS)
    fan.headers["Cookie"] = f"onsale-pass-{fan.sale_id}={fan.admission}"
    fan.admission = ""

    extended = await fan.call("POST", f"/checkout/{reservation}/extend", headers=PAGE)
    assert extended.headers["Location"] == f"/checkout/{reservation}"
    form = {"payment_method": "card_ok", "idempotency_key": "form"}
    paid = await fan.call("POST", f"/checkout/{reservation}/pay", headers=PAGE, data=form)
    assert paid.headers["Location"].startswith("/orders/")


@pytest.mark.parametrize("way", ["call", "form"])
async def test_who_may_not_come_back_may_let_go(shop: Shop, way: str) -> None:
    event = await shop.new_event(1)
    fan = Fan.inside(shop)
    reservation = await fan.held(event, "A-1")
    let_lapse(fan)
    if way == "call":
        assert (await fan.call("DELETE", f"/api/bookings/{reservation}")).status == 204
    else:
        assert (await fan.call("POST", f"/checkout/{reservation}/release")).status == 303
    assert await shop.seat_digits(event) == "0"


async def test_nothing_new_is_taken_by_a_pass_that_has_ended(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    reservation = await fan.held(event, "A-1")
    let_lapse(fan)

    swap = f"/api/bookings/{reservation}/swap"
    for reply in (
        await fan.reserve(event, "A-2"),
        await fan.call("POST", swap, json={"seat_ids": ["A-2"]}),
        await fan.call("GET", f"/api/events/{event}/seats"),
        await fan.call("GET", f"/events/{event}/seats"),
        await fan.call("POST", f"/events/{event}/reserve", data={"quantity": "1"}),
    ):
        assert (reply.status, reply.code) == (403, "pass-expired")
    assert await shop.seat_digits(event) == "100"


async def test_a_hold_is_finished_by_its_own_fan_and_device(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop, key=DeviceKey())
    reservation = await fan.held(event, "A-1")
    let_lapse(fan)

    other = Fan.inside(shop)
    let_lapse(other)
    for reply in (
        await other.complete(reservation),
        await other.call("GET", f"/checkout/{reservation}"),
        await other.call("POST", f"/api/bookings/{reservation}/extend"),
    ):
        assert reply.code in ("hold-lost", "reservation-not-found"), "they hold nothing here"
    own_key, fan.key = fan.key, DeviceKey()
    assert (await fan.complete(reservation)).code == "device-proof-invalid"
    fan.key = None
    assert (await fan.complete(reservation)).code == "device-proof-invalid"
    fan.key = own_key
    assert await shop.seat_digits(event) == "100"
    assert (await fan.complete(reservation)).status == 201


@pytest.mark.parametrize("is_bought", [True, False])
async def test_what_has_become_of_a_hold_is_said_after_the_pass_has_ended(
    shop: Shop, *, is_bought: bool
) -> None:
    """As the shop says it, for its page goes by that: who has bought is not told to come and buy again."""
    event = await shop.new_event(3)
    fan = Fan.inside(shop, key=DeviceKey())
    reservation = await fan.held(event, "A-1")
    if is_bought:
        booking = (await fan.complete(reservation, key="other tab")).json["booking_id"]
        await shop.settle()
    else:
        await fan.call("DELETE", f"/api/bookings/{reservation}")
    let_lapse(fan)

    page = await fan.call("GET", f"/checkout/{reservation}", headers=PAGE)
    if is_bought:
        assert page.headers["Location"] == f"/orders/{booking}"
    else:
        assert page.status == 404
    for reply in (
        await fan.complete(reservation, key="this tab"),
        await fan.call("POST", f"/api/bookings/{reservation}/extend"),
    ):
        assert (reply.status, reply.code) == (410, "hold-lost")


async def test_a_pass_that_ended_too_long_ago_finishes_nothing(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    reservation = await fan.held(event, "A-1")
    let_lapse(fan, FINISHING_MS_MAX + MINUTE_MS)

    reply = await fan.complete(reservation)
    assert (reply.status, reply.code) == (403, "pass-expired")
    page = await fan.call("GET", f"/checkout/{reservation}", headers=PAGE)
    assert page.headers["Location"] == f"/sales/{fan.sale_id}"
    assert await shop.seat_digits(event) == "100"
