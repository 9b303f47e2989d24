"""`make bench-100k`: a hundred thousand fans join, open a stream each, and hear of what changes.

Several gateways (a process may have 20,000 files open), as many processes of readers, each at an
address of its own, for between two addresses there are some 28,000 ports.
"""

import asyncio
import json
import math
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from rich.console import Console

from bench.http_client import closed_loop, connections
from bench.installation import Installation, free_port, installed
from bench.machine import cpu_seconds, description, rss_bytes
from bench.material import SLOW_SALE_ID, Signatures, put_on_sale
from bench.report import BEGIN, END
from bench.streams import redis_calls_per_second, stream_head
from gateway.waiting_room.sales import SaleRecords
from groundwork.postgres import open_pool

README = Path(__file__).with_name("README.md")
CROWD_BEGIN, CROWD_END = BEGIN.replace("measured", "crowd"), END.replace("measured", "crowd")
# Of the 20,000 files a process may have open the stores, the logs and other requests need some.
FANS_PER_GATEWAY = 17_000
JOIN_CONNECTIONS = 16
JOIN_SECONDS_MAX = 240.0
# Joins are signed in portions, so that a hundred thousand are not held at once.
JOINS_AT_ONCE = 4_000
NEWS = 3
CHANGE_SECONDS = 6.0
SETTLE_SECONDS = 5.0
# Budgets of the design.
KILOBYTES_MAX, NEWS_SECONDS_MAX = 12.0, 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a crowd came to. Times in seconds, memory in KB."""

    fans: int
    gateways: int
    joins_per_second: float
    open_seconds: float
    kilobytes: float
    spread: tuple[float, float, float]
    news: tuple[float, float, float]
    redis_before: float
    redis_with: float
    cores: tuple[float, float]
    lost: int

    def lines(self) -> list[str]:
        """Return the table of README.md."""
        of_spread, of_news = (
            " / ".join(f"{seconds:.2f}" for seconds in three) + " s"
            for three in (self.spread, self.news)
        )
        redis_max = 1.2 * self.redis_before + 1
        rows = [
            (f"fans with an open stream, in {self.gateways} gateways", f"{self.fans:,}", "", ""),
            ("streams lost", f"{self.lost}", "0", met(self.lost == 0)),
            ("memory the gateways grew by, for each", f"{self.kilobytes:.1f} KB",
             f"≤ {KILOBYTES_MAX:g} KB", met(self.kilobytes <= KILOBYTES_MAX)),
            ("a board from the first fan to all: p50 / p99 / max", of_spread,
             f"p99 ≤ {NEWS_SECONDS_MAX:g} s", met(self.spread[1] <= NEWS_SECONDS_MAX)),
            ("from the operator's command to all: p50 / p99 / max", of_news, "", ""),
            ("joins a second, the client on the same cores", f"{self.joins_per_second:,.0f}", "", ""),
            ("time to open all streams", f"{self.open_seconds:.0f} s", "", ""),
            ("calls to Redis a second, with nobody and with all",
             f"{self.redis_before:.0f} and {self.redis_with:.0f}", "alike",
             met(self.redis_with <= redis_max)),
            ("cores used by gateways and by readers, of 2",
             f"{self.cores[0]:.2f} and {self.cores[1]:.2f}", "", ""),
        ]  # fmt: skip
        told = [f"| {' | '.join(row)} |" for row in rows]
        return ["| what | measured | budget | |", "|---|--:|---|---|", *told]


def met(is_met: bool) -> str:
    """Return the word for a budget."""
    return "met" if is_met else "**missed**"


@dataclass(slots=True)
class ReaderProcess:
    """A process of readers, and what it said."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.process.pid

    async def opened(self) -> None:
        """Wait until all its streams are open."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line == b"open\n", (line, await self.process.communicate())

    def forget(self) -> None:
        """Let it count from now on."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")

    async def told(self) -> tuple[int, dict[str, Counter[int]]]:
        """End it; return how many streams it lost, and when boards came."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        output, _ = await self.process.communicate()
        document = json.loads(output)
        return document["lost"], {
            name: Counter({int(bucket): count for bucket, count in counts.items()})
            for name, counts in document["boards"].items()
        }


@asynccontextmanager
async def reading(
    installation: Installation, ports: list[int], fans: int
) -> AsyncIterator[list[ReaderProcess]]:
    """Run a process of readers for each gateway, their streams open."""
    readers = []
    try:
        for number, port in enumerate(ports):
            head = installation.folder / f"head-{port}"
            head.write_bytes(stream_head(installation, f"/api/sales/{SLOW_SALE_ID}/events", port))
            count = fans // len(ports) + (number < fans % len(ports))
            readers.append(
                ReaderProcess(
                    await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "bench.crowd_reader", str(port)),
                        *(f"127.0.1.{number + 1}", str(count), str(head)),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        limit=64 * 1024 * 1024,
                    )
                )
            )
        await asyncio.gather(*(reader.opened() for reader in readers))
        yield readers
    finally:
        for reader in readers:
            if reader.process.returncode is None:
                reader.process.kill()
                await reader.process.wait()


async def join_all(installation: Installation, ports: list[int], fans: int) -> float:
    """Let so many fans join; return how many a second did, the signing of proofs not counted."""
    seconds, left = 0.0, fans
    async with AsyncExitStack() as stack:
        opened = [
            connection
            for port in ports
            for connection in await stack.enter_async_context(connections(port, JOIN_CONNECTIONS))
        ]
        while left:
            joins = Signatures(installation).joins(min(left, JOINS_AT_ONCE), SLOW_SALE_ID)
            tally = await closed_loop(opened, iter(joins), JOIN_SECONDS_MAX)
            assert tally.statuses == {201: len(joins)}, tally.statuses
            seconds, left = seconds + tally.seconds, left - len(joins)
    return fans / seconds


def percentiles(counts: Counter[int], began: float) -> tuple[float, float, float]:
    """Return after how many seconds half of all, 99 in 100 and all had it, from buckets of 10 ms."""
    total, so_far, found = sum(counts.values()), 0, list[float]()
    wanted = [math.ceil(total * part) for part in (0.5, 0.99, 1.0)]
    for bucket in sorted(counts):
        so_far += counts[bucket]
        while len(found) < len(wanted) and so_far >= wanted[len(found)]:
            found.append((bucket + 1) / 100 - began)
    return found[0], found[1], found[2]


def worst(each: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Return the worst of several, number by number."""
    assert each, "nothing reached everybody"
    return tuple(max(numbers) for numbers in zip(*each, strict=True))


