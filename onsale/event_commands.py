"""`onsale event …`: put events on sale."""

import random
from pathlib import Path
from typing import Any, Final

import click

from booking_core.catalog.charges import Charge
from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.export_event import export_event
from booking_core.catalog.import_event import PlanFiles, import_event_file, read_plan
from booking_core.catalog.plan_extras import NO_EXTRAS, write_extras
from booking_core.catalog.plan_source import PlanSource
from booking_core.catalog.pretix_format import write_pretix
from booking_core.catalog.venues import KINDS, make_venue
from groundwork.postgres import Pool
from onsale.cannot_start import named_file
from onsale.connections import data_dir_option, with_pool
from onsale.sale_commands import MOMENT_FORMATS
from onsale.term_options import cancel_option, charge_options, minutes_of

FILE: Any = click.Path(path_type=Path, exists=True, dir_okay=False)
NEW_FILE: Any = click.Path(path_type=Path, dir_okay=False)
TIME_ZONE_HELP: Final = "Whose clock pages and tickets tell its beginning in: Europe/Berlin."


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
        click.option("--time-zone", default="UTC", show_default=True, help=TIME_ZONE_HELP),
        click.option("--currency", default="EUR", show_default=True),
        click.option("--venue", default=""),
        click.option("--city", default=""),
        click.option("--category", default=""),
        click.option("--description", default=""),
        click.option("--seats-max", type=int, default=8, show_default=True, help="For each fan."),
        click.option(
            "--orphan-rule",
            "has_orphan_rule",
            is_flag=True,
            help="Nobody may leave a single seat alone where another choice avoids it.",
        ),
        cancel_option,
        charge_options,
        data_dir_option,
    ):
        command = option(command)
    return command


def read_draft(given: dict[str, Any], stock: tuple[str, ...]) -> EventDraft:
    """Return the draft that the options of `draft_options` describe."""
    minutes = minutes_of(given.pop("cancel_until"))
    charges = given.pop("fees") + given.pop("taxes")
    tiers = tuple(read_stock(text) for text in stock)
    return EventDraft(**given, cancel_minutes=minutes, charges=charges, stock=tiers)


def read_price(text: str) -> tuple[str, int]:
    """Return name and price of `NAME=4500` (minor units)."""
    name, found, price = text.rpartition("=")
    if not found or not price.isdigit() or not name:
        raise click.BadParameter(f"{text!r} is not NAME=PRICE with a price in minor units")
    return name, int(price)


def plan_options(command: Any) -> Any:
    """Add the files of a plan and how they are read."""
    for option in (
        click.argument("plan", type=FILE),
        click.option("--side-file", type=FILE, help="What the plan's format cannot say."),
        click.option("--leave-out", multiple=True, help="A category that is not for sale; repeat."),
        click.option(
            "--ignore-unknown", is_flag=True, help="Pass over keys the format does not have."
        ),
    ):
        command = option(command)
    return command


@event.command("import")
@click.option("--price", "prices", multiple=True, help="CATEGORY=PRICE in minor units; repeat.")
@click.option("--default-price", type=int, help="For categories without a price of their own.")
@click.option("--stock", multiple=True, help="Standing places: TIER=PRICE:QUANTITY; repeat.")
@plan_options
@draft_options
def import_event(
    plan: Path,
    side_file: Path | None,
    leave_out: tuple[str, ...],
    ignore_unknown: bool,
    prices: tuple[str, ...],
    default_price: int | None,
    stock: tuple[str, ...],
    data_dir: Path,
    **given: Any,
) -> None:
    """Put an event on sale with the seats of a plan: pretix's JSON, or CSV.

    The side file says what the format cannot: accessible seats, companions, restricted views,
    aisles, standing places.
    """
    wanted = dict(read_price(text) for text in prices)
    draft = read_draft(given, stock)
    files = PlanFiles(
        plan=plan, side_file=side_file, leave_out=leave_out, ignore_unknown=ignore_unknown
    )
    report = with_pool(
        data_dir, lambda pool: import_event_file(pool, files, draft, wanted, default_price)
    )
    for line in report.lines():
        click.echo(line)
    click.echo(f"{given['event_id']} is on sale")


