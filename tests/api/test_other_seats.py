"""Other seats than the wanted ones: offers, swaps, and seats that are not for everybody."""

from booking_core.seats.kept_seats import give_back_seats, keep_seats, make_channel
from groundwork.clock import SystemTokenSource
from tests.support.fan import Fan
from tests.support.shop import Shop


async def test_who_was_too_late_gets_the_nearest_offered_and_already_held(shop: Shop) -> None:
    event = await shop.new_event(8)
    await Fan.inside(shop).held(event, "A-3")
    fan = Fan.inside(shop)

    refusal = await fan.reserve(event, "A-3", "A-4")

    assert (refusal.status, refusal.code, refusal.json["seat_ids"]) == (409, "seats-taken", ["A-3"])
    offer = refusal.json["offer"]
    assert [seat["seat_id"] for seat in offer["seats"]] == ["A-4", "A-5"]
    assert offer["total"] == 9_000
    assert 470_000 < offer["expires_in_ms"] <= 480_100, "two clocks may differ by milliseconds"
    assert await shop.seat_digits(event) == "00111000"
    bought = await fan.complete(offer["reservation_id"])
    assert [ticket["seat_id"] for ticket in bought.json["tickets"]] == ["A-4", "A-5"]


async def test_an_offer_is_let_go_by_asking_for_something_else_or_not_wanted_at_all(
    shop: Shop,
) -> None:
    event = await shop.new_event(8)
    await Fan.inside(shop).held(event, "A-3")
    fan = Fan.inside(shop)
    offer = (await fan.reserve(event, "A-3", "A-4")).json["offer"]

    await fan.held(event, "A-5")
    assert await shop.seat_digits(event) == "00101000"
    gone = await fan.call("POST", f"/api/bookings/{offer['reservation_id']}/extend")
    assert (gone.status, gone.code) == (410, "hold-lost")
    refusal = await Fan.inside(shop).reserve(event, "A-3", offer=False)
    assert refusal.json["offer"] is None
    assert await shop.seat_digits(event) == "00101000"


async def test_seats_are_swapped_without_losing_the_old_ones(shop: Shop) -> None:
    event = await shop.new_event(8)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    held = await fan.held(event, "A-1", "A-2")
    await other.held(event, "A-5")
    path = f"/api/bookings/{held}/swap"

    taken = await fan.call("POST", path, json={"seat_ids": ["A-4", "A-5"]})
    assert (taken.status, taken.code, taken.json["seat_ids"]) == (409, "seats-taken", ["A-5"])
    assert await shop.seat_digits(event) == "11001000"
    swapped = await fan.call("POST", path, json={"seat_ids": ["A-3", "A-4"]})
    assert swapped.status == 200
    assert swapped.json["reservation_id"] == held
    assert [seat["seat_id"] for seat in swapped.json["seats"]] == ["A-3", "A-4"]
    best = await fan.call("POST", path, json={"best_available": {"quantity": 1}})
    assert len(best.json["seats"]) == 1
    for body in ({}, {"seat_ids": ["A-1"], "best_available": {"quantity": 1}}):
        refused = await fan.call("POST", path, json=body)
        assert (refused.status, refused.code) == (400, "request-invalid")


async def test_nobody_swaps_for_somebody_else(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    held = await fan.held(event, "A-1")
    body = {"seat_ids": ["A-2"]}

    lost = await other.call("POST", f"/api/bookings/{held}/swap", json=body)
    assert (lost.status, lost.code) == (410, "hold-lost")
    named = {**body, "user_id": other.fan_id}
    refused = await fan.call("POST", f"/api/bookings/{held}/swap", json=named)
    assert (refused.status, refused.code) == (403, "not-yours")
    outside = await Fan(shop).call("POST", f"/api/bookings/{held}/swap", json=body)
    assert (outside.status, outside.code) == (403, "not-admitted")
    nothing = await fan.call("POST", "/api/bookings/nonsense/swap", json=body)
    assert (nothing.status, nothing.code) == (404, "reservation-not-found")
    assert await shop.seat_digits(event) == "1000"


async def test_a_swap_asked_again_with_its_key_is_done_once(shop: Shop) -> None:
    event = await shop.new_event(6)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    path, headers = f"/api/bookings/{held}/swap", {"Idempotency-Key": "click"}

    first = await fan.call("POST", path, json={"seat_ids": ["A-2"]}, headers=headers)
    again = await fan.call("POST", path, json={"seat_ids": ["A-2"]}, headers=headers)

    assert first.json["seats"] == again.json["seats"]
    assert again.status == 200


async def test_what_is_sold_is_not_swapped(shop: Shop) -> None:
    event = await shop.new_event(6)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await fan.complete(held)).status == 201

    reply = await fan.call("POST", f"/api/bookings/{held}/swap", json={"seat_ids": ["A-2"]})
    assert (reply.status, reply.code) in ((409, "request-in-progress"), (410, "hold-lost"))
    await shop.settle()
    assert await shop.seat_digits(event) == "200000"