async def measure(fans: int, news_count: int, tell: Console) -> Figures:
    """Return the figures of a crowd of so many, who hear so many pieces of news."""
    gateways = max(2, math.ceil(fans / FANS_PER_GATEWAY))
    async with AsyncExitStack() as stack:
        tell.print("· starting private servers")
        installation = await stack.enter_async_context(installed())
        pool = await stack.enter_async_context(open_pool(installation.database_url))
        await put_on_sale(pool, {"crowd": 1_000})
        ports = [installation.gateway_port, *(free_port() for _ in range(gateways - 1))]
        names = [f"gateway-{number}" for number in range(gateways)]
        for name, port in zip(names, ports, strict=True):
            await stack.enter_async_context(
                installation.process(
                    name,
                    *("onsale", "gateway", "--host", "127.0.0.1", "--port", str(port)),
                    ready_at=(port, "/.well-known/jwks.json"),
                    STREAMS_MAX=str(FANS_PER_GATEWAY + 1),
                )
            )
        pids = [installation.pid(name) for name in names]
        redis_before = await redis_calls_per_second(installation, SETTLE_SECONDS)
        memory = sum(map(rss_bytes, pids))
        tell.print(f"· {fans:,} fans join")
        joins_per_second = await join_all(installation, ports, fans)
        tell.print(f"· {joins_per_second:,.0f} joins a second; they open their streams")
        began = time.monotonic()
        async with reading(installation, ports, fans) as readers:
            open_seconds = time.monotonic() - began
            await asyncio.sleep(SETTLE_SECONDS)
            grown = sum(map(rss_bytes, pids)) - memory
            tell.print(f"· open after {open_seconds:.0f} s; boards and news")
            for reader in readers:
                reader.forget()
            used = [sum(map(cpu_seconds, them)) for them in (pids, [r.pid for r in readers])]
            told_at, counted_at = [], time.monotonic()
            redis = asyncio.create_task(
                redis_calls_per_second(installation, news_count * CHANGE_SECONDS)
            )
            for number in range(news_count):
                told_at.append(time.monotonic())
                await SaleRecords(pool).change(SLOW_SALE_ID, message=f"news-{number}")
                await asyncio.sleep(CHANGE_SECONDS)
            redis_with = await redis
            seconds = time.monotonic() - counted_at
            used = [
                (sum(map(cpu_seconds, them)) - before) / seconds
                for them, before in zip((pids, [r.pid for r in readers]), used, strict=True)
            ]
            lost, boards = 0, dict[str, Counter[int]]()
            for reader in readers:
                lost_here, boards_here = await reader.told()
                lost += lost_here
                for name, counts in boards_here.items():
                    boards[name] = boards.get(name, Counter[int]()) + counts
    complete = {name: each for name, each in boards.items() if each.total() == fans - lost}
    spread = worst(
        [percentiles(each, min(each) / 100) for name, each in complete.items() if name.isdigit()]
    )
    news = worst([percentiles(complete[f"news-{n}"], told_at[n]) for n in range(news_count)])
    return Figures(
        fans, gateways, joins_per_second, open_seconds, grown / fans / 1024, spread, news,
        redis_before, redis_with, (used[0], used[1]), lost,
    )  # fmt: skip


def write_readme(figures: Figures) -> None:
    """Put the table between its marks in README.md."""
    before, _, rest = README.read_text("utf-8").partition(CROWD_BEGIN)
    _, _, after = rest.partition(CROWD_END)
    told = [CROWD_BEGIN, f"Measured on {datetime.now(UTC):%Y-%m-%d}: {description()}.", ""]
    README.write_text(before + "\n".join([*told, *figures.lines(), CROWD_END]) + after, "utf-8")


@click.command()
@click.option("--fans", type=click.IntRange(10, 110_000), default=100_000, show_default=True)
@click.option("--news", "news_count", type=click.IntRange(1, 9), default=NEWS, show_default=True)
@click.option("--write-readme", "writes", is_flag=True, help="Put the figures into README.md.")
def main(fans: int, news_count: int, *, writes: bool) -> None:
    """Let a crowd join, open streams and hear the news; takes some minutes."""
    console = Console(highlight=False)
    figures = uvloop.run(measure(fans, news_count, console))
    for line in figures.lines():
        console.print(line)
    if writes:
        write_readme(figures)


if __name__ == "__main__":
    main()
