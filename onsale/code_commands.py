"""`onsale sale codes …`: codes that let their holders into a group's lane."""

import csv
import os
import random
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from gateway.waiting_room.access_codes import CODES_SECRET, AccessCodes
from gateway.waiting_room.sales import SaleRecords
from groundwork.clock import SystemClock
from groundwork.errors import RequestInvalid
from groundwork.keys import KeyRing
from groundwork.postgres import Pool
from onsale.cannot_start import named_file
from onsale.connections import data_dir_option, keys_file, with_pool

Result = TypeVar("Result")


@click.group()
def codes() -> None:
    """Make, list and revoke access codes."""


def with_codes(
    data_dir: Path, sale_id: str, work: Callable[[AccessCodes], Awaitable[Result]]
) -> Result:
    """Return what the work returns that it does on the codes of a sale that exists."""
    secret = KeyRing.load(keys_file(data_dir)).secret(CODES_SECRET)

    async def do(pool: Pool) -> Result:
        await SaleRecords(pool).get(sale_id)
        return await work(AccessCodes(pool, secret))

    return with_pool(data_dir, do)


def batch_now() -> str:
    """Return a name for what is made now."""
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    return f"{now:%Y%m%d-%H%M%S}-{random.SystemRandom().randrange(1000):03}"


@codes.command()
@click.argument("sale_id")
@click.option("--lane", required=True, help="The group whose lane the codes open.")
@click.option("--count", type=int, default=1, show_default=True)
@click.option("--uses", "uses_max", type=int, default=1, show_default=True, help="Fans for each.")
@click.option("--code", "word", help="A word of your own choice, for many; instead of --count.")
@click.option("--batch", help="What to list and revoke them by; the moment if absent.")
@click.option("--out", type=click.Path(path_type=Path), help="A CSV file, instead of the screen.")
@data_dir_option
def create(
    sale_id: str,
    data_dir: Path,
    lane: str,
    count: int,
    uses_max: int,
    word: str | None,
    batch: str | None,
    out: Path | None,
) -> None:
    """Make codes. They are shown this once; afterwards nobody can read them, we neither."""
    batch = batch or batch_now()
    if lane not in with_pool(data_dir, lambda pool: SaleRecords(pool).get(sale_id)).lane_ids[:-1]:
        raise RequestInvalid("lane", f"must be a lane of {sale_id}: see `onsale sale set --lane`")

    async def make(access_codes: AccessCodes) -> list[str]:
        if word is not None:
            return [await access_codes.add(sale_id, lane, word, uses_max, batch)]
        return await access_codes.create(
            sale_id, lane, count, uses_max, batch, random.SystemRandom()
        )

    # Opened first: codes that cannot be written down must not be made.
    stream = _private_file(out) if out else None
    made = with_codes(data_dir, sale_id, make)
    if stream is None:
        click.echo("\n".join(made))
    else:
        with os.fdopen(stream, "w", encoding="utf-8", newline="") as opened:
            rows = csv.writer(opened)
            rows.writerow(["code", "lane", "uses", "batch"])
            rows.writerows([code, lane, uses_max, batch] for code in made)
    click.echo(f"{len(made)} codes for {lane}, batch {batch}", err=True)


def _private_file(path: Path) -> int:
    """Open a new file that others cannot read: who has the codes goes first."""
    with named_file(path):
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise click.UsageError(f"{path} exists already; it is not overwritten") from error


@codes.command("list")
@click.argument("sale_id")
@data_dir_option
def list_codes(sale_id: str, data_dir: Path) -> None:
    """List a sale's codes by the lots they were made in. The codes themselves are not kept."""
    table = Table("batch", "lane", "codes", "used", "of", "revoked", "made at")
    for lot in with_codes(data_dir, sale_id, lambda access_codes: access_codes.batches(sale_id)):
        table.add_row(
            lot.batch,
            lot.lane,
            *(str(number) for number in (lot.codes, lot.uses, lot.uses_max, lot.revoked)),
            f"{lot.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        )
    Console().print(table)


@codes.command()
@click.argument("sale_id")
@click.option("--code", help="The one code; - reads it from standard input.")
@click.option("--batch", help="All codes of a lot.")
@data_dir_option
def revoke(sale_id: str, code: str | None, batch: str | None, data_dir: Path) -> None:
    """Let nobody new in by a code. Who has used it keeps their place."""
    if (code is None) == (batch is None):
        raise click.UsageError("name a --code or a --batch")
    if code == "-":
        code = sys.stdin.readline()
    revoked = with_codes(
        data_dir,
        sale_id,
        lambda access_codes: access_codes.revoke(sale_id, code=code, batch=batch),
    )
    click.echo(f"{revoked} codes revoked")
