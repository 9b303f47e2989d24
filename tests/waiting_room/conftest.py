"""A sale's line on real stores, seen by one process or by several."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from room_world import OpenRoom, Room, opened_room

from groundwork.postgres import Pool


@pytest.fixture
async def open_room(clean_redis: str, pool: Pool) -> AsyncIterator[OpenRoom]:
    """Open one more process's view of the same stores, each time with a sale of its own."""
    async with AsyncExitStack() as stack:

        async def open_one() -> Room:
            return await stack.enter_async_context(opened_room(clean_redis, pool))

        yield open_one


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    return await open_room()
