"""`onsale sale …`: make sales and steer them. Running processes follow within about a second."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway.waiting_room.brands import BrandRecords
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock
from groundwork.redis_store import open_store
from lua.keys import sale_keys
from onsale.brand_options import brand_options, dressing
from onsale.connections import data_dir_option, redis_url, with_pool
from onsale.draw_options import draw_options, planned, tell

MOMENT_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M%z"]


@click.group()
def sale() -> None:
    """Make sales and steer them."""


@sale.command()
@click.argument("sale_id")
@click.option("--name", required=True)
@click.option(
    "--opens-at", type=click.DateTime(MOMENT_FORMATS), help="With time zone; now if absent."
)
@click.option("--rate", "rate_per_minute", type=int, default=600, show_default=True)
@click.option("--burst", type=int, help="A second's worth if absent.")
@click.option("--capacity", type=int, default=1_000, show_default=True, help="Fans inside at most.")
@click.option("--message", default="")
@brand_options
@draw_options
@data_dir_option
def create(
    data_dir: Path,
    opens_at: datetime | None,
    burst: int | None,
    colour: str | None,
    logo: Path | None,
    image: Path | None,
    beacon: str | None,
    beacon_wait: int,
    no_draw: bool,
    **given: Any,
) -> None:
    """Make a sale. Who comes before it opens takes part in a draw of the places."""
    dress = dressing(given["sale_id"], colour, logo, image)
    now = datetime.fromtimestamp(SystemClock().now_ms() // 1000, UTC)
    made = Sale(
        state="open",
        pause_reason="",
        opens_at=opens_at or now,
        burst=burst or max(1, given["rate_per_minute"] // 60),
        **given,
    )
    plan = planned(made.opens_at, now, beacon, beacon_wait, no_draw=no_draw)
    with_pool(data_dir, lambda pool: SaleRecords(pool).create(made, plan))
    if dress:
        with_pool(data_dir, dress)
    click.echo(f"{made.sale_id} opens {made.opens_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    if plan is not None:
        tell(plan, made.opens_at_ms)


def change(data_dir: Path, sale_id: str, **changes: object) -> None:
    """Change the sale and say how it stands."""
    changed = with_pool(data_dir, lambda pool: SaleRecords(pool).change(sale_id, **changes))
    click.echo(
        f"{changed.sale_id} is {changed.phase(SystemClock().now_ms())},"
        f" {changed.rate_per_minute} a minute, {changed.capacity} inside at most"
    )


@sale.command("open")
@click.argument("sale_id")
@data_dir_option
def open_sale(sale_id: str, data_dir: Path) -> None:
    """Open a sale now, whatever its hour."""
    now = datetime.fromtimestamp(SystemClock().now_ms() // 1000, UTC)
    found = with_pool(data_dir, lambda pool: SaleRecords(pool).get(sale_id))
    opens_at = min(now, found.opens_at)
    change(data_dir, sale_id, state="open", pause_reason="", opens_at=opens_at)


@sale.command()
@click.argument("sale_id")
@click.option("--reason", default="", help="Shown to everybody who waits.")
@data_dir_option
def pause(sale_id: str, reason: str, data_dir: Path) -> None:
    """Let nobody in for a while; places stay."""
    change(data_dir, sale_id, state="paused", pause_reason=reason)


@sale.command()
@click.argument("sale_id")
@data_dir_option
def resume(sale_id: str, data_dir: Path) -> None:
    """Go on after a pause."""
    change(data_dir, sale_id, state="open", pause_reason="")


@sale.command()
@click.argument("sale_id")
@data_dir_option
def close(sale_id: str, data_dir: Path) -> None:
    """End a sale."""
    change(data_dir, sale_id, state="closed", pause_reason="")


@sale.command("set")
@click.argument("sale_id")
@click.option("--rate", "rate_per_minute", type=int)
@click.option("--burst", type=int)
@click.option("--capacity", type=int)
@click.option("--message")
@data_dir_option
def set_sale(sale_id: str, data_dir: Path, **given: Any) -> None:
    """Change the rate, the capacity, or the message to those who wait."""
    changes = {name: value for name, value in given.items() if value is not None}
    change(data_dir, sale_id, **changes)


@sale.command()
@click.argument("sale_id")
@brand_options
@click.option(
    "--clear", is_flag=True, help="Look as every sale does again, before the rest is given."
)
@data_dir_option
def brand(
    sale_id: str,
    data_dir: Path,
    colour: str | None,
    logo: Path | None,
    image: Path | None,
    *,
    clear: bool,
) -> None:
    """Give a sale its colour, its logo and its picture; what is not named stays as it is."""
    dress = dressing(sale_id, colour, logo, image)
    if clear:
        with_pool(data_dir, lambda pool: BrandRecords(pool).undress(sale_id))
    if dress:
        with_pool(data_dir, dress)
    found = with_pool(data_dir, lambda pool: SaleRecords(pool).get(sale_id)).brand
    parts = [name for name in ("logo", "image") if found and getattr(found, name)]
    colour_now = found.colour if found else None
    click.echo(f"{sale_id} has {' and '.join([colour_now or 'our colours', *parts])}")


@sale.command()
@click.argument("sale_id")
@data_dir_option
def show(sale_id: str, data_dir: Path) -> None:
    """Show how a sale and its line stand."""
    found = with_pool(data_dir, lambda pool: SaleRecords(pool).get(sale_id))
    line, inside = asyncio.run(read_line(redis_url(data_dir), sale_id))
    table = Table.grid(padding=(0, 2))
    table.add_row("sale", f"{found.sale_id} · {found.name}")
    table.add_row(
        "phase",
        found.phase(SystemClock().now_ms())
        + (f" · {found.pause_reason}" if found.pause_reason else ""),
    )
    if found.draw is not None:
        table.add_row("draw", f"{found.draw.state}, {found.draw.entries} entries")
    table.add_row("opens at", f"{found.opens_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("rate", f"{found.rate_per_minute} a minute, bursts of {found.burst}")
    table.add_row("inside", f"{inside} of {found.capacity}")
    table.add_row("serving", line.get("serving", "0"))
    table.add_row("last place", line.get("last_place", "0"))
    table.add_row("message", found.message or "–")
    table.add_row("events", ", ".join(found.event_ids) or "–")
    Console().print(table)


async def read_line(url: str, sale_id: str) -> tuple[dict[str, str], int]:
    """Return the line's numbers and how many fans are inside."""
    async with open_store(url) as store:
        line = await store.client.hgetall(sale_keys(sale_id)["line"])
        return {str(name): str(value) for name, value in line.items()}, int(
            await store.client.zcard(sale_keys(sale_id)["visits"])
        )


@sale.command("list")
@data_dir_option
def list_sales(data_dir: Path) -> None:
    """List all sales."""
    now_ms = SystemClock().now_ms()
    for found in with_pool(data_dir, lambda pool: SaleRecords(pool).all()):
        click.echo(f"{found.sale_id}\t{found.phase(now_ms)}\t{found.name}")
