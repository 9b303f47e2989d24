"""Faults of Redis: emptied, cut short, forgetful, busy, paused, full."""

import asyncio
import shutil
from pathlib import Path

from redis.exceptions import RedisError

from onsale.prove.faults import Harm, fault

# Longer than the second for which we wait for Redis.
BUSY_MS = 2_500
# Cut from the end of the log of Redis: some of its newest changes, and half of another.
TRUNCATED_BYTES = (1, 4_000)


@fault("redis-emptied")
async def redis_emptied(harm: Harm) -> str:
    """Redis comes back with nothing at all."""
    machine = harm.machine("redis")
    try:
        await machine.kill()
        for path in harm.house.redis_server.data_dir.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        await harm.last((0, 2_000))
    finally:
        await machine.start()
    return "all of its files"


@fault("redis-flushed")
async def redis_flushed(harm: Harm) -> str:
    """Somebody types FLUSHALL: the server is the same, and empty."""
    await harm.house.redis.flushall()
    return "FLUSHALL"


@fault("redis-log-cut-short")
async def redis_log_cut_short(harm: Harm) -> str:
    """Redis comes back without its newest changes."""
    machine = harm.machine("redis")
    try:
        await machine.kill()
        cut = await asyncio.to_thread(
            cut_short, harm.house.redis_server.data_dir, harm.rng.randint(*TRUNCATED_BYTES)
        )
    finally:
        await machine.start()
    return f"{cut} bytes"


def cut_short(data_dir: Path, count: int) -> int:
    """Cut so many bytes from the newest part of the log; return how many there were to cut."""
    newest = max(data_dir.glob("appendonlydir/*.incr.aof"), key=lambda path: path.stat().st_mtime)
    size = newest.stat().st_size
    with newest.open("r+b") as file:
        file.truncate(max(0, size - count))
    return min(size, count)


@fault("redis-scripts-forgotten")
async def redis_scripts_forgotten(harm: Harm) -> str:
    """Somebody types SCRIPT FLUSH."""
    await harm.house.redis.script_flush()
    return "SCRIPT FLUSH"


@fault("redis-busy")
async def redis_busy(harm: Harm) -> str:
    """Somebody's script runs for longer than we wait."""
    text = (
        "local t = redis.call('TIME'); local till = t[1] * 1000 + t[2] / 1000 + ARGV[1]; "
        "repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > till; return 1"
    )
    try:
        await harm.house.redis.eval(text, 0, str(BUSY_MS))
    except RedisError:
        await harm.last((BUSY_MS, BUSY_MS + 500))
    return f"{BUSY_MS} ms"


@fault("redis-paused")
async def redis_paused(harm: Harm) -> str:
    """Redis takes no writes for a while and still answers reads."""
    await harm.house.redis.client_pause(3_000, all=False)
    await harm.last((3_000, 3_500))
    return "CLIENT PAUSE 3000 WRITE"


@fault("redis-full")
async def redis_full(harm: Harm) -> str:
    """Redis has no memory left: writes are refused."""
    await harm.house.redis.config_set("maxmemory", "1mb")
    try:
        await harm.last((1_000, 4_000))
    finally:
        await harm.house.redis.config_set("maxmemory", "0")
    return "maxmemory 1mb"


@fault("redis-clients-killed")
async def redis_clients_killed(harm: Harm) -> str:
    """Redis throws all clients out, again and again."""
    count = 0
    for _ in range(5):
        count += await harm.house.redis.client_kill_filter(_type="normal", skipme=True)
        await harm.last((100, 600))
    return f"{count} clients"
