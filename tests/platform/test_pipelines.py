"""How many calls of one moment travel together."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

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
