"""What stands behind orders: what their commits cost, how far the log is behind, how soon all is back."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from psycopg.rows import scalar_row
from redis.asyncio import Redis

from bench.http_client import Tally, connections
from bench.installation import Installation
from bench.machine import cpu_seconds
from bench.material import SEATS_PER_HOLD, Signatures, reserves
from bench.report import Row
from booking_core.ledger.order import OrderState
from booking_core.ledger.orders import Orders
from booking_core.seats.hold import Hold
from groundwork.postgres import Pool, connection
from groundwork.redis_store import connect
from lua.keys import event_keys, event_log_key

# Two commits make an order; of each, all but a hundredth are to be through within this.
COMMIT_P99_MS = 25.0
# All but a hundredth of the moments, the log in PostgreSQL is behind by no more than this.
LAG_P99_SECONDS = 1.0
# A store that has lost everything shows a hundred thousand seats again within this.
RECOVERY_SECONDS = 5.0
# As many at once as two gateways have under way when they are busy.
AT_ONCE = 8
LOOK_SECONDS = 0.02
GIVE_UP_SECONDS = 60.0
PAYMENT_MS, SEATS_MAX = 60_000, 8
HELD, TAKEN = 201, 409


async def measure_commits(
    installation: Installation, pool: Pool, event_id: str, seat_ids: Sequence[str]
) -> list[Row]:
    """Claim and sell an order for each pair of seats, straight in PostgreSQL."""
    orders = Orders(pool)
    count = len(seat_ids) // SEATS_PER_HOLD
    order_ids = [str(uuid.uuid4()) for _ in range(count)]

    async def claim(number: int) -> None:
        first = number * SEATS_PER_HOLD
        hold = Hold(
            f"{event_id}.{secrets.token_urlsafe(16)}", event_id, f"f_{number}",
            tuple(range(first, first + SEATS_PER_HOLD)), "", 0, 0, is_extended=False,
        )  # fmt: skip
        claimed = await orders.claim(
            order_ids[number], hold, seat_ids[first : first + SEATS_PER_HOLD],
            idempotency_key=f"key-{number}", body_hash=b"", email="", payment_method="card_ok",
            epoch=1, payment_ms=PAYMENT_MS, seats_max=SEATS_MAX, language="en",
        )  # fmt: skip
        assert claimed.outcome == "claimed", claimed

    async def authorize(number: int) -> None:
        assert await orders.begin_authorizing(order_ids[number], f"pi_bench_{number}")

    async def sell(number: int) -> None:
        assert (await orders.sell(order_ids[number])).state == OrderState.SOLD

    claims, claim_cpu = await timed(installation, count, claim)
    await timed(installation, count, authorize)
    sales, sell_cpu = await timed(installation, count, sell)
    async with connection(pool) as database:
        # Nobody has paid: the worker, which runs later, is not to look for their money.
        await database.execute("UPDATE outbox SET done_at = now() WHERE done_at IS NULL")
    return [
        commit_row("claim_commit", claims, claim_cpu),
        commit_row("sold_commit", sales, sell_cpu),
    ]


async def timed(
    installation: Installation, count: int, work: Callable[[int], Awaitable[None]]
) -> tuple[Tally, float]:
    """Do it for each number, some at once; return how long each took and PostgreSQL's core for it."""
    numbers = iter(range(count))
    tally = Tally()
    before, began = cpu_seconds(installation.pid("postgres")), time.perf_counter()

    async def one_after_the_other() -> None:
        for number in numbers:
            since = time.perf_counter()
            await work(number)
            tally.latencies.append(time.perf_counter() - since)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    tally.seconds = time.perf_counter() - began
    tally.statuses[0] = count
    return tally, cpu_seconds(installation.pid("postgres")) - before


def commit_row(path: str, tally: Tally, cpu: float) -> Row:
    """Return the row of one of the two commits."""
    p50, p99 = tally.percentile_ms(50), tally.percentile_ms(99)
    return Row(
        path=path,
        ours=round(p99, 1),
        floor=round(p50, 1),
        ratio=round(p99 / p50, 2),
        budget=COMMIT_P99_MS,
        unit="ms, the 99th percentile; the floor is the median",
        judged_by="ours <= budget",
        met=p99 <= COMMIT_P99_MS,
        note=(
            f"{tally.per_second:,.0f}/s by {AT_ONCE} at once, two seats each, flushed to the disk;"
            f" {cpu * 1000 / tally.count:.2f} ms of PostgreSQL's core for each"
        ),
        more={"postgres_ms": round(cpu * 1000 / tally.count, 3)},
    )


