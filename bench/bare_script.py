"""F3: what the store itself can do: the floor's script without any server of ours in front."""

import asyncio
import shutil
import time
from contextlib import suppress
from urllib.parse import urlsplit

from bench.floor_server import HOLD_MS, SCRIPT
from groundwork.redis_store import connect

CALLS = 40_000
CONNECTIONS = 64
# A second's work, five on a machine whose cores others keep busy; one that says nothing for longer holds up
# the whole bench.
SECONDS_MAX = 30.0
# What a busy process of ours sends in one pipeline.
PIPELINE = 16
# Keys are drawn from so many: hardly one is met twice.
KEYS = 100_000_000


async def measure_bare_script(redis_url: str) -> str:
    """Return a line that says how many scripts a second, and measured with what."""
    program = shutil.which("redis-benchmark")
    if program:
        with suppress(TimeoutError):
            speed = await by_redis_benchmark(program, redis_url)
            return (
                f"F3, one bare script: {speed:,.0f}/s by redis-benchmark, {PIPELINE} in a pipeline"
            )
    speed = await by_pipelines(redis_url)
    return f"F3, one bare script: {speed:,.0f}/s by a loop over pipelines of {PIPELINE}"


async def by_redis_benchmark(program: str, redis_url: str) -> float:
    """Return scripts per second as Redis's own tool counts them. Raises TimeoutError without an end."""
    client = connect(redis_url)
    try:
        sha = str(await client.script_load(SCRIPT))
    finally:
        await client.aclose()
    process = await asyncio.create_subprocess_exec(
        *(program, "-s", urlsplit(redis_url).path, "-c", str(CONNECTIONS), "-n", str(CALLS)),
        *("-P", str(PIPELINE), "-r", str(KEYS), "--csv"),
        *("EVALSHA", sha, "3", "{bare}:__rand_int__", "{bare}:ends", "{bare}:count"),
        *("fan", str(HOLD_MS)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # "test","rps",... and a line of the same columns.
    return float(output.decode().splitlines()[-1].split('","')[1].strip('"'))


async def by_pipelines(redis_url: str) -> float:
    """Return scripts per second over as few connections as ours has."""
    client = connect(redis_url)
    began = time.perf_counter()
    try:
        sha = str(await client.script_load(SCRIPT))
        for start in range(0, CALLS, PIPELINE):
            pipeline = client.pipeline(transaction=False)
            for number in range(start, start + PIPELINE):
                keys = (f"{{bare}}:{number}", "{bare}:ends", "{bare}:count")
                pipeline.execute_command("EVALSHA", sha, 3, *keys, "fan", HOLD_MS)
            await pipeline.execute()
    finally:
        await client.aclose()
    return CALLS / (time.perf_counter() - began)
