"""`onsale event …`: put events on sale."""

from pathlib import Path
from typing import Any

import click

from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.import_event import import_event_file
from onsale.connections import data_dir_option, with_pool
from onsale.sale_commands import MOMENT_FORMATS


@click.group()
def event() -> None:
    """Put events on sale."""


def draft_options(command: Any) -> Any:
    """Add the options that say what an event is."""
    for option in (
        click.option("--event", "event_id", required=True, help="Its id, as in addresses."),
        click.option("--sale", "sale_id", required=True),
        click.option("--name", required=True),
        click.option("--starts-at", type=click.DateTime(MOMENT_FORMATS), required=True),
        click.option("--currency", default="EUR", show_default=True),
        click.option("--venue", default=""),
        click.option("--city", default=""),
        click.option("--category", default=""),
        click.option("--description", default=""),
        click.option("--seats-max", type=int, default=8, show_default=True, help="For each fan."),
        data_dir_option,
    ):
        command = option(command)
    return command


def read_price(text: str) -> tuple[str, int]:
    """Return name and price of `NAME=4500` (minor units)."""
    name, found, price = text.rpartition("=")
    if not found or not price.isdigit() or not name:
        raise click.BadParameter(f"{text!r} is not NAME=PRICE with a price in minor units")
    return name, int(price)


@event.command("import")
@click.argument("plan", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--price", "prices", multiple=True, help="CATEGORY=PRICE in minor units; repeat.")
@click.option("--default-price", type=int, help="For categories without a price of their own.")
@click.option("--ignore-unknown", is_flag=True, help="Pass over keys the format does not have.")
@draft_options
def import_event(
    plan: Path,
    prices: tuple[str, ...],
    default_price: int | None,
    ignore_unknown: bool,
    data_dir: Path,
    **given: Any,
) -> None:
    """Put an event on sale with the seats of a pretix seating plan."""
    wanted = dict(read_price(text) for text in prices)
    report = with_pool(
        data_dir,
        lambda pool: import_event_file(
            pool,
            plan,
            EventDraft(**given),
            wanted,
            default_price,
            ignore_unknown=ignore_unknown,
        ),
    )
    for line in report.lines():
        click.echo(line)
    click.echo(f"{given['event_id']} is on sale")


@event.command()
@click.option("--stock", "stock", multiple=True, required=True, help="TIER=PRICE:QUANTITY; repeat.")
@draft_options
def create(stock: tuple[str, ...], data_dir: Path, **given: Any) -> None:
    """Put an event without seats on sale."""
    tiers = []
    for text in stock:
        head, found, quantity = text.rpartition(":")
        if not found or not quantity.isdigit():
            raise click.BadParameter(f"{text!r} is not TIER=PRICE:QUANTITY")
        tier, price = read_price(head)
        tiers.append(StockTier(tier, tier, price, int(quantity)))
    draft = EventDraft(**given, stock=tuple(tiers))
    with_pool(data_dir, lambda pool: Catalog(pool).create_event(draft))
    click.echo(f"{given['event_id']} is on sale")