async def test_an_accessible_place_goes_to_who_says_they_need_one(shop: Shop) -> None:
    event = await shop.new_event(4, accessible=1)
    fan = Fan.inside(shop)

    refusal = await fan.reserve(event, "A-3", "A-4")
    assert (refusal.status, refusal.code, refusal.json["seat_ids"]) == (409, "seats-kept", ["A-4"])
    assert await shop.seat_digits(event) == "0004"
    await fan.held(event, "A-3", "A-4", accessible=True)
    assert await shop.seat_digits(event) == "0011"


async def test_who_needs_an_accessible_place_and_is_too_late_is_offered_another(
    shop: Shop,
) -> None:
    event = await shop.new_event(6, accessible=2)
    await Fan.inside(shop).held(event, "A-6", accessible=True)
    fan = Fan.inside(shop)

    refusal = await fan.reserve(event, "A-6", "A-5", accessible=True, offer=False)
    assert (refusal.json["seat_ids"], refusal.json["offer"]) == (["A-6"], None)
    refusal = await fan.reserve(event, "A-4", "A-6", accessible=True)
    offer = refusal.json["offer"]
    assert [seat["seat_id"] for seat in offer["seats"]] == ["A-4", "A-5"]
    assert await shop.seat_digits(event) == "000111"
    bought = await fan.complete(offer["reservation_id"])
    assert [ticket["seat_id"] for ticket in bought.json["tickets"]] == ["A-4", "A-5"]


async def test_the_orphan_rule_is_switched_for_each_event_and_names_the_way_out(
    shop: Shop,
) -> None:
    strict, loose = await shop.new_event(6, has_orphan_rule=True), await shop.new_event(6)
    fan = Fan.inside(shop)

    refusal = await fan.reserve(strict, "A-2", "A-3")
    assert (refusal.status, refusal.code) == (409, "leaves-orphan")
    assert refusal.json["instead"] == ["A-1", "A-2"]
    assert await shop.seat_digits(strict) == "000000"
    held = await fan.held(strict, *refusal.json["instead"])
    path = f"/api/bookings/{held}/swap"
    refusal = await fan.call("POST", path, json={"seat_ids": ["A-4", "A-5"]})
    assert (refusal.code, refusal.json["instead"]) == ("leaves-orphan", ["A-3", "A-4"])
    await fan.held(loose, "A-2", "A-3")


async def test_only_who_takes_an_accessible_place_may_leave_somebody_alone(shop: Shop) -> None:
    event = await shop.new_event(9, accessible=1, has_orphan_rule=True)
    fan = Fan.inside(shop)
    refusal = await fan.reserve(event, "A-2", "A-3", accessible=True)
    assert (refusal.status, refusal.code) == (409, "leaves-orphan")
    held = await fan.held(event, "A-1", "A-2")
    path = f"/api/bookings/{held}/swap"
    refusal = await fan.call("POST", path, json={"seat_ids": ["A-2", "A-3"], "accessible": True})
    assert (refusal.status, refusal.code) == (409, "leaves-orphan")
    await fan.held(event, "A-9", "A-7", accessible=True)  # and A-8 is alone


async def test_a_channels_key_opens_its_seats_and_no_others(shop: Shop) -> None:
    event = await shop.new_event(4)
    await keep_seats(shop.pool, event, ["A-1", "A-2"], "press", "critics")
    key = await make_channel(shop.pool, SystemTokenSource(), event, "press")
    fan = Fan.inside(shop)

    taken = await fan.reserve(event, "A-1", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken")
    wrong = await fan.reserve(event, "A-1", channel_key="guessed")
    assert (wrong.status, wrong.code, wrong.json["field"]) == (
        400, "request-invalid", "channel_key",
    )  # fmt: skip
    held = await fan.held(event, "A-1", channel_key=key)
    swapped = await fan.call(
        "POST", f"/api/bookings/{held}/swap",
        json={"best_available": {"quantity": 2}, "channel_key": key},
    )  # fmt: skip
    assert [seat["seat_id"] for seat in swapped.json["seats"]] == ["A-1", "A-2"]
    assert (await fan.complete(held)).status == 201
    assert (await shop.seat_digits(event))[2:] == "00"


async def test_the_worker_shows_what_is_kept_and_opens_places(shop: Shop) -> None:
    event = await shop.new_event(3, accessible=1)
    await shop.seat_digits(event)
    await keep_seats(shop.pool, event, ["A-1"], "kill", "behind a pillar")
    await shop.worker._read_events()
    await shop.worker._allot()
    assert await shop.seat_digits(event) == "304"
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-2"))).status == 201
    await shop.settle()
    await give_back_seats(shop.pool, event, ["A-1"])
    await shop.worker._allot()
    assert (await fan.complete(await fan.held(event, "A-1"))).status == 201
    await shop.settle()
    await shop.worker._allot()
    assert await shop.seat_digits(event) == "220", "all others are sold"
    assert (await fan.complete(await fan.held(event, "A-3"))).status == 201
