"""`onsale event channel|keep|give-back|kept`: seats that only some may sell."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from booking_core.seats.kept_seats import (
    give_back_seats,
    keep_seats,
    kept_seats,
    make_channel,
    seats_of,
)
from groundwork.clock import SystemTokenSource
from groundwork.errors import RequestInvalid
from groundwork.postgres import Pool
from onsale.connections import data_dir_option, with_pool


def seat_options(command: Any) -> Any:
    """Add the options that say which seats are meant."""
    for option in (
        click.option("--seat", "seat_ids", multiple=True, help="A seat's id; repeat."),
        click.option("--section", help="All seats of a section, or of --row in it."),
        click.option("--row", "row_name", help="The seats of one row of --section."),
        data_dir_option,
    ):
        command = option(command)
    return command


async def chosen(
    pool: Pool, event_id: str, seat_ids: tuple[str, ...], section: str | None, row_name: str | None
) -> list[str]:
    """Return the seats that the options mean. Raises RequestInvalid for none."""
    if section is None:
        if row_name is not None:
            raise RequestInvalid("row", "needs --section: names of rows repeat")
        found = list(seat_ids)
    else:
        found = [*seat_ids, *await seats_of(pool, event_id, section, row_name)]
    if not found:
        raise RequestInvalid("seats", "say which: --seat, or --section with or without --row")
    return list(dict.fromkeys(found))


@click.command("channel")
@click.argument("event_id")
@click.argument("channel")
@data_dir_option
def channel(event_id: str, channel: str, data_dir: Path) -> None:
    """Make a channel (house, press) and a key for its people; a key of before counts no more."""
    key = with_pool(
        data_dir, lambda pool: make_channel(pool, SystemTokenSource(), event_id, channel)
    )
    click.echo(f"The key of {channel}, shown this once: {key}")


@click.command("keep")
@click.argument("event_id")
@click.option("--for", "kept_for", required=True, help="The channel; `kill` for nobody.")
@click.option("--reason", required=True, help="For whoever looks later.")
@seat_options
def keep(
    event_id: str,
    kept_for: str,
    reason: str,
    seat_ids: tuple[str, ...],
    section: str | None,
    row_name: str | None,
    data_dir: Path,
) -> None:
    """Keep seats for a channel, a second from now; what somebody has stays theirs."""

    async def work(pool: Pool) -> int:
        seats = await chosen(pool, event_id, seat_ids, section, row_name)
        return await keep_seats(pool, event_id, seats, kept_for, reason)

    click.echo(f"{with_pool(data_dir, work)} seats are kept for {kept_for}")


@click.command("give-back")
@click.argument("event_id")
@seat_options
def give_back(
    event_id: str,
    seat_ids: tuple[str, ...],
    section: str | None,
    row_name: str | None,
    data_dir: Path,
) -> None:
    """Let anybody buy seats that were kept for a channel."""

    async def work(pool: Pool) -> int:
        seats = await chosen(pool, event_id, seat_ids, section, row_name)
        return await give_back_seats(pool, event_id, seats)

    click.echo(f"{with_pool(data_dir, work)} seats are for anybody again")


@click.command("kept")
@click.argument("event_id")
@data_dir_option
def kept(event_id: str, data_dir: Path) -> None:
    """Show which seats are kept for whom, and why."""
    table = Table("Channel", "Seats", "Reason", "Since")
    for line in with_pool(data_dir, lambda pool: kept_seats(pool, event_id)):
        since = f"{line.since:%Y-%m-%d %H:%M}"
        table.add_row(line.channel, f"{line.count:,}", line.reason, since)
    Console().print(table)


COMMANDS = (channel, keep, give_back, kept)
