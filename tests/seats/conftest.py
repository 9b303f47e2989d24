"""A shop on real stores: catalogue, holds, ledger, recovery, as booking_core/parts.py joins them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from shop_world import OpenShop, Shop, opened_shop

from groundwork.postgres import Pool


@pytest.fixture
async def open_shop(clean_redis: str, pool: Pool) -> AsyncIterator[OpenShop]:
    """Open one more process's view of the same stores; the first call also makes the sale."""
    async with AsyncExitStack() as stack:

        async def open_one() -> Shop:
            return await stack.enter_async_context(opened_shop(clean_redis, pool))

        yield open_one


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop()