@asynccontextmanager
async def watched_lag(
    installation: Installation, pool: Pool, event_id: str
) -> AsyncIterator[Callable[[], Row]]:
    """Look while the block runs how old the oldest change is that PostgreSQL has not got.

    From when the worker is at it: one that is still starting is not behind.
    """
    await until_followed(pool, event_id)
    redis = connect(installation.redis_url)
    lags: list[float] = []

    is_over = asyncio.Event()

    # Not ended by cancelling it: on Python 3.11 the library's bound of a call may swallow that.
    async def look() -> None:
        while not is_over.is_set():
            lags.append(await lag(pool, redis, event_id))
            await asyncio.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield lambda: lag_row(lags)
    finally:
        is_over.set()
        await looking
        await redis.aclose()


async def until_followed(pool: Pool, event_id: str) -> None:
    """Return once a worker looks after the event's log."""
    async with asyncio.timeout(GIVE_UP_SECONDS), connection(pool) as database:
        cursor = database.cursor(row_factory=scalar_row)
        statement = "SELECT count(*) FROM reconciled WHERE event_id = %s"
        while not await (await cursor.execute(statement, (event_id,))).fetchone():
            await asyncio.sleep(LOOK_SECONDS)


async def lag(pool: Pool, redis: Redis, event_id: str) -> float:
    """Return the age in seconds of the oldest entry of the hold log that is in Redis alone."""
    async with connection(pool) as database:
        cursor = database.cursor(row_factory=scalar_row)
        await cursor.execute(
            """SELECT format('%%s %%s', epoch, coalesce((SELECT seq FROM reconciled r
                WHERE r.event_id = %s AND r.epoch = e.epoch), 0)) FROM store_epoch e""",
            (event_id,),
        )
        epoch, _, seq = str(await cursor.fetchone()).partition(" ")
    key = event_log_key(event_id, int(epoch))
    found = await redis.xrange(key, min=f"({seq}-18446744073709551615", count=1)
    if not found:
        return 0.0
    return max(0.0, time.time() - float(found[0][1]["at"]) / 1000)


def lag_row(lags: list[float]) -> Row:
    """Return the row of what was seen."""
    seen = Tally(latencies=lags)
    p50, p99 = seen.percentile_ms(50) / 1000, seen.percentile_ms(99) / 1000
    return Row(
        path="reconcile_lag",
        ours=round(p99, 3),
        floor=LAG_P99_SECONDS,
        ratio=round(p99 / LAG_P99_SECONDS, 2),
        budget=LAG_P99_SECONDS,
        unit="s, the 99th percentile of what was seen",
        judged_by="ours <= budget",
        met=p99 <= LAG_P99_SECONDS,
        note=(
            f"while orders are paid as fast as they can: p50 {p50:.2f} s, worst"
            f" {max(lags, default=0.0):.2f} s, looked at {len(lags):,} times"
        ),
    )


async def measure_recovery(
    installation: Installation, event_id: str, seat_ids: Sequence[str]
) -> Row:
    """Empty Redis, and ask for seats until the answer is about seats again, whoever has them."""
    port = installation.gateway_port
    [wish] = reserves(port, event_id, seat_ids[-2:], Signatures(installation).passes(1), per_fan=1)
    redis = connect(installation.redis_url)
    await redis.flushall()
    began = time.perf_counter()
    async with connections(port, 1) as opened, asyncio.timeout(GIVE_UP_SECONDS):
        while (await opened[0].ask(wish))[0] not in (HELD, TAKEN):
            await asyncio.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - began
    holds = await redis.zcard(event_keys(event_id)["expiries"])
    await redis.aclose()
    return Row(
        path="recovery",
        ours=round(seconds, 2),
        floor=RECOVERY_SECONDS,
        ratio=round(seconds / RECOVERY_SECONDS, 2),
        budget=RECOVERY_SECONDS,
        unit="s from an emptied Redis to the first answer about seats",
        judged_by="ours <= budget",
        met=seconds <= RECOVERY_SECONDS,
        note=f"{len(seat_ids):,} seats and {holds:,} holds from PostgreSQL, in a new epoch",
    )
