"""`onsale verify-draw`: check a draw from outside, with nothing but what everybody can download."""

import asyncio
import re
import sys
from typing import Final, NamedTuple

import aiohttp
import click
import jwt
import msgspec

from gateway.draw.checking import (
    Entry,
    Finding,
    ReceiptTold,
    check_draw,
    check_entry,
    check_receipt,
    has_clusters,
    is_in_gap,
)
from gateway.draw.clusters import ClustersInvalid
from gateway.draw.document import DrawDocument
from gateway.draw.roster import HASH_BYTES

# The page of a sale, its draw, or the draw's document: whatever was in the browser's address bar.
ADDRESS: Final = re.compile(
    r"(?P<site>https?://[^/?#]+)(?:/api)?/sales/(?P<sale>[a-z0-9-]+)(?:/draw)?/?(?:[?#].*)?"
)
# A document without its gaps is two kilobytes, and each gap a loss of Redis.
DOCUMENT_BYTES_MAX: Final = 1 << 20
# Sixteen million entries, half a gigabyte: larger than any sale there was.
ENTRIES_MAX: Final = 1 << 24
# A large roster over a slow line takes minutes; silence does not.
SILENCE_SECONDS: Final = 30
NOT_MADE_EXIT: Final = 2


class CannotCheck(click.ClickException):
    """There is nothing to check there."""


class Told(msgspec.Struct, frozen=True):
    """What the waiting room tells a fan with a ticket of its place."""

    place: int | None = None
    receipt: ReceiptTold | None = None


class Published(NamedTuple):
    """What everybody can download of a draw."""

    told: DrawDocument
    leaves: bytes
    clusters: bytes


class Names(msgspec.Struct, frozen=True):
    """What a ticket says of its entry."""

    sub: str
    entry_number: int | None = None
    entered_as: str | None = None


@click.command("verify-draw")
@click.argument("url")
@click.option(
    "--ticket", help="Work out this ticket's place, too, and compare it with what is told."
)
@click.option(
    "--commitment", help="The hash you noted before the opening; by default the one told now."
)
@click.option("--root", help="The root you noted at the sealing; by default the one told now.")
def verify_draw(url: str, ticket: str | None, commitment: str | None, root: str | None) -> None:
    """Work a draw out again from what is published; URL is the sale's page or its draw.

    Ends with 0 when everything fits, 1 when something does not, 2 when the draw is not made yet.
    """
    found = ADDRESS.fullmatch(url)
    if found is None:
        raise CannotCheck("not the address of a sale: https://…/sales/NAME or …/sales/NAME/draw")
    try:
        findings = asyncio.run(
            look(found["site"], found["sale"], ticket, {"commitment": commitment, "root": root})
        )
    except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
        raise CannotCheck(f"what {found['site']} answers cannot be read: {error!r}") from error
    for finding in findings:
        click.echo(f"{'ok   ' if finding.is_right else 'WRONG'} {finding.what}")
    if not all(finding.is_right for finding in findings):
        click.echo("This draw is not what was published of it.", err=True)
        sys.exit(1)
    click.echo("Every place of this draw follows from what was published.")


async def look(
    site: str, sale_id: str, ticket: str | None, noted: dict[str, str | None]
) -> list[Finding]:
    """Download everything and return what is found."""
    address = f"{site}/api/sales/{sale_id}"
    timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        body = await download(session, f"{address}/draw", DOCUMENT_BYTES_MAX)
        told = msgspec.json.decode(body, type=DrawDocument)
        if told.sale != sale_id:
            raise CannotCheck(f"that is the draw of {told.sale}")
        if told.state != "drawn":
            tell_stand(told)
        if (told.count or 0) > ENTRIES_MAX:
            raise CannotCheck(f"{told.count} entries are more than can be checked")
        size = (told.count or 0) * HASH_BYTES
        leaves = await download(session, f"{address}/draw/roster", size)
        clusters = b""
        if has_clusters(told):
            # A number for each entry, and a floor and a size for every nine of them at most.
            clusters = await download(session, f"{address}/draw/clusters", size)
        findings = [
            Finding(value.lower() == getattr(told, name), f"the {name} is the one you noted")
            for name, value in noted.items()
            if value is not None
        ]
        findings += check_draw(told, leaves, clusters)
        if ticket is not None:
            published = Published(told, leaves, clusters)
            findings += await check_ticket(session, address, published, ticket)
    return findings


def tell_stand(told: DrawDocument) -> None:
    """Say how a draw stands that cannot be checked yet, and end."""
    if told.state == "none":
        raise CannotCheck("nothing is drawn in this sale: first come, first served")
    click.echo(f"the draw is not made yet: {told.state}, {told.entries} entries")
    click.echo(f"note the commitment: {told.commitment}")
    if told.root is not None:
        click.echo(f"note the root: {told.root}")
    sys.exit(NOT_MADE_EXIT)


async def check_ticket(
    session: aiohttp.ClientSession, address: str, published: Published, ticket: str
) -> list[Finding]:
    """Return what is found of a ticket's place."""
    try:
        claims = jwt.decode(ticket, options={"verify_signature": False})
        names = msgspec.convert(claims, Names)
    except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
        raise CannotCheck(f"that is no ticket: {error}") from error
    if names.entry_number is None:
        raise CannotCheck("this ticket's fan came after the sealing and took no part in the draw")
    entry = Entry(names.entry_number, names.entered_as or names.sub)
    try:
        finding, place = check_entry(*published, entry=entry)
    except ClustersInvalid:
        return []  # said already, of the whole draw
    if not finding.is_right:
        return [finding]
    body = await download(
        session, f"{address}/place", DOCUMENT_BYTES_MAX, {"Authorization": f"Bearer {ticket}"}
    )
    shown = msgspec.json.decode(body, type=Told)
    found = [finding]
    if not is_in_gap(published.told, entry):  # else no leaf is left of it
        found.append(check_receipt(published.told, entry, shown.receipt))
    is_right = shown.place == place
    return [*found, Finding(is_right, f"the place is {place}; the waiting room says {shown.place}")]


async def download(
    session: aiohttp.ClientSession, url: str, bytes_max: int, headers: dict[str, str] | None = None
) -> bytes:
    """Return what is there, cut off one byte behind `bytes_max`: what is longer fits nothing."""
    async with session.get(url, headers=headers) as answer:
        answer.raise_for_status()
        parts, size = [], 0
        async for part in answer.content.iter_chunked(1 << 16):
            parts.append(part)
            size += len(part)
            if size > bytes_max:
                break
    return b"".join(parts)[: bytes_max + 1]
