"""Tell the stories of seeds: `python -m tests.simulation.tell 8113`, or `8000:9000` for a night."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from groundwork.redis_store import open_store
from onsale.embedded.binaries import find_redis
from onsale.embedded.redis_server import RedisServer
from onsale.embedded.running import running
from tests.simulation.line_story import tell_line_story
from tests.simulation.seat_story import tell_seat_story


@asynccontextmanager
async def a_server() -> AsyncIterator[str]:
    """Yield the address of a server that may be emptied."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="onsale-") as name:
        folder = Path(name)
        server = RedisServer(
            binaries=find_redis(),
            data_dir=folder / "data",
            socket=folder / "redis.sock",
            log_path=folder / "redis.log",
        )
        async with running(server) as url:
            yield url


async def tell(seeds: range) -> int:
    """Tell both stories of each seed; answer how many failed."""
    failed = 0
    async with a_server() as url, open_store(url) as store:
        for seed in seeds:
            for story in (tell_seat_story, tell_line_story):
                try:
                    happened = await story(store, seed)
                except AssertionError as error:
                    failed += 1
                    print(f"{error}\nagain: make simulate SEED={seed}\n")
                else:
                    if len(seeds) == 1:
                        print(story.__name__, dict(sorted(happened.items())))
    print(f"{len(seeds)} seeds, {failed} failures")
    return failed


def main() -> None:
    """Read the seeds from the command line."""
    first, _, end = (sys.argv[1] if len(sys.argv) > 1 else "0:200").partition(":")
    seeds = range(int(first), int(end or int(first) + 1))
    raise SystemExit(1 if asyncio.run(tell(seeds)) else 0)


if __name__ == "__main__":
    main()
