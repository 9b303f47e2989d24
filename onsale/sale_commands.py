"""`onsale sale …`: make sales and steer them. Running processes follow within about a second."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.waiting_room.brands import BrandRecords
from gateway.waiting_room.sale_lanes import SaleLane
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock
from onsale.brand_options import brand_options, dressing
from onsale.code_commands import codes
from onsale.connections import data_dir_option, with_pool
from onsale.draw_options import draw_options, planned, tell
from onsale.lane_options import lane_option, with_lanes
from onsale.sale_show import show

MOMENT_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M%z"]


def switches(command: Callable[..., None]) -> Callable[..., None]:
    """Add what is on or off in a sale, and may be changed while it runs."""
    for name, text, default in (
        ("step-up-unbound", "Fans whose browser keeps no key pass one more check.", "off"),
        ("tells-odds", "Tell fans whether they are likely to be served.", "on"),
        ("stock-aware", "Call no more fans than what is left is enough for.", "on"),
    ):
        option = click.option(
            f"--{name}/--no-{name}", default=None, help=f"{text}  [default: {default}]"
        )
        command = option(command)
    return command


@click.group()
def sale() -> None:
    """Make sales and steer them."""


sale.add_command(show)
sale.add_command(codes)


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
@click.option(
    "--one-per-mailbox",
    is_flag=True,
    help="Each fan confirms an e-mail address, and has one place and one limit of seats by it.",
)
@lane_option
@switches
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
    no_clusters: bool,
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
        **named(given),
    )
    plan = planned(
        made.opens_at, now, beacon, beacon_wait, no_draw=no_draw, no_clusters=no_clusters
    )
    with_pool(data_dir, lambda pool: SaleRecords(pool).create(made, plan))
    if dress:
        with_pool(data_dir, dress)
    click.echo(f"{made.sale_id} opens {made.opens_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    if plan is not None:
        tell(plan, made.opens_at_ms)


def named(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given; the others keep what they are, or their default."""
    return {name: value for name, value in given.items() if value is not None}


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
    """Go on after a pause, or take fans in again after a drain."""
    change(data_dir, sale_id, state="open", pause_reason="")


@sale.command()
@click.argument("sale_id")
@data_dir_option
def drain(sale_id: str, data_dir: Path) -> None:
    """Take nobody new into the line; who waits is still called. Undone by resume."""
    change(data_dir, sale_id, state="draining", pause_reason="")


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
@click.option("--message", help="Shown to everybody who waits; empty takes it down.")
@lane_option
@switches
@data_dir_option
def set_sale(sale_id: str, data_dir: Path, lanes: tuple[SaleLane, ...], **given: Any) -> None:
    """Change what is named: rate, burst, capacity, message, or what is on or off.

    A lane that is new comes behind those there are.
    """
    changes = named(given)
    if lanes:
        found = with_pool(data_dir, lambda pool: SaleRecords(pool).get(sale_id))
        changes["lanes"] = with_lanes(found.lanes, lanes)
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


@sale.command("list")
@data_dir_option
def list_sales(data_dir: Path) -> None:
    """List all sales."""
    now_ms = SystemClock().now_ms()
    for found in with_pool(data_dir, lambda pool: SaleRecords(pool).all()):
        click.echo(f"{found.sale_id}\t{found.phase(now_ms)}\t{found.name}")
