"""The servers that every other test stands on."""

from redis.asyncio import Redis

from groundwork.postgres import Pool


async def test_redis_answers(clean_redis: str) -> None:
    async with Redis.from_url(clean_redis) as client:
        assert await client.dbsize() == 0


async def test_both_redis_servers_answer(any_redis_url: str) -> None:
    async with Redis.from_url(any_redis_url) as client:
        assert await client.ping()


async def test_the_database_is_migrated(pool: Pool) -> None:
    async with pool.connection() as connection:
        found = await connection.execute("SELECT count(*) FROM schema_migrations")
        row = await found.fetchone()
    assert row is not None
    assert int(str(row[0])) >= 1
