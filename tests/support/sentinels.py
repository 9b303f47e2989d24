"""A primary, a replica and three Sentinels on loopback, to be killed and cut off by a test."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from groundwork.clock import SystemClock
from onsale.embedded.binaries import find_redis
from onsale.embedded.child_process import ChildCommand, ChildProcess
from onsale.embedded.redis_server import answers
from onsale.embedded.running import wait_until_ready
from tests.support.opening import free_port

PRIMARY = "tour"
SENTINELS = 3
# Far above what a failover takes; only a test that hangs gets here.
PATIENCE_MS = 60_000


@dataclass
class Node:
    """One server on a port of its own."""

    port: int
    process: ChildProcess

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@dataclass
class Watched:
    """The servers; `url` is what Onsale is told."""

    primary: Node
    replica: Node
    sentinels: list[Node]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/{PRIMARY}"

    async def promoted(self) -> None:
        """Return when the replica is the primary."""
        await until(self.replica, role="master")


async def until(node: Node, **facts: object) -> None:
    """Return when a server says so of its replication."""
    clock = SystemClock()
    give_up_at = clock.monotonic_ms() + PATIENCE_MS
    while not facts.items() <= (await _replication_of(node)).items():
        assert clock.monotonic_ms() < give_up_at, f"never {facts}"
        await clock.sleep_ms(20)


async def _replication_of(node: Node) -> dict[str, object]:
    # A server that changes its part closes its connections.
    with suppress(RedisError):
        async with Redis.from_url(node.url) as client:
            return dict(await client.info("replication"))
    return {}


@asynccontextmanager
async def watched_redis(folder: Path, *, down_after_ms: int) -> AsyncIterator[Watched]:
    """Start them all; everything is stopped on the way out."""
    async with AsyncExitStack() as stack:

        async def start(name: str, *arguments: str) -> Node:
            port = free_port()
            place = folder / name
            place.mkdir(parents=True)
            process = await ChildProcess.start(
                ChildCommand(
                    name=name,
                    argv=(
                        str(find_redis().program), *arguments, "--port", str(port),
                        "--bind", "127.0.0.1", "--dir", str(place),
                    ),
                    stop_seconds=5.0,
                    log_path=place / "log",
                )
            )  # fmt: skip
            stack.push_async_callback(process.stop)
            node = Node(port, process)
            # One that a test stopped would not hear that it is to end.
            stack.callback(lambda: process.signal(signal.SIGCONT))

            async def is_ready() -> bool:
                return await answers(node.url)

            await wait_until_ready(process, is_ready, SystemClock())
            return node

        kept = ("--appendonly", "yes", "--save", "", "--repl-diskless-sync-delay", "0")
        primary = await start("primary", *kept)
        replica = await start("replica", *kept, "--replicaof", f"127.0.0.1 {primary.port}")
        await until(replica, master_link_status="up")
        sentinels = []
        for number in range(SENTINELS):
            config = folder / f"sentinel-{number}.conf"
            config.write_text(
                f"sentinel monitor {PRIMARY} 127.0.0.1 {primary.port} 2\n"
                f"sentinel down-after-milliseconds {PRIMARY} {down_after_ms}\n"
                f"sentinel failover-timeout {PRIMARY} 10000\n"
            )
            sentinels.append(await start(f"sentinel-{number}", str(config), "--sentinel"))
        await all_see_each_other(sentinels)
        yield Watched(primary, replica, sentinels)


async def all_see_each_other(sentinels: list[Node]) -> None:
    """Return when each Sentinel knows the others and the replica: before, none can fail over."""
    clock = SystemClock()
    give_up_at = clock.monotonic_ms() + PATIENCE_MS
    for node in sentinels:
        async with Redis.from_url(node.url, decode_responses=True) as client:
            while True:
                state = (await client.sentinel_masters())[PRIMARY]
                if state["num-other-sentinels"] == SENTINELS - 1 and state["num-slaves"] == 1:
                    break
                assert clock.monotonic_ms() < give_up_at, state
                await clock.sleep_ms(50)
