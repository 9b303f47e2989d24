"""Opens the door to a shop over HTTP, with everything it needs."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from gateway.origin.over_http import NOT_ADDED, HttpDoor
from gateway.origin.pool import Resolve, UpstreamPool, resolve_name
from gateway.origin.settings import OriginSettings
from groundwork.clock import Clock


def door_session(settings: OriginSettings) -> aiohttp.ClientSession:
    """Return a session fit for a door: it passes answers on as they are, cookies and all."""
    session = aiohttp.ClientSession(
        # Everything but connecting is timed by the watch over all calls.
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=settings.origin_connect_ms / 1000, sock_read=None
        ),
        # The gateway bounds its own requests.
        connector=aiohttp.TCPConnector(
            limit=0, keepalive_timeout=settings.origin_keepalive_ms / 1000
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=NOT_ADDED,
    )
    # The library would send PUT and DELETE again when a kept connection turns out to be closed.
    # There is no public switch: retries are ours alone, of safe requests alone.
    session._retry_connection = False  # noqa: SLF001
    return session


@asynccontextmanager
async def open_http_door(
    settings: OriginSettings,
    clock: Clock,
    rng: random.Random,
    public_url: str = "",
    resolve: Resolve = resolve_name,
) -> AsyncIterator[HttpDoor]:
    """Yield the door to the servers that the settings name."""
    async with door_session(settings) as session:
        pool = UpstreamPool(settings, session, clock, rng, resolve)
        door = HttpDoor(settings, pool, session, clock, public_url)
        async with pool.running(), door.running():
            yield door
