"""`onsale sale show`: how a sale, its line and its shop stand, out of Redis and PostgreSQL."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gateway.draw.draw import Draw
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.sales import Sale, SaleRecords
from gateway.waiting_room.shared_waits import SharedWaits
from gateway.waiting_room.stock import StockReading, read_shared
from gateway.waiting_room.told import NOTHING_TOLD, Told
from groundwork.clock import SystemClock
from groundwork.redis_store import open_store
from lua.keys import sale_keys
from onsale.connections import data_dir_option, redis_url, with_pool


@dataclass(frozen=True, slots=True)
class LineSeen:
    """What Redis knows of a sale at one moment."""

    line: dict[str, str]
    inside: int
    stock: StockReading | None
    is_sold_out: bool
    told: Told


@click.command()
@click.argument("sale_id")
@data_dir_option
def show(sale_id: str, data_dir: Path) -> None:
    """Show how a sale and its line stand."""
    found = with_pool(data_dir, lambda pool: SaleRecords(pool).get(sale_id))
    seen = asyncio.run(look(redis_url(data_dir), sale_id))
    table = Table.grid(padding=(0, 2))
    for name, text in rows(found, seen):
        table.add_row(name, text)
    Console().print(table)


async def look(url: str, sale_id: str) -> LineSeen:
    """Return what Redis knows of a sale."""
    keys = sale_keys(sale_id)
    async with open_store(url) as store:
        line = await store.client.hgetall(keys["line"])
        stock = await store.client.hgetall(keys["stock"])
        inside = await store.client.zcard(keys["visits"])
        told = await SharedWaits(store).read(sale_id)
    reading = str(stock.get("reading", ""))
    return LineSeen(
        line={str(name): str(value) for name, value in line.items()},
        inside=int(inside),
        stock=read_shared(reading) if reading else None,
        is_sold_out=str(stock.get("is_sold_out", "0")) == "1",
        told=told or NOTHING_TOLD,
    )


def clusters_text(draw: Draw) -> str:
    """Say which entries of a draw share chances."""
    if not draw.has_clusters:
        return "none: each entry has a chance of its own"
    if draw.clusters is None:
        return "found when the roster is sealed"
    return f"{draw.clusters.entries} entries share {draw.clusters.chances} chances"


def rows(sale: Sale, seen: LineSeen) -> Iterator[tuple[str, str]]:
    """Give what to print, line by line."""
    now_ms = SystemClock().now_ms()
    phase = sale.phase(now_ms)
    if seen.is_sold_out and phase in ("open", "draining"):
        phase = "sold_out"
    yield "sale", f"{sale.sale_id} · {sale.name}"
    yield "phase", phase + (f" · {sale.pause_reason}" if sale.pause_reason else "")
    if sale.draw is not None:
        yield "draw", f"{sale.draw.state}, {sale.draw.entries} entries"
        yield "clusters", clusters_text(sale.draw)
    yield "opens at", f"{sale.opens_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield "rate", f"{sale.rate_per_minute} a minute, bursts of {sale.burst}"
    yield "inside", f"{seen.inside} of {sale.capacity}"
    yield "serving", seen.line.get("serving", "0")
    yield "last place", seen.line.get("last_place", "0")
    for lane in sale.lane_ids:
        if lane != GENERAL:
            serving = seen.line.get(f"serving:{lane}", "0")
            yield f"lane {lane}", f"serving {serving} of {seen.line.get(f'last_place:{lane}', '0')}"
    if seen.stock is not None:
        how = "pacing goes by it" if sale.stock_aware else "pacing does not go by it"
        yield "left", f"{seen.stock.left} that nobody has bought; {how}"
    yield "odds", "told to fans" if sale.tells_odds else "not told"
    kept = seen.told.eta_kept
    if kept is not None and kept.told:
        yield "told waits", f"{kept.kept} of {kept.told} ranges held"
    if sale.one_per_mailbox:
        yield "fans", "one for each mailbox: an e-mail address is confirmed before joining"
    if sale.step_up_unbound:
        yield "no key", "fans whose browser keeps no key pass one more check before they go in"
    yield "message", sale.message or "–"
    yield "events", ", ".join(sale.event_ids) or "–"
