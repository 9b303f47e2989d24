"""Same question, same answer: repeats, two clicks, and two buyers for one seat."""

import asyncio
from collections import Counter

import pytest

from booking_core.catalog.event import StockTier
from gateway.app_keys import ROOMS
from groundwork.errors import StoreUnavailable
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def test_a_repeat_is_answered_byte_for_byte(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    first = await fan.complete(held, key="k")
    await shop.settle()
    again = await fan.complete(held, key="k")
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    by_header = await fan.call(
        "POST", "/api/bookings/complete", headers={"Idempotency-Key": "k"},
        json={"reservation_id": held, "payment_method": "card_ok"},
    )  # fmt: skip
    assert by_header.body == first.body
    await assert_settled(shop, event)


async def test_a_refusal_is_repeated_alike(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    first = await fan.complete(held, "card_declined", "k")
    again = await fan.complete(held, "card_declined", "k")
    assert again.status == first.status == 402
    assert {**again.json, "instance": ""} == {**first.json, "instance": ""}
    assert len(shop.intents()) and len(await shop.rows(
        "SELECT 1 FROM orders WHERE reservation_id = %s", held)) == 1  # fmt: skip


async def test_another_body_with_the_same_key_is_refused(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await fan.complete(held, key="k")).status == 201
    for change in ({"payment_method": "card_slow"}, {"email": "other@example.org"}):
        reply = await fan.complete(held, **{"key": "k", **change})
        assert (reply.status, reply.code) == (422, "idempotency-key-reused")


async def test_a_key_of_somebody_else_is_nobodys_business(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    first = await fan.complete(await fan.held(event, "A-1"), key="k")
    second = await other.complete(await other.held(event, "A-2"), key="k")
    assert (first.status, second.status) == (201, 201)
    assert first.json["booking_id"] != second.json["booking_id"]
    await shop.settle()
    await assert_settled(shop, event)


async def test_paying_without_a_key_is_refused(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    reply = await fan.call(
        "POST", "/api/bookings/complete",
        json={"reservation_id": held, "payment_method": "card_ok"},
    )  # fmt: skip
    assert (reply.status, reply.code) == (400, "idempotency-key-missing")


async def test_a_repeat_while_the_first_runs_is_told_to_wait(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    first = asyncio.create_task(fan.complete(held, "card_slow", "k"))
    while not shop.intents_of(str(await _order_of(shop, held))):
        await asyncio.sleep(0.01)
    repeat = await fan.complete(held, "card_slow", "k")
    assert (repeat.status, repeat.code) == (409, "request-in-progress")
    assert int(repeat.headers["Retry-After"]) > 0
    another = await fan.complete(held, "card_ok", "another key")
    assert (another.status, another.code) == (409, "request-in-progress")
    assert (await first).status == 202


async def _order_of(shop: Shop, reservation_id: str) -> str | None:
    found = await shop.value(
        "SELECT order_id::text FROM orders WHERE reservation_id = %s", reservation_id
    )
    return str(found) if found else None


async def test_fifty_repeats_at_once_are_one_order_and_one_capture(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1", "A-2")
    replies = await asyncio.gather(*(fan.complete(held, key="k") for _ in range(50)))
    kinds = Counter(reply.status for reply in replies)
    assert set(kinds) <= {201, 409}, kinds
    assert kinds[201] >= 1
    assert len({reply.body for reply in replies if reply.status == 201}) == 1
    assert all(reply.code == "request-in-progress" for reply in replies if reply.status == 409)
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.value("SELECT count(*) FROM orders WHERE event_id = %s", event) == 1


async def test_two_keys_for_one_reservation_are_one_sale(shop: Shop) -> None:
    event = await shop.new_event(12)
    for number in range(1, 7):
        fan = Fan.inside(shop)
        held = await fan.held(event, f"A-{2 * number - 1}", f"A-{2 * number}")
        replies = await asyncio.gather(*(fan.complete(held, key=f"k{n}") for n in range(6)))
        kinds = Counter((each.status, each.json.get("code")) for each in replies)
        assert kinds[201, None] == 1, kinds
        assert set(kinds) <= {(201, None), (409, "request-in-progress"), (410, "hold-lost")}
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "2" * 12


async def test_two_holds_of_one_seat_end_in_one_sale(shop: Shop) -> None:
    """As after a fail-over that lost a hold: the first to claim wins, the other pays nothing."""
    event = await shop.new_event(3)
    first, second = Fan.inside(shop), Fan.inside(shop)
    held = await first.held(event, "A-1", "A-2")
    await _forget_hold(shop, event, held)
    other_held = await second.held(event, "A-2", "A-3")
    await _remember_hold(shop, event, held)
    paid, refused = await first.complete(held), await second.complete(other_held)
    assert paid.status == 201
    assert (refused.status, refused.code) == (409, "seats-taken")
    assert refused.json["seat_ids"] == ["A-2"]
    assert not [each for each in shop.intents() if each.metadata["reservation_id"] == other_held]
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "220"


async def test_simultaneous_claims_of_one_seat_end_in_one_sale(shop: Shop) -> None:
    event = await shop.new_event(3)
    fans, reservations = [Fan.inside(shop) for _ in range(6)], []
    for fan in fans:
        reservations.append(await fan.held(event, "A-2", "A-1"))
        await _forget_hold(shop, event, reservations[-1])
    for held in reservations:
        await _remember_hold(shop, event, held)
    replies = await asyncio.gather(
        *(fan.complete(held) for fan, held in zip(fans, reservations, strict=True))
    )
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 5}
    await shop.settle()
    await assert_settled(shop, event)


_lost: dict[str, str] = {}


async def _forget_hold(shop: Shop, event_id: str, reservation_id: str) -> None:
    """Lose one hold in Redis, as a crash loses its newest seconds."""
    tag = f"{{e:{event_id}}}"
    _lost[reservation_id] = str(await shop.redis.hget(f"{tag}:reservations", reservation_id))
    await shop.redis.hdel(f"{tag}:reservations", reservation_id)
    await shop.redis.delete(f"{tag}:holders", f"{tag}:fan_counts")
    await shop.redis.set(f"{tag}:status", "0" * len(await shop.seat_digits(event_id)))


async def _remember_hold(shop: Shop, event_id: str, reservation_id: str) -> None:
    """The old server still answers for the lost hold: two of them believe in their seat."""
    await shop.redis.hset(f"{{e:{event_id}}}:reservations", reservation_id, _lost[reservation_id])


async def test_more_stock_held_than_there_is_is_not_sold(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 3)])
    fans, reservations = [Fan.inside(shop) for _ in range(4)], []
    for fan in fans:
        reservations.append(await fan.held(event, stock={"tier": "print", "quantity": 2}))
        await shop.redis.hset(f"{{e:{event}}}:stock", "print", 3)
    replies = await asyncio.gather(
        *(fan.complete(held) for fan, held in zip(fans, reservations, strict=True))
    )
    kinds = Counter((reply.status, reply.json.get("code")) for reply in replies)
    assert kinds == {(201, None): 1, (410, "sold-out"): 3}
    await shop.settle()
    await assert_settled(shop, event)


async def test_the_limit_of_a_buyer_holds_without_redis(shop: Shop) -> None:
    event = await shop.new_event(6, seats_max=3)
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1", "A-2"))).status == 201
    refused = await fan.reserve(event, "A-3", "A-4")
    assert (refused.status, refused.code) == (403, "over-seat-limit")
    await shop.settle()
    await shop.redis.delete(f"{{e:{event}}}:fan_counts")
    held = await fan.held(event, "A-3", "A-4")
    refused = await fan.complete(held)
    assert (refused.status, refused.code, refused.json["seats_max"]) == (403, "over-seat-limit", 3)
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "220000", "kept from others for nothing"


async def test_a_sale_is_answered_although_redis_fails_after_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visit cannot be ended in Redis: that is no reason to hide a sale."""
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")

    async def fails(*_: object) -> None:
        raise StoreUnavailable(retry_after=1)

    with monkeypatch.context() as patch:
        patch.setattr(shop.gateway[ROOMS].line.visits, "end", fails)
        reply = await fan.complete(held)
    assert reply.status == 201, reply
