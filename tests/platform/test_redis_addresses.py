"""Addresses of Redis: what is understood of those with Sentinels, and what is refused at the start."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from groundwork.redis_address import SentinelAddress, client_of, read_sentinel_address
from groundwork.redis_store import connect
from onsale.settings import Settings

HERE = (("a", 26379), ("b", 1))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+sentinel://a,b:1/tour", SentinelAddress(HERE, "tour", 0, None, None)),
        (
            "redis+sentinel://u:p%40w@a:26379,b:1/tour/3",
            SentinelAddress(HERE, "tour", 3, "u", "p@w"),
        ),
        ("redis+sentinel://:pw@[::1]:7/t", SentinelAddress((("::1", 7),), "t", 0, None, "pw")),
    ],
)
def test_an_address_is_read(url: str, expected: SentinelAddress) -> None:
    assert read_sentinel_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://a", "redis+sentinel://", "redis+sentinel://a", "redis+sentinel:///tour",
        "redis+sentinel://a:b/tour", "redis+sentinel://a/tour/first",
    ],
)  # fmt: skip
def test_a_wrong_address_stops_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="REDIS_URL"):
        Settings(redis_url=url, database_url="postgresql://x/y", keys_file="k")


async def test_a_client_without_a_sentinel_that_answers_is_closed_whole() -> None:
    client = connect("redis+sentinel://127.0.0.1:9,127.0.0.1:10/tour")
    with pytest.raises(RedisConnectionError, match="No master found"):
        await client.ping()
    await client.aclose()


def test_one_sentinel_is_enough_where_there_is_one() -> None:
    for hosts, others in (("a", 0), ("a,b", 1), ("a,b,c", 1)):
        pool = client_of(f"redis+sentinel://{hosts}/tour", {}).connection_pool
        assert pool.sentinel_manager.min_other_sentinels == others  # type: ignore[attr-defined]
