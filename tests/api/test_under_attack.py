"""A small piece of `make bench-attacks`: fans are answered while others are slow, and in a flood."""

import asyncio
from contextlib import AbstractAsyncContextManager
from itertools import cycle
from urllib.parse import urlsplit

import pytest

from bench.attackers import Flood, SlowClients
from bench.attacks import GOOD_SECONDS
from bench.http_client import Tally, connections, open_loop, request
from tests.support.shop import Shop

SLOW = 200
FANS_PER_SECOND = 50
FLOOD_PER_SECOND = 10 * FANS_PER_SECOND
SECONDS = 2.0
# What is slow for so long is slow because of us.
TURNS = 3


async def fans(shop: Shop, port: int) -> Tally:
    asked = cycle(
        [
            request("GET", "/api/sales/bench/status", port),
            request("GET", "/api/events/search", port),
        ]
    )
    async with connections(port, 16) as opened:
        return await open_loop(opened, asked, FANS_PER_SECOND, SECONDS)


@pytest.mark.parametrize("kind", ["slow", "flood"])
async def test_fans_are_answered_all_the_same(shop: Shop, kind: str) -> None:
    if not await shop.value("SELECT 1 FROM sales WHERE sale_id = 'bench'"):
        await shop.new_sale("bench")
    port = urlsplit(shop.url).port
    assert port
    slow, flood = SlowClients(port, SLOW), Flood(port, FLOOD_PER_SECOND)
    attack: AbstractAsyncContextManager[None] = (slow if kind == "slow" else flood).attacking()
    async with asyncio.timeout(90), attack:
        for turn in range(TURNS):
            tally = await fans(shop, port)
            assert turn > 0 or slow.dropped == 0, "nobody was slow for too long yet"
            assert tally.statuses == {200: FANS_PER_SECOND * SECONDS}
            # Everything runs in this one process, on a machine of others: they come and go, an attack goes
            # on. How much slower it makes us is the bench's to say.
            if tally.percentile_ms(99) < GOOD_SECONDS * 1000:
                break
            assert turn < TURNS - 1, tally.percentile_ms(99)
    if kind == "flood":
        assert {status[0] for status in flood.statuses} == {"4"}, flood.statuses
        assert flood.statuses.total() > FLOOD_PER_SECOND * SECONDS / 10
