"""The primary dies under Sentinels, its replica is behind, two believe they are it: only holds are lost."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.private_redis import PrivateRedis
from tests.support.sentinels import Watched, watched_redis
from tests.support.shop import Shop
from tests.support.truth import assert_settled

# Sooner than one would have it where networks hiccup: the test need not wait for longer.
DOWN_AFTER_MS = 1_000
# A failover takes two seconds here; a busy machine gets as long as it wants.
PATIENCE_S = 60.0


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    with tempfile.TemporaryDirectory(prefix="onsale-sentinel-") as folder:
        async with watched_redis(Path(folder), down_after_ms=DOWN_AFTER_MS) as servers:
            yield servers


@pytest.fixture
async def shop(watched: Watched, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    """A shop that knows the Sentinels alone; its test client looks at the promoted server."""
    async with open_shop(watched.url, database_dsn, open_dir, flush=False) as shop:
        await shop.redis.aclose()
        shop.redis = Redis.from_url(watched.replica.url, decode_responses=True)
        yield shop
        await shop.redis.aclose()


async def held_again(fan: Fan, event: str, *seats: str) -> str:
    """Hold, asking again for as long as we are told to."""
    async with asyncio.timeout(PATIENCE_S):
        while (reply := await fan.reserve(event, *seats)).status == 503:
            assert int(reply.headers["Retry-After"]) >= 1
            await asyncio.sleep(0.05)
    assert reply.status == 201, reply
    return str(reply.json["reservation_id"])


async def sold(shop: Shop, event: str, seat: str) -> None:
    fan = Fan.inside(shop)
    assert (await fan.complete(await held_again(fan, event, seat))).status == 201


async def test_a_stale_replica_takes_over_and_no_sale_is_lost(shop: Shop, watched: Watched) -> None:
    event = await shop.new_event(6)
    await sold(shop, event, "A-1")
    await shop.settle()
    epoch = shop.epochs.epoch
    watched.replica.send(signal.SIGSTOP)  # from here on it hears nothing
    await sold(shop, event, "A-2")
    waiting = Fan.inside(shop)
    reservation = await held_again(waiting, event, "A-3")
    await shop.settle()
    watched.primary.send(signal.SIGKILL)
    watched.replica.send(signal.SIGCONT)
    await watched.promoted()

    await sold(shop, event, "A-4")
    for seat in ("A-1", "A-2"):
        late = await Fan.inside(shop).reserve(event, seat, offer=False)
        assert (late.status, late.code) == (409, "seats-taken"), late
    assert shop.epochs.epoch > epoch
    # This hold had reached the ledger; one of the last moment before the kill may be gone.
    assert (await waiting.complete(reservation)).status == 201
    await shop.settle()
    await assert_settled(shop, event)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[PrivateRedis, PrivateRedis]]:
    with tempfile.TemporaryDirectory(prefix="onsale-split-") as folder:
        servers = PrivateRedis(Path(folder) / "old"), PrivateRedis(Path(folder) / "new")
        async with AsyncExitStack() as stack:
            for server in servers:
                await server.start()
                stack.push_async_callback(server.stop)
            yield servers


async def test_two_primaries_at_once_sell_no_seat_twice(
    two: tuple[PrivateRedis, PrivateRedis], database_dsn: str, open_dir: Path
) -> None:
    """A cut network: some processes still hold in the old primary, the others in the new one."""
    old, new = two
    async with open_shop(old.server.url, database_dsn, open_dir) as there:
        event = await there.new_event(20)
        sides: list[tuple[Fan, str]] = []
        before = [Fan.inside(there) for _ in range(10)]
        for number, fan in enumerate(before, 1):
            sides.append((fan, await held_again(fan, event, f"A-{number}")))
        async with open_shop(new.server.url, database_dsn, open_dir) as here:
            for number in range(1, 11):
                fan = Fan.inside(here)
                sides.append((fan, await held_again(fan, event, f"A-{number}")))
            replies = await asyncio.gather(*(fan.complete(held) for fan, held in sides))
            statuses = sorted(reply.status for reply in replies)
            assert statuses == [201] * 10 + [409] * 10, statuses
            tickets = await here.rows("SELECT seat_id FROM tickets WHERE event_id = %s", event)
            assert sorted(tickets) == sorted({(f"A-{n}",) for n in range(1, 11)})
            assert here.epochs.epoch > there.epochs.epoch
            # The payments are at two providers, so that nobody can settle all of them.
            await here.rows("UPDATE outbox SET done_at = now() WHERE done_at IS NULL")
