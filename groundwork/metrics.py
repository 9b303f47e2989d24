"""The numbers both tiers count, and one answer to a scrape however many processes count them."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from groundwork.clock import Clock
from groundwork.counted_soon import tell_counts

# Prometheus sees a restart by the counter falling; a `_created` series would double every counter.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Where all processes of one machine keep their numbers; prometheus_client reads the same variable.
MULTIPROCESS_DIR_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
if MULTIPROCESS_DIR_VARIABLE in os.environ:
    # By default every count asks the kernel first whether the process is still the same one. Ours
    # never fork, and a join counts ten times.
    _PID = os.getpid()
    values.ValueClass = values.MultiProcessValue(lambda: _PID)  # type: ignore[no-untyped-call]

# Edges at what we promise: a page of the line in 10 ms, a search in 20 (and never 200), a booking
# in 500. Beyond 10 s every client has given up.
REQUEST_SECONDS_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
# A script runs in 20 microseconds, a full pipeline in ten milliseconds; at 1 s we give up.
REDIS_SECONDS_BUCKETS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip
# 500 is the longest pipeline we send; mostly 1 means that nothing is gained by pipelining.
PIPELINE_CALLS_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
# 10 ms of lag is unseen, 100 ms is felt by every fan of the process, 1 s misses a board.
LOOP_LAG_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# Twice a second: cheap, and often enough to see the stalls a fan would feel.
LOOP_LAG_EVERY_MS = 500

HTTP_REQUESTS = Counter(
    "onsale_http_requests_total",
    "Requests answered, by tier, route pattern and status.",
    ["tier", "route", "status"],
)
HTTP_REQUEST_SECONDS = Histogram(
    "onsale_http_request_seconds",
    "Time from the request's head to the answer's end, by tier and route pattern.",
    ["tier", "route"],
    buckets=REQUEST_SECONDS_BUCKETS,
)
STORE_EPOCH = Gauge(
    "onsale_store_epoch",
    "Running number of the Redis that is believed; it rises when a store was lost and rebuilt.",
    multiprocess_mode="mostrecent",
)
STORE_RECOVERIES = Counter(
    "onsale_store_recoveries_total",
    "Times the seats and the line were rebuilt in Redis from the ledger.",
)
REDIS_CALLS = Counter(
    "onsale_redis_calls_total",
    "Commands and scripts sent to Redis, by kind.",
    ["kind"],
)
REDIS_PIPELINE_CALLS = Histogram(
    "onsale_redis_pipeline_calls",
    "Calls that travelled together in one pipeline.",
    buckets=PIPELINE_CALLS_BUCKETS,
)
REDIS_SECONDS = Histogram(
    "onsale_redis_seconds",
    "Round trip of one pipeline to Redis.",
    buckets=REDIS_SECONDS_BUCKETS,
)
STORE_ERRORS = Counter(
    "onsale_store_errors_total",
    "Calls to a store that got no answer, by store.",
    ["store"],
)
STREAMS_DROPPED = Counter(
    "onsale_streams_dropped_total",
    "Event streams broken off because the reader did not take what was sent, by kind.",
    ["kind"],
)
CONNECTIONS_OPEN = Gauge(
    "onsale_connections_open",
    "Connections to all listeners, less the event streams.",
    multiprocess_mode="livesum",
)
CONNECTIONS_DROPPED = Counter(
    "onsale_connections_dropped_total",
    "Connections closed by us, by reason: slow with a head, a body or in taking an answer, idle when "
    "room was needed, no room at all, or a request that is none.",
    ["reason"],
)
PROCESS_UP = Gauge(
    "onsale_process_up",
    "Processes alive, by role.",
    ["role"],
    multiprocess_mode="livesum",
)
EVENT_LOOP_LAG_SECONDS = Histogram(
    "onsale_event_loop_lag_seconds",
    "How much later than asked the event loop woke a sleeper.",
    buckets=LOOP_LAG_SECONDS_BUCKETS,
)

# A counter that appears only with its first error looks like a gap, and its first step is lost.
for _store in ("redis", "postgres"):
    STORE_ERRORS.labels(_store)
for _kind in ("board", "seats"):
    STREAMS_DROPPED.labels(_kind)
for _reason in ("head", "body", "answer", "room", "full", "malformed"):
    CONNECTIONS_DROPPED.labels(_reason)


def metrics_body() -> tuple[bytes, str]:
    """Return the text of a scrape, summed over the machine's processes, and its content type."""
    if MULTIPROCESS_DIR_VARIABLE not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def prepare_multiprocess_dir(path: Path) -> dict[str, str]:
    """Empty the directory and return the environment that makes child processes share it.

    For the supervisor, before the first child starts: files of an earlier run would count twice.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return {MULTIPROCESS_DIR_VARIABLE: str(path)}


def forget_process(pid: int, path: Path) -> None:
    """Take a dead process out of the gauges that count the living; its counters stay."""
    mark_process_dead(pid, str(path))  # type: ignore[no-untyped-call]


@asynccontextmanager
async def process_metrics(role: str, clock: Clock) -> AsyncIterator[None]:
    """Count this process as up in its role and watch its event loop until the block ends."""
    PROCESS_UP.labels(role).set(1)
    watch = asyncio.create_task(_watch_event_loop(clock), name="watch the event loop")
    try:
        yield
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        tell_counts()
        PROCESS_UP.labels(role).set(0)


async def _watch_event_loop(clock: Clock) -> None:
    while True:
        asked_at_ms = clock.monotonic_ms()
        await clock.sleep_ms(LOOP_LAG_EVERY_MS)
        late_ms = clock.monotonic_ms() - asked_at_ms - LOOP_LAG_EVERY_MS
        EVENT_LOOP_LAG_SECONDS.observe(max(0.0, late_ms / 1000))
