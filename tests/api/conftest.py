"""One system for all tests of a module; each makes events and fans of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.opening import open_shop
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop
