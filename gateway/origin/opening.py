"""Opens the door to a shop over HTTP, with everything it needs."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from gateway.origin.onward_headers import OnwardHeaders
from gateway.origin.over_http import NOT_ADDED, HttpDoor
from gateway.origin.pool import Resolve, UpstreamPool, resolve_name
from gateway.origin.settings import OriginSettings
from groundwork.clock import Clock

# A redirect repeats what a visitor asked for, three times as long when it quotes it, or longer when
# it does so twice; the library's own 8 KB end below the longest request that we take.
HEAD_LINE_BYTES_MAX: Final = 64 * 1024


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
        max_line_size=HEAD_LINE_BYTES_MAX,
        max_field_size=HEAD_LINE_BYTES_MAX,
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
        headers = OnwardHeaders(settings, public_url)
        pool = UpstreamPool(settings, headers, session, clock, rng, resolve)
        door = HttpDoor(settings, headers, pool, session, clock)
        async with pool.running(), door.running():
            yield door
