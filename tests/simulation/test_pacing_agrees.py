"""The script and the pure model take the same steps, whatever happens."""

import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.waiting_room.line_now import StockLeft
from groundwork.redis_store import RedisStore, open_store
from tests.simulation.line_in_redis import ANSWER_MS, LineInRedis
from tests.simulation.paced_line import PacedLine
from tests.simulation.script_caller import ScriptCaller


@pytest.fixture
async def store(clean_redis: str) -> AsyncIterator[RedisStore]:
    async with open_store(clean_redis) as store:
        yield store


async def begin(store: RedisStore, seed: int) -> PacedLine:
    await store.call("FLUSHDB")
    caller = ScriptCaller(store)
    await caller.load()
    rng = random.Random(seed)
    line = LineInRedis(caller, "paced")
    line.rate_per_minute = rng.choice([1, 37, 600, 6_000])
    line.burst = rng.choice([1, max(1, line.rate_per_minute // 60), 50])
    line.capacity = rng.choice([5, 200, 100_000])
    await line.open(ceiling=10**9)
    return PacedLine(line, rng)


async def live(paced: PacedLine, steps: int) -> Counter[str]:
    """So many steps of a line: each lets some time pass, and somebody does something."""
    rng, line, happened = paced.rng, paced.line, Counter[str]()
    for _ in range(steps):
        passed_ms = rng.choice([0, 1, 83, 250, 250, 250, 1_000, 9_000, ANSWER_MS, -3_000])
        line.now += passed_ms
        for _ in range(rng.choice([0, 1, 3, 20])):
            called = paced.fans[: paced.serving]
            if called:
                fan = rng.choice(called[-200:])
                happened[await paced.come(fan)] += 1
                if rng.random() < 0.2:
                    await paced.leave(fan)
            if called and rng.random() < 0.1:  # one who comes and goes, and comes and goes
                happened[await paced.come(called[-1])] += 1
                await paced.leave(called[-1])
        if rng.random() < 0.4:
            await paced.join(rng.choice([1, 7, 300]))
        rate = rng.choice([line.rate_per_minute] * 9 + [0])
        stock = (
            StockLeft(rng.choice([0, 30, 10**6]), rng.choice([1.0, 2.37]))
            if rng.random() < 0.2
            else None
        )
        good, bad = rng.choice([(0, 0), (3, 0), (60, 0), (60, 1), (60, 9), (2, 1)])
        # A long while may be an outage.
        away_ms = rng.choice([0, max(0, passed_ms)])
        stands = await paced.tick(rate, stock, good, bad, away_ms)
        happened[str(stands["limit"])] += 1
        happened["outage"] += stands["frozen_ms"] > 0
    return happened


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**6))
# Here a clock goes back: a fan who was late, and left, answers the call in time.
@example(seed=7104)
async def test_they_agree_at_every_step(store: RedisStore, seed: int) -> None:
    await live(await begin(store, seed), 60)


async def test_every_limit_and_answer_is_among_what_is_compared(store: RedisStore) -> None:
    happened: Counter[str] = Counter()
    for seed in range(30):
        happened += await live(await begin(store, seed), 60)

    for what in ("rate", "health", "capacity", "stock", "demand", "paused", "admitted", "soon",
                 "full", "admitted_before", "used_up", "outage"):  # fmt: skip
        assert happened[what] >= 5, f"too seldom: {what} ({happened})"
