"""One house alone: what a hold costs the store beside a bare script, and what a house weighs."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from bench.bare_script import PIPELINE
from bench.floor_server import HOLD_MS, SCRIPT
from bench.installation import Installation
from bench.machine import cpu_seconds, rss_bytes
from bench.material import SEATS_PER_FAN, SEATS_PER_HOLD, Signatures, looks
from bench.paths import ask_all
from bench.report import Row
from booking_core.catalog.events import Catalog
from booking_core.seats.holds import SeatHolds
from booking_core.seats.wishes import named_seats
from booking_core.settings import CoreSettings
from groundwork.clock import SystemTokenSource
from groundwork.postgres import Pool
from groundwork.redis_store import RedisStore, open_store
from lua.epochs import Epochs

# A hold looks at two seats, their holders, the fan's limit and what they are kept for, and writes the
# seats, the hold, its end, the fan's count, the log and its own memory: fifteen commands of the
# store to the bare script's three.
SCRIPT_BUDGET = 0.2
# Of Redis, for a house of which every seat is held: a hundred of them at once fit into 4 GB.
HOUSE_MB_MAX = 40.0
MB = 1024 * 1024
SEED = 8113


async def measure_house(installation: Installation, pool: Pool, event_id: str) -> list[Row]:
    """Hold a whole house by twos, without HTTP, and weigh it before and after; the gateway must run."""
    async with open_store(installation.redis_url) as store:
        empty = await used_bytes(store), rss_bytes(installation.pid("gateway"))
        fan = Signatures(installation).passes(1)
        # The first who looks has the house put into Redis, and its layout into the gateway.
        await ask_all(installation, looks(installation.gateway_port, event_id, fan), 200)
        opened = await used_bytes(store), rss_bytes(installation.pid("gateway"))
        epochs = Epochs(store, pool)
        await epochs.start()
        settings = CoreSettings(
            payment_provider_url=f"http://127.0.0.1:{installation.provider_port}",
            payments_secret_key="s" * 32,
            payments_webhook_secret="w" * 32,
        )
        holds = SeatHolds(epochs, SystemTokenSource(), random.Random(SEED), settings)
        seats, hold_us = await hold_all(installation, pool, holds, event_id)
        full = await used_bytes(store)
        bare_us = await time_bare(installation, store, seats // SEATS_PER_HOLD)
    # Buffers of connections that have gone weigh more than a house that is small.
    grown = max(0, opened[0] - empty[0])
    return [
        script_row(hold_us, bare_us),
        memory_row(seats, grown, full - empty[0], opened[1] - empty[1]),
    ]


async def used_bytes(store: RedisStore) -> int:
    """Return what the store has in use for data."""
    said = await store.call("INFO", "memory")
    if isinstance(said, dict):
        return int(said["used_memory"])
    text = said.decode() if isinstance(said, bytes) else str(said)
    return int(text.partition("used_memory:")[2].split()[0])


async def hold_all(
    installation: Installation, pool: Pool, holds: SeatHolds, event_id: str
) -> tuple[int, float]:
    """Hold every seat by twos; return how many there are, and the store's time for a hold in µs."""
    catalog = Catalog(pool)
    event, layout = await catalog.get(event_id), await catalog.seat_layout(event_id)
    per_fan = SEATS_PER_FAN // SEATS_PER_HOLD

    def hold(number: int) -> Awaitable[object]:
        first = number * SEATS_PER_HOLD
        wish = named_seats(event, layout, range(first, first + SEATS_PER_HOLD), is_accessible=True)
        return holds.hold(event_id, f"fan-{number // per_fan}", wish, SEATS_PER_FAN)

    count = len(layout) // SEATS_PER_HOLD
    return len(layout), await time_calls(installation, hold, range(count))


async def time_bare(installation: Installation, store: RedisStore, count: int) -> float:
    """Return the store's time for a bare script in µs, called in the same way."""
    sha = await store.call("SCRIPT", "LOAD", SCRIPT)

    def call(number: int) -> Awaitable[object]:
        keys = (f"{{bare-house}}:{number}", "{bare-house}:ends", "{bare-house}:count")
        return store.call("EVALSHA", sha, 3, *keys, "fan", HOLD_MS)

    return await time_calls(installation, call, range(count))


async def time_calls(
    installation: Installation, call: Callable[[int], Awaitable[object]], numbers: Sequence[int]
) -> float:
    """Return the microseconds of the store's core for one call, so many in a pipeline."""
    pid = installation.pid("redis")
    # Not of the copies it makes of itself to write its files: one that ends meanwhile takes its time along.
    used = cpu_seconds(pid, with_children=False)
    for start in range(0, len(numbers), PIPELINE):
        await asyncio.gather(*map(call, numbers[start : start + PIPELINE]))
    used = cpu_seconds(pid, with_children=False) - used
    return used * 1_000_000 / len(numbers)


def script_row(hold_us: float, bare_us: float) -> Row:
    """Return the row of the hold script."""
    reached = bare_us / hold_us
    return Row(
        path="hold_script",
        ours=round(1_000_000 / hold_us),
        floor=round(1_000_000 / bare_us),
        ratio=round(reached, 3),
        budget=SCRIPT_BUDGET,
        unit="calls for each second of the store's core",
        judged_by="ratio >= budget",
        met=reached >= SCRIPT_BUDGET,
        note=(
            f"two named seats with every rule, {hold_us:.0f} µs of the bare script's {bare_us:.0f},"
            f" {PIPELINE} in a pipeline"
        ),
    )


def memory_row(seats: int, opened: int, full: int, gateway: int) -> Row:
    """Return the row of what a house weighs."""
    return Row(
        path="event_memory",
        ours=round(full / MB, 1),
        floor=round(opened / MB, 1),
        ratio=round(full / max(1, opened), 1),
        budget=HOUSE_MB_MAX,
        unit="MB of the store for a house, every seat held; the floor is the house before",
        judged_by="ours <= budget",
        met=full <= HOUSE_MB_MAX * MB,
        note=(
            f"{seats:,} seats in {seats // SEATS_PER_HOLD:,} holds, with the log and what remembers"
            f" each operation for an hour; in a gateway its layout and map take {gateway / MB:.0f} MB"
        ),
    )
