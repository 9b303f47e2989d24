"""Answers read all at once are those that the library reads one by one."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from groundwork.errors import StoreUnavailable
from groundwork.redis_store import open_store
from tests.support.private_redis import PrivateRedis

# More than comes from a socket at once.
LONG = "ü" * 300_000


async def test_answers_are_those_of_the_library(clean_redis: str) -> None:
    calls: list[tuple[str | int | bytes, ...]] = [
        ("SET", "long", LONG),
        ("GET", "long"),
        ("GET", "missing"),
        ("HSET", "hash", "a", 1, "b", "two"),
        ("HGETALL", "hash"),
        ("ZADD", "set", 1, "one", 2, "two"),
        ("ZRANGE", "set", 0, -1, "WITHSCORES"),
        ("LRANGE", "missing", 0, -1),
        ("EXISTS", "hash"),
        ("PING",),
        ("EVAL", "return {1, 'two', {3, {'four'}}, false}", 0),
        ("SET", "raw", b"bytes"),
        ("GET", "raw"),
    ]
    async with open_store(clean_redis) as store:
        asked = [store.call(str(name), *words) for name, *words in calls]
        at_once = await asyncio.gather(*asked)
        one_by_one = [await store.client.execute_command(*call) for call in calls]  # type: ignore[no-untyped-call]
    assert [type(answer) for answer in at_once] == [type(answer) for answer in one_by_one]
    # What was added is there the second time.
    changed = {"HSET", "ZADD"}
    pairs = zip(calls, at_once, one_by_one, strict=True)
    assert all(ours == theirs for call, ours, theirs in pairs if call[0] not in changed)
    assert at_once[1] == LONG


async def test_a_refusal_is_its_callers_alone(clean_redis: str) -> None:
    async with open_store(clean_redis) as store:
        asked = [
            store.call("SET", "word", "one"),
            store.call("INCR", "word"),
            store.call("EVALSHA", "0" * 40, 0),
            store.call("GET", "word"),
        ]
        done, refused, unknown, found = await asyncio.gather(*asked, return_exceptions=True)
    assert (done, found) == (True, "one")
    assert isinstance(refused, ResponseError)
    assert isinstance(unknown, NoScriptError)


async def test_what_the_server_says_unasked_is_no_answer(clean_redis: str) -> None:
    async with open_store(clean_redis) as store, Redis.from_url(clean_redis) as other:
        # The only connection there is, told whenever a key changes.
        await store.call("HELLO", 3)
        await store.call("CLIENT", "TRACKING", "ON", "BCAST")
        for number in range(3):
            await other.set("watched", number)
            asked = [store.call("ECHO", text) for text in ("a", "b")]
            assert await asyncio.gather(*asked) == ["a", "b"]


async def test_a_server_that_takes_no_changes_is_left(folder: Path) -> None:
    redis = PrivateRedis(folder)
    await redis.start()
    url = redis.server.url
    try:
        async with open_store(url) as store, Redis.from_url(url) as operator:
            before = await store.call("CLIENT", "ID")
            await operator.replicaof("127.0.0.1", "1")  # type: ignore[no-untyped-call]
            with pytest.raises(StoreUnavailable):
                await store.call("SET", "word", "one")
            await operator.replicaof("NO", "ONE")  # type: ignore[no-untyped-call]
            # By a new connection, which asks Sentinels anew who the primary is.
            assert await store.call("CLIENT", "ID") != before
            assert await store.call("SET", "word", "one") is True
    finally:
        await redis.stop()
