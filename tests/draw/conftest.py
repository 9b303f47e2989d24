"""Processes on real stores for the tests of the draw."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from draw_world import Process, opened_process
from own_beacon import BeaconServer, beacon_server

from groundwork.postgres import Pool


@pytest.fixture
async def process(clean_redis: str, pool: Pool) -> AsyncIterator[Process]:
    async with opened_process(clean_redis, pool) as process:
        yield process


@pytest.fixture
async def two_processes(clean_redis: str, pool: Pool) -> AsyncIterator[tuple[Process, Process]]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(opened_process(clean_redis, pool))
        yield one, await stack.enter_async_context(opened_process(clean_redis, pool))


@pytest.fixture
async def beacon() -> AsyncIterator[BeaconServer]:
    async with beacon_server() as server:
        yield server
