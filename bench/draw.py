"""The draw of a crowd: from the opening to the order being final, against writing a place for every fan."""

import base64
import hashlib
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.installation import Installation
from bench.report import Row
from gateway.bot_checks.asked_from import NAME_BYTES
from gateway.draw.cluster_records import ClusterRecords
from gateway.draw.drand import Drand
from gateway.draw.draw import Draw
from gateway.draw.drawing import Drawing
from gateway.draw.entries import Entries
from gateway.draw.orders import Orders
from gateway.draw.receipts import Receipts
from gateway.draw.records import DrawPlan, DrawRecords
from gateway.settings import GatewaySettings
from gateway.waiting_room.line import Line
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.postgres import Pool, open_pool
from groundwork.redis_store import open_store
from lua.epochs import Epochs
from lua.keys import sale_keys

SALE_ID: Final = "bench-draw"
# Fans look at a page that says "the draw is being made": longer than that they would ask.
DRAW_SECONDS_MAX: Final = 2.0
# Entries put into Redis at once, past the joins: those are measured by themselves.
FILLED_AT_ONCE: Final = 10_000
PLACES: Final = 5_000
# Every fifth entry is a farm's, of one network; the others come from so many.
FARM_PART: Final = 0.2
NETWORKS: Final = 200_000
KINDS: Final = 9
BEGAN_AT: Final = 1_790_000_000
ENTRIES_PER_SECOND: Final = 300
SEED: Final = 8113


@dataclass
class Drawn:
    """What the draw of a sale took."""

    draw: Draw
    entries: int
    roster_seconds: float
    draw_seconds: float
    order_seconds: float
    receipt_ms: float
    place_us: float

    @property
    def clustered(self) -> int:
        """How many entries share chances."""
        return self.draw.clusters.entries if self.draw.clusters else 0


async def measure_draw(installation: Installation, entries: int) -> Row:
    """Measure the draw of so many entries; the floor is one COPY of a shuffled place for each."""
    async with open_pool(installation.database_url) as pool:
        async with open_store(installation.redis_url) as store:
            epochs, records = Epochs(store, pool), DrawRecords(pool)
            known = Entries(epochs, records)
            Line(epochs, SaleRecords(pool), known, SystemTokenSource(), GatewaySettings())
            await epochs.start()
            drawing = Drawing(known, records, ClusterRecords(pool), Drand([]), SystemClock())
            opens_at = datetime.now(UTC) + timedelta(hours=1)
            sale = Sale(
                sale_id=SALE_ID, name="Draw", opens_at=opens_at, state="open", pause_reason="",
                message="", rate_per_minute=600, burst=10, capacity=1_000,
            )  # fmt: skip
            await SaleRecords(pool).create(sale, DrawPlan.made(SystemTokenSource(), None, 0))
            await drawing.attend(SALE_ID, sale.opens_at_ms)
            await fill(epochs, entries)
            drawn = await draw(drawing, Receipts(records), pool, sale, entries)
        floor = await write_places(pool, entries)
    return draw_row(drawn, floor)


async def fill(epochs: Epochs, entries: int) -> None:
    """Put the entries into Redis as joins would have."""
    keys, rng = sale_keys(SALE_ID), random.Random(SEED)
    for first in range(1, entries + 1, FILLED_AT_ONCE):
        async with epochs.store.client.pipeline(transaction=False) as pipeline:
            for number in range(first, min(first + FILLED_AT_ONCE, entries + 1)):
                fan_id = fan_of(number)
                pipeline.hset(keys["entry_numbers"], fan_id, str(number))
                origin = origin_of(number, rng)
                pipeline.xadd(keys["entries"], {"fan": fan_id, "from": origin}, id=f"{number}-1")
            await pipeline.execute()
    await epochs.store.call("HSET", keys["line"], "last_entry", entries)


def origin_of(number: int, rng: random.Random) -> str:
    """Return where an entry comes from as its script writes it: of a farm, or of a home."""
    is_farm = rng.random() < FARM_PART
    network = "farm" if is_farm else f"home-{rng.randrange(NETWORKS)}"
    digest = hashlib.sha256(network.encode()).digest()[:NAME_BYTES]
    second = BEGAN_AT + number // ENTRIES_PER_SECOND
    kind = 0 if is_farm else rng.randrange(KINDS)
    return f"{base64.urlsafe_b64encode(digest).decode()}:{kind}:{second}"


