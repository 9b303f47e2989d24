"""One system for all tests of a module, its books emptied before each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_core.practice_provider.app_keys import BOOK
from tests.support.opening import open_shop
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def whole_shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop


@pytest.fixture
async def shop(whole_shop: Shop) -> Shop:
    """The system without any event, order or payment of an earlier test."""
    await whole_shop.rows("TRUNCATE events, audit_findings CASCADE")
    book = whole_shop.provider[BOOK]
    for kept in (book._intents, book._ids, book._numbers):
        kept.clear()
    return whole_shop
