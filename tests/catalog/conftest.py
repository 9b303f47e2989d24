"""A sale to put events on, and drafts of events."""

import pytest

from groundwork.postgres import Pool


@pytest.fixture(scope="module")
async def sale_id(pool: Pool) -> str:
    """A sale in this module's database."""
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO sales (sale_id, name, opens_at, rate_per_minute, burst, capacity)"
            " VALUES ('tour', 'The tour', now(), 60, 10, 100)"
        )
    return "tour"
