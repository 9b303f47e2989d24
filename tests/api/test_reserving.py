"""Reserve, extend, release: named seats, the best ones, stock; all or nothing; repeats."""

import re
from datetime import UTC, datetime

import pytest

from booking_core.catalog.event import StockTier
from groundwork.clock import SystemClock
from tests.support.fan import Fan
from tests.support.shop import Shop

PRINT = StockTier("print", "Print", 1_000, 6)

# What the event gives, and what reading another machine's clock may be off by: the way to it.
HOLD_TOLD_MS_MAX = 480_000 + 50


async def test_a_hold_by_name_says_everything(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, "A-2", "A-3", user_id=fan.fan_id)
    assert reply.status == 201
    body = reply.json
    assert body["reservation_id"].startswith(f"{event}.")
    assert body["seats"][0] == {
        "seat_id": "A-2", "price": 4_500, "section": "Hall", "row": "A", "number": "2",
        "tier": "floor",
    }  # fmt: skip
    assert (body["event_id"], body["total"], body["currency"]) == (event, 9_000, "EUR")
    assert body["extendable"] is True
    left_s = (datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)).total_seconds()
    assert 470 < left_s <= HOLD_TOLD_MS_MAX / 1000
    assert 470_000 < body["expires_in_ms"] <= HOLD_TOLD_MS_MAX
    assert reply.headers["Cache-Control"] == "no-store"
    assert await shop.seat_digits(event) == "0110"


@pytest.mark.parametrize("wrong_by_ms", [-25_000, 25_000])
async def test_a_gateway_whose_clock_is_wrong_tells_how_long_a_hold_really_lasts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, wrong_by_ms: int
) -> None:
    """Found by `onsale prove`: fans were told of half a minute that they did not have."""
    right = SystemClock.now_ms
    monkeypatch.setattr(SystemClock, "now_ms", lambda self: right(self) + wrong_by_ms)
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, "A-1")
    assert reply.status == 201, reply
    assert 470_000 < reply.json["expires_in_ms"] <= HOLD_TOLD_MS_MAX
    page = await fan.call("GET", f"/checkout/{reply.json['reservation_id']}")
    assert page.status == 200
    told = re.search(rb'data-expires-in-ms="(\d+)"', page.body)
    assert told
    assert 470_000 < int(told[1]) <= HOLD_TOLD_MS_MAX


async def test_all_or_nothing(shop: Shop) -> None:
    event = await shop.new_event(4)
    await Fan.inside(shop).held(event, "A-2")
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, "A-1", "A-2", "A-3")
    assert (reply.status, reply.code, reply.json["seat_ids"]) == (409, "seats-taken", ["A-2"])
    assert await shop.seat_digits(event) == "0100"


async def test_the_best_seats_and_the_accessible_ones(shop: Shop) -> None:
    event = await shop.new_event(9, accessible=1)
    fan = Fan.inside(shop)
    best = await fan.reserve(event, best_available={"quantity": 3, "category": "floor"})
    numbers = [int(seat["number"]) for seat in best.json["seats"]]
    assert len(numbers) == 3
    assert numbers == list(range(numbers[0], numbers[0] + 3)), "neighbours"
    accessible = await Fan.inside(shop).reserve(
        event, best_available={"quantity": 1, "accessible": True}
    )
    assert [seat["seat_id"] for seat in accessible.json["seats"]] == ["A-9"]
    none_left = await Fan.inside(shop).reserve(
        event, best_available={"quantity": 1, "accessible": True}
    )
    assert (none_left.status, none_left.code) == (410, "sold-out")


async def test_stock(shop: Shop) -> None:
    event = await shop.new_event(stock=[PRINT], seats_max=5)
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, stock={"tier": "print", "quantity": 4})
    assert reply.status == 201
    assert reply.json["stock"] == [{"tier": "print", "quantity": 4, "price": 1_000}]
    assert (reply.json["seats"], reply.json["total"]) == ([], 4_000)
    sold_out = await Fan.inside(shop).reserve(event, stock={"tier": "print", "quantity": 3})
    assert (sold_out.status, sold_out.code) == (410, "sold-out")
    over = await fan.reserve(event, stock={"tier": "print", "quantity": 2})
    assert (over.status, over.code, over.json["seats_max"]) == (403, "over-seat-limit", 5)
    assert await shop.stock_left(event, "print") == 2


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_repeat_with_a_key_is_the_same_hold(shop: Shop, by_header: bool) -> None:
    event = await shop.new_event(stock=[PRINT])
    fan = Fan.inside(shop)
    extra = {"headers": {"Idempotency-Key": "k"}} if by_header else {"idempotency_key": "k"}
    wanted = {"stock": {"tier": "print", "quantity": 2}}
    first = await fan.reserve(event, **wanted, **extra)
    again = await fan.reserve(event, **wanted, **extra)
    assert first.json["reservation_id"] == again.json["reservation_id"]
    assert first.json["expires_at"] == again.json["expires_at"]
    assert await shop.stock_left(event, "print") == 4
    other = await Fan.inside(shop).reserve(event, **wanted, **extra)
    assert other.json["reservation_id"] != first.json["reservation_id"]
    await fan.call("DELETE", f"/api/bookings/{first.json['reservation_id']}")
    gone = await fan.reserve(event, **wanted, **extra)
    assert (gone.status, gone.code) == (410, "hold-lost"), "a repeat does not hold anew"


