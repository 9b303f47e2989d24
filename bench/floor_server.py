"""The floors: what aiohttp, one script call, and a row lock cost without anything of ours around them."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
import psycopg
import uvloop
from aiohttp import web
from psycopg_pool import AsyncConnectionPool

from groundwork.redis_store import RedisStore, open_store
from onsale.roots import BACKLOG, KEEPALIVE_SECONDS, until_stopped

# As long as the status board of a sale with an event or two.
FIXED_BODY: Final = b'{"fixed":"' + b"x" * 600 + b'"}'
JSON: Final = {"Content-Type": "application/json"}
# Like a hold without any of the rules: take a seat if it is free, note its end, count.
SCRIPT: Final = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {'taken'}
end
redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
return {'held', redis.call('INCR', KEYS[3])}
"""
HOLD_MS: Final = 480_000
# As many connections as a process of ours has.
CONNECTIONS: Final = 8
SEATS: Final = 60_000
TABLES: Final = (
    "DROP TABLE IF EXISTS floor_holds, floor_seats",
    "CREATE TABLE floor_seats (seat_id int PRIMARY KEY, status text NOT NULL, fan_id text)",
    """CREATE TABLE floor_holds (hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        fan_id text NOT NULL, seat_ids int[] NOT NULL, expires_at timestamptz NOT NULL)""",
    f"INSERT INTO floor_seats SELECT n, 'free', NULL FROM generate_series(0, {SEATS - 1}) AS n",
)

Pool = AsyncConnectionPool[psycopg.AsyncConnection[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Stores:
    """What the floors stand on, and numbers of which each is given once."""

    redis: RedisStore
    sha: str
    postgres: Pool
    numbers: Iterator[int]


STORES: Final = web.AppKey("stores", Stores)
SESSION: Final = web.AppKey("session", aiohttp.ClientSession)


async def fixed(request: web.Request) -> web.Response:
    """F1: nothing but the framework."""
    return web.Response(body=FIXED_BODY, headers=JSON)


async def passed_on(request: web.Request) -> web.Response:
    """F5: what another server answers, read whole and handed on."""
    url = f"http://127.0.0.1:{request.query['port']}/fixed"
    async with request.app[SESSION].get(url) as answer:
        return web.Response(body=await answer.read(), headers=JSON)


async def script(request: web.Request) -> web.Response:
    """F2: one script call, in one pipeline with its neighbours."""
    stores = request.app[STORES]
    keys = (f"{{floor}}:{next(stores.numbers)}", "{floor}:ends", "{floor}:count")
    answer = await stores.redis.call("EVALSHA", stores.sha, len(keys), *keys, "fan", HOLD_MS)
    assert answer[0] == "held", answer
    return web.Response(body=FIXED_BODY, headers=JSON)


async def row_lock(request: web.Request) -> web.Response:
    """F4: two seats as most shops hold them, each request two that nobody else wants."""
    stores = request.app[STORES]
    first = next(stores.numbers) * 2 % SEATS
    seat_ids = [first, first + 1]
    async with stores.postgres.connection() as connection, connection.transaction():
        await connection.execute(
            "SELECT status FROM floor_seats WHERE seat_id = ANY (%s) FOR UPDATE", (seat_ids,)
        )
        await connection.execute(
            "UPDATE floor_seats SET status = 'held', fan_id = 'fan' WHERE seat_id = ANY (%s)",
            (seat_ids,),
        )
        await connection.execute(
            """INSERT INTO floor_holds (fan_id, seat_ids, expires_at)
            VALUES ('fan', %s, now() + interval '8 minutes')""",
            (seat_ids,),
        )
    return web.Response(body=FIXED_BODY, headers=JSON)


async def stream(request: web.Request) -> web.StreamResponse:
    """A stream that was opened and then says nothing."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"retry: 3000\n\n")
    await asyncio.get_running_loop().create_future()
    return response


def make_app(redis_url: str, database_url: str) -> web.Application:
    """Return the application with one address for each floor."""
    app = web.Application()

    @asynccontextmanager
    async def stores(app: web.Application) -> AsyncIterator[None]:
        # psycopg's own defaults but for the number of connections: it may prepare its statements.
        pool: Pool = AsyncConnectionPool(database_url, max_size=CONNECTIONS, open=False)
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            open_store(redis_url) as store,
            pool,
            aiohttp.ClientSession(connector=connector) as app[SESSION],
        ):
            sha = await store.call("SCRIPT", "LOAD", SCRIPT)
            app[STORES] = Stores(store, sha, pool, itertools.count())
            async with pool.connection() as connection:
                for statement in TABLES:
                    await connection.execute(statement)
            yield

    app.cleanup_ctx.append(stores)
    app.router.add_get("/fixed", fixed)
    app.router.add_get("/passed-on", passed_on)
    app.router.add_get("/script", script)
    app.router.add_get("/row-lock", row_lock)
    app.router.add_get("/stream", stream)
    return app


async def main(port: int, redis_url: str, database_url: str) -> None:
    """Serve as `onsale gateway` serves, until told to stop."""
    runner = web.AppRunner(
        make_app(redis_url, database_url),
        access_log=None,
        keepalive_timeout=KEEPALIVE_SECONDS,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG).start()
        await until_stopped()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
