"""`make bench`: start a private installation, measure every budget, say what is met."""

import os
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from rich.console import Console

from bench.ahead import measure_ahead
from bench.bare_script import measure_bare_script
from bench.best_available import measure_best
from bench.door import measure_door
from bench.draw import measure_draw
from bench.installation import Installation, installed, other_core, server_core
from bench.ledger import measure_commits, measure_recovery, watched_lag
from bench.machine import cores, description, pin
from bench.material import fill_catalogue, put_on_sale
from bench.one_house import measure_house
from bench.orders import measure_orders
from bench.paths import measure_reads, measure_writes
from bench.report import RESULTS, Row, print_table, read_results, update_readme, write_results
from bench.rounds import Plan
from bench.searching import measure_search
from bench.selling_out import measure_sell_out
from bench.streams import measure_streams
from groundwork.postgres import Pool, open_pool

# Before anything was pinned.
ALL_CORES = cores()
MAP_EVENT, RESERVE_EVENT, ORDER_EVENT = "bench-map", "bench-reserve", "bench-order"
HOUSE_EVENT, RUSH_EVENT, COMMIT_EVENT = "bench-house", "bench-rush", "bench-commit"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, and how long."""

    reads: Plan
    writes: Plan
    orders: Plan
    map_seats: int
    reserve_seats: int
    order_seats: int
    commit_seats: int
    best_seats: int
    rush_seats: int
    rush_fans: int
    best_events: int
    streams: int
    boards: int
    events: int
    search_seconds: float
    entries: int
    sale_fans: int
    sale_kinds: int
    sale_seeds: int


# Minutes of medians for the figures that are published.
FULL = Sizes(
    reads=Plan(9, 1.5), writes=Plan(9, 0.8), orders=Plan(5, 2.0),
    map_seats=60_000, reserve_seats=100_000, order_seats=30_000,
    commit_seats=8_000, best_seats=20_000, best_events=12,
    rush_seats=20_000, rush_fans=100_000,
    streams=8_000, boards=8, events=10_000, search_seconds=20.0, entries=1_000_000,
    sale_fans=60_000, sale_kinds=6, sale_seeds=3,
)  # fmt: skip
# Two minutes, for every change: good enough to see that a path has become a third slower.
QUICK = Sizes(
    reads=Plan(3, 0.5), writes=Plan(3, 0.4), orders=Plan(2, 1.0),
    map_seats=60_000, reserve_seats=20_000, order_seats=6_000,
    commit_seats=2_000, best_seats=20_000, best_events=4,
    rush_seats=2_000, rush_fans=10_000,
    streams=2_000, boards=3, events=10_000, search_seconds=3.0, entries=100_000,
    sale_fans=60_000, sale_kinds=6, sale_seeds=1,
)  # fmt: skip
# Seconds, for the test of the bench itself; the figures say nothing.
TINY = Sizes(
    reads=Plan(1, 0.1), writes=Plan(1, 0.1), orders=Plan(1, 0.1),
    map_seats=1_000, reserve_seats=4_000, order_seats=1_000,
    commit_seats=1_000, best_seats=2_000, best_events=4,
    rush_seats=1_000, rush_fans=1_000,
    streams=50, boards=2, events=200, search_seconds=0.5, entries=5_000,
    sale_fans=2_000, sale_kinds=1, sale_seeds=1,
)  # fmt: skip
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}


def best_events(sizes: Sizes) -> list[str]:
    """Return the events whose best seats are asked for."""
    return [f"bench-best-{number}" for number in range(sizes.best_events)]


async def measure(sizes: Sizes, tell: Callable[[str], None]) -> list[Row]:
    """Return the rows of all paths."""
    async with AsyncExitStack() as stack:
        tell("starting private servers")
        installation = await stack.enter_async_context(installed())
        async with open_pool(installation.database_url) as pool:
            tell("putting seats on sale")
            seats = await put_on_sale(
                pool,
                {
                    MAP_EVENT: sizes.map_seats,
                    RESERVE_EVENT: sizes.reserve_seats,
                    ORDER_EVENT: sizes.order_seats,
                    HOUSE_EVENT: sizes.map_seats,
                    RUSH_EVENT: sizes.rush_seats,
                    COMMIT_EVENT: sizes.commit_seats,
                    **dict.fromkeys(best_events(sizes), sizes.best_seats),
                },
            )
            await stack.enter_async_context(installation.floors(server_core()))
            rows = await measure_alone(installation, pool, sizes, seats, tell)
            rows += await measure_houses(installation, pool, sizes, tell)
            tell("the two commits of an order")
            rows += await measure_commits(installation, pool, COMMIT_EVENT, seats[COMMIT_EVENT])
            rows += await measure_together(installation, pool, sizes, seats, tell)
            tell("the door to a shop over HTTP, against a bare one")
            with pinned(installation):
                rows.append(await measure_door(installation, sizes.reads))
            tell("waiting fans with open streams")
            async with installation.gateway(core=server_core()):
                rows.append(await measure_streams(installation, sizes.streams, sizes.boards))
            tell(f"search over {sizes.events:,} events")
            await fill_catalogue(pool, sizes.events)
            async with installation.gateway():
                rows.append(await measure_search(installation, sizes.events, sizes.search_seconds))
        tell(f"the draw of {sizes.entries:,} entries")
        rows.append(await measure_draw(installation, sizes.entries))
        tell("sales on a virtual clock")
        rows += measure_ahead(sizes.sale_fans, sizes.sale_kinds, sizes.sale_seeds)
        tell("bare script")
        bare = await measure_bare_script(installation.redis_url)
    for row in rows:
        if row.path == "reserve":
            row.more["bare_script"] = bare
    return rows


@contextmanager
def pinned(installation: Installation) -> Iterator[None]:
    """Keep ourselves and Redis off the core of the measured server while the block runs."""
    core = other_core()
    if core is None:
        yield
        return
    pids = (os.getpid(), installation.pid("redis"))
    for pid in pids:
        pin(pid, [core])
    try:
        yield
    finally:
        for pid in pids:
            pin(pid, ALL_CORES)


async def measure_alone(
    installation: Installation,
    pool: Pool,
    sizes: Sizes,
    seats: dict[str, list[str]],
    tell: Callable[[str], None],
) -> list[Row]:
    """Measure what is compared with a floor: one server process on a core of its own."""
    async with installation.gateway(core=server_core()):
        with pinned(installation):
            tell("poll and snapshot, against the bare framework")
            rows = await measure_reads(installation, MAP_EVENT, seats[MAP_EVENT], sizes.reads)
            tell("join, its bot checks, and reserve, against one script call and a row lock")
            rows += await measure_writes(
                installation, pool, RESERVE_EVENT, seats[RESERVE_EVENT], sizes.writes
            )
            tell("the best four of a house")
            events = best_events(sizes)
            return [
                *rows, await measure_best(installation, events, sizes.best_seats, sizes.writes)
            ]  # fmt: skip


async def measure_houses(
    installation: Installation, pool: Pool, sizes: Sizes, tell: Callable[[str], None]
) -> list[Row]:
    """Measure one house alone, and a sell-out."""
    async with installation.gateway(core=server_core()):
        with pinned(installation):
            tell("a house held by twos, without HTTP")
            rows = await measure_house(installation, pool, HOUSE_EVENT)
            tell(f"a sell-out to {sizes.rush_fans:,} fans")
            return [
                *rows,
                await measure_sell_out(installation, RUSH_EVENT, sizes.rush_seats, sizes.rush_fans),
            ]


async def measure_together(
    installation: Installation,
    pool: Pool,
    sizes: Sizes,
    seats: dict[str, list[str]],
    tell: Callable[[str], None],
) -> list[Row]:
    """Measure orders with everything that `onsale up` runs on two cores, and a loss of the store."""
    tell("orders, with two gateways, the worker and the payment provider")
    async with (
        installation.provider(),
        installation.gateway(),
        installation.gateway("gateway-2"),
        installation.worker(),
    ):
        async with watched_lag(installation, pool, ORDER_EVENT) as lag_row:
            orders = await measure_orders(
                installation, ORDER_EVENT, seats[ORDER_EVENT], sizes.orders
            )
        tell(f"an emptied store: {sizes.reserve_seats:,} seats back")
        recovery = await measure_recovery(installation, RESERVE_EVENT, seats[RESERVE_EVENT])
        return [orders, lag_row(), recovery]


@click.command()
@click.option("--quick", "size", flag_value="quick", help="Two minutes, for every change.")
@click.option("--tiny", "size", flag_value="tiny", hidden=True)
@click.option("--full", "size", flag_value="full", default=True, help="The published figures.")
@click.option("--write-readme", is_flag=True, help="Put the last figures into README.md.")
@click.option("--date", default="", help="The day to name in README.md; today without it.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=False)
def main(size: str, write_readme: bool, date: str, results: Path) -> None:
    """Measure every budget of the design against its floor."""
    console = Console()
    if write_readme:
        date = date or f"{datetime.now(UTC):%Y-%m-%d}"
        update_readme(read_results(results), date)
        console.print(f"README.md has the figures of {results.name} now.")
        return
    console.print(f"[bold]Onsale bench[/] ({size}): {description()}")
    rows = uvloop.run(measure(SIZES[size], lambda text: console.print(f"[dim]· {text}[/]")))
    write_results(rows, results)
    print_table(console, rows)


if __name__ == "__main__":
    main()