async def test_one_key_for_all_calls_is_an_operation_of_each(shop: Shop) -> None:
    event = await shop.new_event(6)
    fan, key = Fan.inside(shop), {"Idempotency-Key": "k"}
    held = await fan.held(event, "A-1", headers=key)
    path = f"/api/bookings/{held}"
    extended = await fan.call("POST", f"{path}/extend", headers=key)
    assert extended.status == 200
    again = await fan.reserve(event, "A-1", headers=key)
    assert (again.status, again.json["reservation_id"]) == (201, held)
    swapped = await fan.call("POST", f"{path}/swap", json={"seat_ids": ["A-3"]}, headers=key)
    assert [seat["seat_id"] for seat in swapped.json["seats"]] == ["A-3"]
    again = await fan.call("POST", f"{path}/extend", headers=key)
    assert (again.status, again.json["expires_at"]) == (200, extended.json["expires_at"])
    path = f"/api/bookings/{await fan.held(event, 'A-5')}"
    swapped = await fan.call("POST", f"{path}/swap", json={"seat_ids": ["A-6"]}, headers=key)
    assert [seat["seat_id"] for seat in swapped.json["seats"]] == ["A-6"], "another hold"


async def test_a_key_is_for_one_wish(shop: Shop) -> None:
    event = await shop.new_event(6)
    fan, key = Fan.inside(shop), {"Idempotency-Key": "k"}
    held = await fan.held(event, "A-1", headers=key)
    reused = await fan.reserve(event, "A-5", headers=key)
    assert (reused.status, reused.code) == (422, "idempotency-key-reused")
    reused = await fan.reserve(event, best_available={"quantity": 1}, headers=key)
    assert (reused.status, reused.code) == (422, "idempotency-key-reused")
    path = f"/api/bookings/{held}/swap"
    for wanted, status in (("A-2", 200), ("A-3", 422), ("A-2", 200)):
        swapped = await fan.call("POST", path, json={"seat_ids": [wanted]}, headers=key)
        assert swapped.status == status
    assert await shop.seat_digits(event) == "010000"


async def test_acting_for_somebody_else_is_refused(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    for user_id in (other.fan_id, "", "\u2603", fan.fan_id + " "):
        reply = await fan.reserve(event, "A-1", user_id=user_id)
        assert (reply.status, reply.code) == (403, "not-yours"), user_id
    assert await shop.seat_digits(event) == "000"


async def test_a_key_in_quotes_is_the_same_key(shop: Shop) -> None:
    event, fan = await shop.new_event(6), Fan.inside(shop)
    bare, quoted = {"Idempotency-Key": r'a "key"'}, {"Idempotency-Key": r'"a \"key\""'}
    held = await fan.held(event, "A-1", headers=bare)
    assert await fan.held(event, "A-1", headers=quoted) == held
    odd = {"Idempotency-Key": '"never closed'}
    assert await fan.held(event, "A-5", headers=odd) != held


async def test_the_best_of_an_event_without_seats_is_refused_by_its_name(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("standing", "Standing", 2_000, 10)])
    reply = await Fan.inside(shop).reserve(event, best_available={"quantity": 1})
    assert (reply.status, reply.json["field"]) == (400, "best_available")


async def test_one_extension(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    extended = await fan.call("POST", f"/api/bookings/{held}/extend")
    assert extended.status == 200
    assert extended.json["extendable"] is False
    assert 710_000 < extended.json["expires_in_ms"] <= 720_000
    again = await fan.call("POST", f"/api/bookings/{held}/extend")
    assert (again.status, again.code) == (409, "extension-refused")
    other = await Fan.inside(shop).call("POST", f"/api/bookings/{held}/extend")
    assert (other.status, other.code) == (410, "hold-lost")


async def test_release_frees_at_once_and_only_ones_own(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await other.call("DELETE", f"/api/bookings/{held}")).status == 204
    assert await shop.seat_digits(event) == "100"
    for _ in range(2):
        reply = await fan.call("DELETE", f"/api/bookings/{held}")
        assert (reply.status, reply.body) == (204, b"")
    assert await shop.seat_digits(event) == "000"
    assert (await other.reserve(event, "A-1")).status == 201


async def test_a_reservation_of_no_name_is_not_found(shop: Shop) -> None:
    fan = Fan.inside(shop)
    for name in ("nonsense", "x.y", f"no-event.{'x' * 21}", f"UPPER.{'x' * 22}"):
        reply = await fan.call("DELETE", f"/api/bookings/{name}")
        assert (reply.status, reply.code) == (404, "reservation-not-found"), name
        reply = await fan.call("POST", f"/api/bookings/{name}/extend")
        assert (reply.status, reply.code) == (404, "reservation-not-found"), name


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "body"),
        ({"seat_ids": ["A-1"], "stock": {"tier": "print", "quantity": 1}}, "body"),
        ({"seat_ids": ["Z-99"]}, "seat_ids"),
        ({"best_available": {"quantity": 1, "category": "nobody"}}, "best_available.category"),
        ({"stock": {"tier": "floor", "quantity": 1}}, "stock.tier"),
    ],
)
async def test_what_an_event_does_not_have_is_named(
    shop: Shop, wanted: dict[str, object], field: str
) -> None:
    event = await shop.new_event(3, [PRINT])
    reply = await Fan.inside(shop).reserve(event, **wanted)
    assert (reply.status, reply.code, reply.json["field"]) == (400, "request-invalid", field)


async def test_an_unknown_event_is_not_found(shop: Shop) -> None:
    fan = Fan.inside(shop)
    for event in ("nobody", "", "UPPER", "a/b", "\u2603", "x" * 63):
        reply = await fan.reserve(event, "A-1")
        assert (reply.status, reply.code) == (404, "event-not-found"), event