def fan_of(number: int) -> str:
    """Return a name as long as fans have."""
    return "f_" + hashlib.sha256(b"%d" % number).hexdigest()[:22]


async def draw(drawing: Drawing, receipts: Receipts, pool: Pool, sale: Sale, entries: int) -> Drawn:
    """Take the draw from entries in Redis to the last place."""
    began = time.perf_counter()
    await drawing.attend(SALE_ID, sale.opens_at_ms)
    roster_seconds = time.perf_counter() - began
    async with pool.connection() as connection:
        await connection.execute("UPDATE sales SET opens_at = now() WHERE sale_id = %s", (SALE_ID,))
    began = time.perf_counter()
    made = await drawing.attend(SALE_ID, 0)
    draw_seconds = time.perf_counter() - began
    began = time.perf_counter()
    made = await Orders(pool).completed(SALE_ID, made)
    order_seconds = time.perf_counter() - began
    assert made is not None
    assert (made.state, made.entries) == ("drawn", entries), made
    assert made.clusters is not None
    assert made.clusters.entries > entries * FARM_PART / 2, made.clusters
    began = time.perf_counter()
    assert await receipts.of(SALE_ID, made, entries, fan_of(entries))
    receipt_ms = (time.perf_counter() - began) * 1000
    asked = min(PLACES, entries)
    began = time.perf_counter()
    places = {made.place_of(number, "") for number in range(1, asked + 1)}
    place_us = (time.perf_counter() - began) / asked * 1_000_000
    assert len(places) == asked
    return Drawn(made, entries, roster_seconds, draw_seconds, order_seconds, receipt_ms, place_us)


@asynccontextmanager
async def places_table(pool: Pool) -> AsyncIterator[None]:
    """A table of places while the block runs."""
    async with pool.connection() as connection:
        await connection.execute(
            "CREATE TABLE bench_places (fan_id text PRIMARY KEY, place bigint NOT NULL)"
        )
    try:
        yield
    finally:
        async with pool.connection() as connection:
            await connection.execute("DROP TABLE bench_places")


async def write_places(pool: Pool, entries: int) -> float:
    """Return how long it takes to shuffle a crowd and write every fan's place, in seconds."""
    fans = [fan_of(number) for number in range(1, entries + 1)]
    async with places_table(pool):
        began = time.perf_counter()
        random.shuffle(fans)
        async with pool.connection() as connection, connection.transaction():
            # A million rows at once take longer than any statement of ours may.
            await connection.execute("SET LOCAL statement_timeout = 0")
            async with (
                connection.cursor() as cursor,
                cursor.copy("COPY bench_places (fan_id, place) FROM STDIN") as copy,
            ):
                for place, fan_id in enumerate(fans, 1):
                    await copy.write_row((fan_id, place))
        return time.perf_counter() - began


def draw_row(drawn: Drawn, floor: float) -> Row:
    """Return the row."""
    ours = drawn.draw_seconds
    return Row(
        path="draw",
        ours=round(ours, 3),
        floor=round(floor, 3),
        ratio=round(ours / floor, 4) if floor else 0.0,
        budget=DRAW_SECONDS_MAX,
        unit="s from the opening to the last place",
        judged_by="ours <= budget",
        met=ours <= DRAW_SECONDS_MAX,
        note=(
            f"{drawn.entries:,} entries; floor: a shuffle and a COPY of every place; before the opening"
            f" {drawn.entries / drawn.roster_seconds:,.0f} entries/s go into the roster;"
            f" a place {drawn.place_us:.0f} µs, the first receipt {drawn.receipt_ms:.0f} ms;"
            f" a farm of {drawn.clustered:,} found on the way, and who stands behind worked out in"
            f" {drawn.order_seconds:.1f} s by each process after it"
        ),
        more={
            "entries": drawn.entries,
            "roster_seconds": round(drawn.roster_seconds, 2),
            "order_seconds": round(drawn.order_seconds, 2),
            "clustered": drawn.clustered,
            "place_us": round(drawn.place_us, 1),
            "first_receipt_ms": round(drawn.receipt_ms, 1),
        },
    )
