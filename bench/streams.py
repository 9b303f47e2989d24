"""Fans who wait with an open stream: their memory, how fast a board reaches all, the calls to Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import cast

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from bench.http_client import closed_loop, connections, request
from bench.installation import Installation
from bench.machine import PAGE_BYTES, cpu_seconds, rss_bytes
from bench.material import SLOW_SALE_ID, Signatures
from bench.report import Row
from bench.rounds import CONNECTIONS

KILOBYTES_MAX = 12.0
# Opened at once: more than the server takes in a moment, fewer than its backlog.
OPENING_AT_ONCE = 200
# What the budget names: a board to all of them within so long, on two cores.
FANS, FANS_SECONDS_MAX, FANS_CORES = 100_000, 2.0, 2
JOIN_SECONDS_MAX = 60.0
# Boards come once a second; a few may be missed on a busy machine.
BOARD_SECONDS = 1.2
MARK = b"\nid: "


@dataclass
class Boards:
    """When each board reached the first and the last of the streams, and how many it reached."""

    first: dict[int, float] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)


class Stream(asyncio.Protocol):
    """One open stream; notes when boards come, and keeps nothing."""

    def __init__(self, boards: Boards) -> None:
        self._boards = boards
        self._transport: asyncio.WriteTransport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def open(self, head: bytes) -> None:
        """Ask for the stream."""
        assert self._transport is not None
        self._transport.write(head)

    def data_received(self, data: bytes) -> None:
        """Note a board; the head counts as opened."""
        if not self.opened.done():
            assert data.startswith(b"HTTP/1.1 200"), data[:300]
            self.opened.set_result(None)
        at = data.rfind(MARK)
        if at < 0:
            return
        seq = int(data[at + len(MARK) : data.index(b"\n", at + 1)])
        now, boards = time.perf_counter(), self._boards
        boards.first.setdefault(seq, now)
        boards.last[seq] = now
        boards.count[seq] = boards.count.get(seq, 0) + 1

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def streams(port: int, head: bytes, count: int) -> AsyncIterator[Boards]:
    """Yield what so many open streams receive."""
    boards, opened = Boards(), []
    loop = asyncio.get_running_loop()
    try:
        for start in range(0, count, OPENING_AT_ONCE):
            wave = [
                (await loop.create_connection(lambda: Stream(boards), "127.0.0.1", port))[1]
                for _ in range(min(OPENING_AT_ONCE, count - start))
            ]
            opened += wave
            for stream in wave:
                stream.open(head)
            await asyncio.gather(*(stream.opened for stream in wave))
        yield boards
    finally:
        for stream in opened:
            stream.close()


async def measure_streams(installation: Installation, count: int, board_count: int) -> Row:
    """Measure a gateway that has just been started: memory that it used before could hide there."""
    port, pid = installation.gateway_port, installation.pid("gateway")
    seconds = board_count * BOARD_SECONDS
    idle = cpu_seconds(pid)
    calls_without = await redis_calls_per_second(installation, seconds)
    idle = cpu_seconds(pid) - idle
    await wait_in_line(installation, count)
    head = stream_head(installation, f"/api/sales/{SLOW_SALE_ID}/events", port)
    before = rss_bytes(pid)
    async with streams(port, head, count) as boards:
        used = cpu_seconds(pid)
        calls_with = await redis_calls_per_second(installation, seconds)
        used = max(0.0, cpu_seconds(pid) - used - idle)
        per_stream = growth(pid, before) / count
    floor = await measure_bare_streams(installation, count)
    complete = [seq for seq, reached in boards.count.items() if reached == count]
    assert complete, f"no board reached all of {count} streams"
    fan_out = median(boards.last[seq] - boards.first[seq] for seq in complete)
    calls = (calls_without, calls_with)
    return streams_row(count, (per_stream, floor), fan_out, used / seconds / count, calls)


def streams_row(
    count: int,
    memory: tuple[float, float],
    fan_out: float,
    cpu_per_stream: float,
    calls: tuple[float, float],
) -> Row:
    """Return the row of the streams."""
    kilobytes, bare = memory[0] / 1024, memory[1] / 1024
    # A board a second: a second's work is what one board costs.
    all_fans = FANS * cpu_per_stream / FANS_CORES
    return Row(
        path="stream_memory",
        ours=round(kilobytes, 2),
        floor=round(bare, 2),
        ratio=round(kilobytes / bare, 2),
        budget=KILOBYTES_MAX,
        unit="KB of the server for each stream",
        judged_by="ours <= budget",
        met=kilobytes <= KILOBYTES_MAX,
        note=(
            f"{count:,} streams, a board to all in {fan_out * 1000:.0f} ms;"
            f" {FANS:,} on {FANS_CORES} cores: {all_fans:.1f} s of {FANS_SECONDS_MAX:g} s"
            f" by {cpu_per_stream * 1_000_000:.0f} µs of a core each;"
            f" calls to Redis a second with nobody {calls[0]:.1f}, with all {calls[1]:.1f}"
        ),
        more={
            "streams": count,
            "fan_out_ms": round(fan_out * 1000, 1),
            "cpu_us_per_stream_and_board": round(cpu_per_stream * 1_000_000, 1),
            "fan_out_100k_seconds": round(all_fans, 2),
            "fan_out_100k_met": all_fans <= FANS_SECONDS_MAX,
            "redis_calls_per_second": {"0": round(calls[0], 1), str(count): round(calls[1], 1)},
        },
    )


async def measure_bare_streams(installation: Installation, count: int) -> float:
    """Return the bytes of a stream that the framework alone holds open."""
    port, pid = installation.floor_port, installation.pid("floors")
    before = rss_bytes(pid)
    async with streams(port, stream_head(installation, "/stream", port), count):
        return growth(pid, before) / count


def growth(pid: int, before: int) -> int:
    """Return the bytes a process has grown by: at least a page, which is as fine as it is known.

    A few streams fit into what the process had mapped before; then nothing less can be said.
    """
    return max(PAGE_BYTES, rss_bytes(pid) - before)


def stream_head(installation: Installation, path: str, port: int) -> bytes:
    """Return what a browser sends, its ticket's cookie included."""
    ticket = Signatures(installation).ticket()
    cookie = f"__Host-onsale-ticket-{SLOW_SALE_ID}={ticket}"
    return request("GET", path, port, headers=f"Cookie: {cookie}\r\n")


async def wait_in_line(installation: Installation, count: int) -> None:
    """Let so many fans join a line that hardly moves."""
    joins = Signatures(installation).joins(count, SLOW_SALE_ID)
    async with connections(installation.gateway_port, CONNECTIONS) as opened:
        tally = await closed_loop(opened, iter(joins), JOIN_SECONDS_MAX)
    assert tally.statuses == {201: count}, tally.statuses


async def redis_calls_per_second(installation: Installation, seconds: float) -> float:
    """Count for a while the calls that our processes make."""
    before = redis_calls(installation)
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    return (redis_calls(installation) - before) / (time.perf_counter() - began)


def redis_calls(installation: Installation) -> float:
    """Return the calls made so far, as our own metrics have them."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(installation.metrics_dir))  # type: ignore[no-untyped-call]
    return sum(
        sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "onsale_redis_calls_total"
    )
