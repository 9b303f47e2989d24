"""How many calls of one moment travel together."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from unittest.mock import AsyncMock

import pytest

from groundwork import redis_store
from groundwork.errors import StoreUnavailable
from groundwork.redis_store import PIPELINE_CALLS, PIPELINE_CALLS_MAX, Command, open_store


async def test_pipelines_are_short_until_a_queue_is_long(
    clean_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(clean_redis) as store:
        sizes: list[int] = []
        ask = store._ask

        async def noted(commands: Sequence[Command]) -> list[Any]:
            sizes.append(len(commands))
            return await ask(commands)

        monkeypatch.setattr(store, "_ask", noted)
        for calls, longest in ((64, PIPELINE_CALLS), (800, 100), (9_000, PIPELINE_CALLS_MAX)):
            sizes.clear()
            asked = [store.call("ECHO", str(number)) for number in range(calls)]
            assert await asyncio.gather(*asked) == [str(number) for number in range(calls)]
            assert sum(sizes) == calls
            assert max(sizes) == longest
            assert sorted(sizes)[len(sizes) // 2] >= PIPELINE_CALLS


@pytest.mark.parametrize("ticks", range(6))
async def test_a_loop_that_stands_still_loses_no_answer(
    clean_redis: str, monkeypatch: pytest.MonkeyPatch, ticks: int
) -> None:
    """As on a machine that is taken away for a while: a bound is over before anybody could look."""
    monkeypatch.setattr(redis_store, "SOCKET_TIMEOUT_SECONDS", 0.05)
    async with open_store(clean_redis) as store:
        assert await store.call("ECHO", "before") == "before"
        asked = store.call("ECHO", "a")
        for _ in range(ticks):
            await asyncio.sleep(0)
        time.sleep(0.1)
        async with asyncio.timeout(5):
            with suppress(StoreUnavailable):
                assert await asked == "a"
            assert await store.call("ECHO", "b") == "b"


async def test_an_answer_that_cannot_be_read_leaves_nobody_waiting(clean_redis: str) -> None:
    async with open_store(clean_redis) as store:
        await store.call("SET", "word", b"\xff")
        asked = [store.call("ECHO", "a"), store.call("GET", "word")]
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(answer) for answer in answers] == [UnicodeDecodeError] * 2
            assert await store.call("ECHO", "b") == "b"


async def test_a_library_that_cancels_itself_leaves_nobody_waiting(
    clean_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Python 3.11 a bound within a bound may end so, where the loop stood still while it connected."""
    async with open_store(clean_redis) as store:
        pool = store.client.connection_pool
        with monkeypatch.context() as patch:
            patch.setattr(pool, "get_connection", AsyncMock(side_effect=asyncio.CancelledError))
            async with asyncio.timeout(5):
                with pytest.raises(StoreUnavailable):
                    await store.call("ECHO", "a")
        assert await store.call("ECHO", "b") == "b"
