"""`onsale networks …` and `onsale fan …`: lists of networks, and what was noted of a fan."""

import urllib.request
from pathlib import Path
from typing import Final

import click

from gateway.bot_checks.network_lists import KINDS, networks_in, write_list
from gateway.bot_checks.signal_notes import SignalNotes
from gateway.bot_checks.signals import SIGNALS, score
from groundwork.errors import RequestInvalid
from groundwork.postgres import Pool
from onsale.connections import data_dir_option, with_pool

# The largest list of a cloud has five megabytes.
BYTES_MAX: Final = 64 * 1024 * 1024
FETCH_SECONDS_MAX: Final = 60


@click.group()
def networks() -> None:
    """Lists of networks that bot checks go by."""


@networks.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What lies in them.")
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, envvar="NETWORK_LISTS",
    help="Where the lists are kept; NETWORK_LISTS of the gateways.",
)  # fmt: skip
def update(sources: tuple[str, ...], kind: str, folder: Path) -> None:
    """Put the networks of files or addresses (https://…) in place of the list of a kind.

    Takes lines, CSV and JSON as clouds, Tor and relays publish them. Running gateways follow within
    half a minute. When a source cannot be read, or has no network, the old list stays.
    """
    found = set()
    for source in sources:
        listed = networks_in(read_source(source))
        if not listed:
            raise RequestInvalid("source", f"has no network: {source}")
        found.update(listed)
    click.echo(f"{write_list(folder, kind, found)} networks of kind {kind} in {folder}")


def read_source(source: str) -> str:
    """Return the text of a file, or of an https address."""
    try:
        if source.startswith("https://"):
            with urllib.request.urlopen(source, timeout=FETCH_SECONDS_MAX) as answer:  # noqa: S310 (https alone)
                content: bytes = answer.read(BYTES_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise RequestInvalid("source", f"cannot be read: {source}: {error}") from error
    if len(content) > BYTES_MAX:
        raise RequestInvalid("source", f"is larger than {BYTES_MAX} bytes: {source}")
    return content.decode("utf-8", "replace")


@click.group()
def fan() -> None:
    """What was noted of one fan, for whoever answers them."""


@fan.command()
@click.argument("sale_id")
@click.argument("fan_id")
@data_dir_option
def show(sale_id: str, fan_id: str, data_dir: Path) -> None:
    """Tell what was noted of a fan, and when."""
    notes = with_pool(data_dir, lambda pool: SignalNotes(pool).history(sale_id, fan_id))
    for note in notes:
        points = SIGNALS[note.code].points if note.code in SIGNALS else 0
        click.echo(f"{note.noted_at:%Y-%m-%d %H:%M:%S}  {points:+4}  {note.code}")
    click.echo(f"score {score([note.code for note in notes])} of 100")


@fan.command()
@click.argument("sale_id")
@click.argument("fan_id")
@data_dir_option
def release(sale_id: str, fan_id: str, data_dir: Path) -> None:
    """Let nothing that was noted of a fan count any more: somebody has looked at it."""

    async def write(pool: Pool) -> None:
        notes = SignalNotes(pool)
        async with notes.running():
            await notes.note(sale_id, fan_id, ["released"])

    with_pool(data_dir, write)
    click.echo(f"nothing counts against {fan_id} any more")
