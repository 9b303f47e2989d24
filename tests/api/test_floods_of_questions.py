"""A flood of questions that anybody may ask leaves the database to those who buy."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.support.fan import Fan
from tests.support.shop import Shop

# More than a process has connections to its database.
QUESTIONS = 24
# Who is kept waiting for a connection is refused after half of it.
PATIENCE_S = 10
WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()"""


@asynccontextmanager
async def crowd_asks(shop: Shop, table: str, paths: Sequence[str]) -> AsyncIterator[None]:
    """Have a crowd ask, each something else, while reading the table takes long as in a large catalogue."""
    crowd = Fan(shop)
    async with shop.pool.connection() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        calls = [asyncio.create_task(crowd.call("GET", path)) for path in paths]
        async with asyncio.timeout(PATIENCE_S):
            while (await (await connection.execute(WAITING)).fetchone() or (0,))[0] == 0:
                await asyncio.sleep(0.02)
        yield
    for answer in await asyncio.gather(*calls):
        assert answer.status in (200, 404, 503), answer


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
