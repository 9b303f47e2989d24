"""A flood of questions that anybody may ask leaves the database to those who buy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from gateway.app_keys import ACCESS_CODES
from gateway.waiting_room import lanes
from gateway.waiting_room.allowances import CODE_GUESSES
from gateway.waiting_room.sale_lanes import SaleLane
from tests.api.test_step_up import suspect
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop

# More than a process has connections to its database.
QUESTIONS = 24
# Who is kept waiting for a connection is refused after half of it.
PATIENCE_S = 10
WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()"""


@asynccontextmanager
async def crowd_does(
    shop: Shop, table: str, asks: Sequence[Callable[[], Awaitable[Reply]]]
) -> AsyncIterator[None]:
    """Have a crowd ask while reading the table takes long, as in a large catalogue."""
    async with shop.pool.connection() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        calls = [asyncio.ensure_future(ask()) for ask in asks]
        async with asyncio.timeout(PATIENCE_S):
            while (await (await connection.execute(WAITING)).fetchone() or (0,))[0] == 0:
                await asyncio.sleep(0.02)
                # Within a transaction the first look at who waits would be the only one.
                await connection.execute("SELECT pg_stat_clear_snapshot()")
        yield
    for answer in await asyncio.gather(*calls):
        assert answer.status in (200, 201, 403, 404, 425, 503), answer


def crowd_asks(shop: Shop, table: str, paths: Sequence[str]) -> AbstractAsyncContextManager[None]:
    """Have a crowd ask, each for something else, while reading the table takes long."""
    crowd = Fan(shop)
    return crowd_does(shop, table, [partial(crowd.call, "GET", path) for path in paths])


async def test_searches_do_not_keep_buyers_waiting(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    searches = [f"/api/events/search?q=word{number}" for number in range(QUESTIONS)]
    async with crowd_asks(shop, "availability", searches), asyncio.timeout(PATIENCE_S):
        paid = await fan.complete(held)
    assert paid.status == 201, paid


async def test_events_that_nobody_made_do_not_keep_buyers_waiting(shop: Shop) -> None:
    fan = Fan.inside(shop)
    names = [f"/api/events/nothing-{number}" for number in range(QUESTIONS)]
    async with crowd_asks(shop, "price_tiers", names), asyncio.timeout(PATIENCE_S):
        read = await fan.booking("00000000-0000-4000-8000-000000000000")
    assert read.status == 404, read


async def test_who_asks_to_be_let_in_does_not_keep_buyers_waiting(shop: Shop) -> None:
    event = await shop.new_event(4)
    buyer = Fan.inside(shop)
    held = await buyer.held(event, "A-1")
    sale = await shop.new_sale()
    suspects = [await suspect(shop, sale) for _ in range(QUESTIONS)]
    calls = [suspects[0].admit] * (QUESTIONS // 2) + [each.admit for each in suspects]
    async with crowd_does(shop, "fan_signals", calls), asyncio.timeout(PATIENCE_S):
        paid = await buyer.complete(held)
    assert paid.status == 201, paid
    assert (await suspects[0].let_in()).code == "step-up-needed", "and asked for as before"


async def test_a_fan_club_with_one_word_does_not_keep_buyers_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As many addresses have it.
    monkeypatch.setattr(lanes, "CODE_GUESSES", replace(CODE_GUESSES, burst=QUESTIONS))
    event = await shop.new_event(4)
    buyer = Fan.inside(shop)
    held = await buyer.held(event, "A-1")
    sale = await shop.new_sale(lanes=(SaleLane("club", "Club"),), state="paused")
    await shop.gateway[ACCESS_CODES].add(sale, "club", "FANCLUB", 1_000, "lot")
    members = [Fan(shop, DeviceKey()) for _ in range(QUESTIONS)]
    works = [await member.solved(sale) for member in members]
    calls = [
        partial(member.join, sale, altcha=work, access_code="fanclub")
        for member, work in zip(members, works, strict=True)
    ]
    async with crowd_does(shop, "access_codes", calls), asyncio.timeout(PATIENCE_S):
        paid = await buyer.complete(held)
    assert paid.status == 201, paid
    again = await members[0].join(sale, access_code="fanclub")
    assert again.json["lane"] == "club"
