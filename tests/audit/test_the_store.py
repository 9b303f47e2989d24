"""An audit of Redis: seats shown otherwise than they were sold are found, and shown rightly again."""

import random

import pytest
from audited import audit, found, sold

from booking_core.audit import store_check
from booking_core.audit.store_check import digests_of
from booking_core.catalog.event import StockTier
from lua.keys import event_keys
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled, held_by


async def show(shop: Shop, event: str, digits: str) -> None:
    await shop.redis.set(event_keys(event)["status"], digits)


async def test_a_sold_seat_that_redis_offers_is_found_and_put_right(shop: Shop) -> None:
    event = await shop.new_event(4)
    await sold(shop, event, "A-1", "A-2")
    await show(shop, event, "0000")
    both = [("sold_shown_free", "A-1"), ("sold_shown_free", "A-2")]
    assert await found(shop, event) == both
    assert await shop.seat_digits(event) == "0000"  # looking changes nothing
    audited = await audit(shop, event, repairs=True)
    assert [finding.is_repaired for finding in audited.findings] == [True, True]
    assert audited.is_balanced
    assert await shop.seat_digits(event) == "2200"
    assert await found(shop, event) == []
    await shop.settle()
    await assert_settled(shop, event)


async def test_who_holds_a_sold_seat_loses_it_before_they_pay(shop: Shop) -> None:
    event = await shop.new_event(3)
    await sold(shop, event, "A-1")
    await show(shop, event, "000")
    fan = Fan.inside(shop)
    await fan.held(event, "A-1", "A-2")
    await audit(shop, event, repairs=True)
    assert await shop.seat_digits(event) == "200"
    assert await held_by(shop, event, fan.fan_id) == []


async def test_a_free_seat_that_redis_shows_as_sold_comes_back(shop: Shop) -> None:
    event = await shop.new_event(4, accessible=1)
    assert await shop.seat_digits(event) == "0004"
    await show(shop, event, "0202")
    beyond = [("free_shown_sold", "A-2"), ("free_shown_sold", "A-4")]
    assert await found(shop, event, repairs=True) == beyond
    assert await shop.seat_digits(event) == "0004"
    await Fan.inside(shop).held(event, "A-2")


async def test_a_sale_that_redis_was_not_told_of_yet_is_no_finding(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"))).status == 201
    assert await shop.seat_digits(event) == "10"
    assert await found(shop, event, repairs=True) == []
    await shop.settle()
    assert await shop.seat_digits(event) == "20"


async def test_what_redis_has_not_loaded_is_no_finding_and_stays_so(shop: Shop) -> None:
    event = await shop.new_event(2)
    assert await found(shop, event, repairs=True) == []
    assert await shop.redis.exists(event_keys(event)["meta"]) == 0


async def test_too_much_at_once_is_left_to_people(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_check, "REPAIRED_MAX", 1)
    event = await shop.new_event(2)
    assert await shop.seat_digits(event) == "00"
    await show(shop, event, "22")
    audited = await audit(shop, event, repairs=True)
    assert [finding.is_repaired for finding in audited.findings] == [False, False]
    assert not audited.is_balanced
    assert await shop.seat_digits(event) == "22"


async def test_holders_and_stock_that_do_not_fit_are_found(shop: Shop) -> None:
    event = await shop.new_event(3, stock=[StockTier("print", "Print", 1_000, 9)])
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    keys = event_keys(event)
    await shop.redis.hset(keys["stock"], "print", "10")
    assert await found(shop, event) == [("stock_shown_wrong", "print")]
    await shop.redis.hset(keys["stock"], "print", "9")
    await shop.redis.hset(keys["holders"], "2", held)
    assert await found(shop, event) == [("holders_wrong", "seats")]
    await shop.redis.hdel(keys["holders"], "2")
    await fan.call("DELETE", f"/api/bookings/{held}")
    await shop.redis.hset(keys["stock"], "print", "8")  # nobody holds anything: one is lost
    assert await found(shop, event) == [("stock_shown_wrong", "print")]


async def test_only_the_part_that_differs_is_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_check, "BLOCK", 4)
    event = await shop.new_event(10)
    await sold(shop, event, "A-10")
    await show(shop, event, "0000020000")
    assert (
        await found(shop, event) == [("free_shown_sold", "A-6"), ("sold_shown_free", "A-10")][::-1]
    )
    await audit(shop, event, repairs=True)
    assert await shop.seat_digits(event) == "0000000002"


def test_digests_tell_any_two_halls_apart() -> None:
    rng = random.Random(4)
    halls = {frozenset(rng.sample(range(9_000), rng.randint(0, 3))) for _ in range(300)}
    assert len({tuple(digests_of(9_000, hall)) for hall in halls}) == len(halls)
    assert len(digests_of(9_000, frozenset())) == 3
    assert digests_of(0, frozenset()) == []