@event.command("check")
@plan_options
def check_plan(plan: Path, side_file: Path | None, **given: Any) -> None:
    """Say what is wrong in a plan and where, or what an import would do to it."""
    imported = read_plan(PlanFiles(plan=plan, side_file=side_file, **given))
    for line in imported.report.lines():
        click.echo(line)


@event.command("export")
@click.option("--event", "event_id", required=True)
@click.option("--out", type=NEW_FILE, required=True, help="Where the plan goes.")
@click.option("--side-file", type=NEW_FILE, help="Where goes what the format cannot say.")
@data_dir_option
def export(event_id: str, out: Path, side_file: Path | None, data_dir: Path) -> None:
    """Write an event's seats as a pretix seating plan; importing it gives the same seats again."""
    write_source(with_pool(data_dir, lambda pool: export_event(pool, event_id)), out, side_file)


@event.command("generate")
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.option("--seats", type=int, help="How many; without it, as many as are usual.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same gives the same.")
@click.option("--out", type=NEW_FILE, required=True, help="Where the plan goes.")
@click.option("--side-file", type=NEW_FILE, help="Where goes what the format cannot say.")
def generate(kind: str, seats: int | None, seed: int, out: Path, side_file: Path | None) -> None:
    """Make the plan of a venue that there is not, to try out and rehearse with."""
    chance = random.Random(seed)  # noqa: S311 (which seats are behind a pillar)
    write_source(make_venue(kind, seats, chance), out, side_file)


def write_source(source: PlanSource, out: Path, side_file: Path | None) -> None:
    """Write the files of a plan, and say which, and what is lost without the side file."""
    with named_file(out):
        out.write_bytes(write_pretix(source.pretix))
    click.echo(f"wrote {out}")
    if side_file:
        with named_file(side_file):
            side_file.write_bytes(write_extras(source.extras))
        click.echo(f"wrote {side_file}")
    elif source.extras != NO_EXTRAS:
        click.echo("There is more to say than the format can: add --side-file to keep it.")


def read_stock(text: str) -> StockTier:
    """Return the tier of `TIER=PRICE:QUANTITY`."""
    head, found, quantity = text.rpartition(":")
    if not found or not quantity.isdigit():
        raise click.BadParameter(f"{text!r} is not TIER=PRICE:QUANTITY")
    tier, price = read_price(head)
    return StockTier(tier, tier, price, int(quantity))


@event.command()
@click.option("--stock", "stock", multiple=True, required=True, help="TIER=PRICE:QUANTITY; repeat.")
@draft_options
def create(stock: tuple[str, ...], data_dir: Path, **given: Any) -> None:
    """Put an event without seats on sale."""
    draft = read_draft(given, stock)
    with_pool(data_dir, lambda pool: Catalog(pool).create_event(draft))
    click.echo(f"{draft.event_id} is on sale")


@event.command("set")
@click.argument("event_id")
@cancel_option
@charge_options
@click.option("--no-charges", is_flag=True, help="Take all fees and taxes away.")
@click.option("--time-zone", help=TIME_ZONE_HELP)
@data_dir_option
def set_event(
    event_id: str,
    cancel_until: str | None,
    fees: tuple[Charge, ...],
    taxes: tuple[Charge, ...],
    no_charges: bool,
    time_zone: str | None,
    data_dir: Path,
) -> None:
    """Change what is named. Fees and taxes, all of them anew, only before the first order."""
    charges = fees + taxes
    if no_charges and charges:
        raise click.UsageError("either --no-charges, or some")
    if cancel_until is None and time_zone is None and not charges and not no_charges:
        raise click.UsageError("name something to change")

    async def change(pool: Pool) -> None:
        catalog = Catalog(pool)
        if charges or no_charges:
            await catalog.set_charges(event_id, charges)
        if cancel_until is not None:
            await catalog.set_cancel_minutes(event_id, minutes_of(cancel_until))
        if time_zone is not None:
            await catalog.set_time_zone(event_id, time_zone)

    with_pool(data_dir, change)
    click.echo(f"{event_id} is changed")
