"""`onsale audit`: the balance of seats, orders and money, and whatever does not agree."""

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from booking_core.audit.auditor import Audited
from booking_core.audit.balance import (
    EventBalance,
    MoneyBalance,
    read_events,
    read_money,
    read_orders,
)
from booking_core.audit.finding import KINDS
from booking_core.audit.findings import Findings, RecordedFinding
from booking_core.audit.provider_list import ProviderList
from booking_core.catalog.events import Catalog
from booking_core.parts import make_auditor
from booking_core.settings import STRIPE_URL
from groundwork.postgres import open_pool
from groundwork.redis_store import RedisStore, open_store
from lua.keys import event_keys
from onsale.cannot_start import CannotStart
from onsale.connections import data_dir_option, database_url, redis_url, with_pool
from onsale.data_dir import read_running

# More rows than this scroll out of every terminal; the findings are all in the record.
ROWS_MAX = 50
# How Redis shows seats, see includes/digits.lua.
SHOWN = {"free": "045", "held": "1", "sold": "2", "kept": "3"}


@dataclass(frozen=True, slots=True)
class Balance:
    """Everything that is printed."""

    events: list[EventBalance]
    shown: dict[str, dict[str, int]]
    orders: dict[str, int]
    money: list[MoneyBalance]
    audited: Audited


@click.command()
@click.option("--repair", is_flag=True, help="Make Redis show seats as PostgreSQL has them.")
@click.option(
    "--findings", "is_list", is_flag=True, help="Only list what audits have found so far."
)
@data_dir_option
def audit(data_dir: Path, repair: bool, is_list: bool) -> None:
    """Print the balance of seats, orders and money; ends with 1 when something does not agree."""
    console = Console()
    if is_list:
        recorded = with_pool(data_dir, lambda pool: Findings(pool).read(with_resolved=True))
        console.print(recorded_table(recorded) if recorded else "Nothing was ever found.")
        sys.exit(any(finding.resolved_at is None for finding in recorded))
    balance = asyncio.run(look(data_dir, is_repairing=repair))
    for table in tables(balance):
        console.print(table)
    is_balanced = balance.audited.is_balanced
    for part in balance.audited.failed:
        console.print(f"[red]The {part} could not be compared: it does not answer.[/]")
    console.print("Everything agrees." if is_balanced else "[red]It does not balance.[/]")
    sys.exit(not is_balanced)


async def look(data_dir: Path, *, is_repairing: bool) -> Balance:
    """Audit the running system once. Raises CannotStart when another audit is under way."""
    url, key = provider(data_dir)
    async with (
        open_pool(database_url(data_dir), size_max=2, application="onsale audit") as pool,
        open_store(redis_url(data_dir)) as store,
        aiohttp.ClientSession() as session,
    ):
        events = await read_events(pool)
        auditor = make_auditor(pool, store, Catalog(pool), ProviderList(session, url, key))
        event_ids = [event.event_id for event in events]
        audited = await auditor.audit(event_ids, repairs=is_repairing)
        if audited is None:
            raise CannotStart("Another audit is under way: try again in a minute.")
        return Balance(
            await read_events(pool),
            {name: await shown_seats(store, name) for name in event_ids[:ROWS_MAX]},
            await read_orders(pool),
            await read_money(pool),
            audited,
        )


def provider(data_dir: Path) -> tuple[str, str]:
    """Return where the payment provider is and our key there. Raises CannotStart."""
    is_stripe = os.environ.get("PAYMENT_PROVIDER") == "stripe"
    url = os.environ.get("PAYMENT_PROVIDER_URL") or (STRIPE_URL if is_stripe else "")
    key = os.environ.get("PAYMENTS_SECRET_KEY")
    if url and key:
        return url, key
    running = read_running(data_dir)
    if running is None:
        raise CannotStart(
            f"Nothing runs on {data_dir}: set PAYMENT_PROVIDER_URL and PAYMENTS_SECRET_KEY."
        )
    return running.provider_url, running.provider_key


async def shown_seats(store: RedisStore, event_id: str) -> dict[str, int]:
    """Return how many seats Redis shows in which way; none when it has not loaded the event."""
    digits = str(await store.call("GET", event_keys(event_id)["status"]) or "")
    return {word: sum(map(digits.count, found)) for word, found in SHOWN.items()} if digits else {}


def tables(balance: Balance) -> Iterator[Table]:
    """Give the tables, one after the other."""
    yield seats_table(balance)
    orders = Table(*balance.orders or ["none"], title="Orders")
    orders.add_row(*(f"{count:,}" for count in balance.orders.values()))
    yield orders
    yield money_table(balance)
    if balance.audited.findings:
        yield findings_table(balance.audited)


def seats_table(balance: Balance) -> Table:
    """Return the seats and the stock of each event."""
    table = Table(title="Seats and stock")
    for column in ("event", "there are", "sold", "being paid for", "tickets"):
        table.add_column(column, justify="left" if column == "event" else "right")
    table.add_column("Redis shows")
    for event in balance.events[:ROWS_MAX]:
        shown = balance.shown.get(event.event_id, {})
        table.add_row(
            event.event_id,
            *(f"{n:,}" for n in (event.capacity, event.sold, event.claimed, event.tickets)),
            " · ".join(f"{count:,} {word}" for word, count in shown.items() if count) or "–",
        )
    if len(balance.events) > ROWS_MAX:
        table.caption = f"and {len(balance.events) - ROWS_MAX} more events"
    return table


def money_table(balance: Balance) -> Table:
    """Return the money of each currency, ours beside the provider's."""
    table = Table(title="Money")
    for column in ("currency", "sales", "sold for", "noted as taken", "taken at the provider",
                   "reserved there", "given back"):  # fmt: skip
        table.add_column(column, justify="left" if column == "currency" else "right")
    at_provider = balance.audited.money
    ours = {each.currency: each for each in balance.money}
    for currency in sorted({*ours, *at_provider.taken, *at_provider.reserved}):
        own = ours.get(currency, MoneyBalance(currency, 0, 0, 0))
        table.add_row(
            currency,
            f"{own.orders_sold:,}",
            *(
                f"{cents:,}"
                for cents in (
                    own.sold_cents,
                    own.captured_cents,
                    at_provider.taken.get(currency, 0),
                    at_provider.reserved.get(currency, 0),
                    at_provider.refunded.get(currency, 0),
                )
            ),
        )
    table.caption = f"minor units (cents); {at_provider.payments:,} payments at the provider"
    return table


def findings_table(audited: Audited) -> Table:
    """Return what does not agree."""
    table = Table("what", "event", "about", "detail", "", title="Findings")
    for finding in audited.findings[:ROWS_MAX]:
        table.add_row(
            KINDS[finding.kind], finding.event_id, finding.about, finding.detail,
            "put right" if finding.is_repaired else "",
        )  # fmt: skip
    if len(audited.findings) > ROWS_MAX:
        table.caption = f"and {len(audited.findings) - ROWS_MAX} more: onsale audit --findings"
    return table


def recorded_table(recorded: list[RecordedFinding]) -> Table:
    """Return what audits have found so far."""
    table = Table("what", "event", "about", "detail", "found", "state", title="Findings")
    for finding in recorded:
        state = "put right" if finding.is_repaired else "gone" if finding.resolved_at else "open"
        table.add_row(
            KINDS.get(finding.kind, finding.kind), finding.event_id, finding.about, finding.detail,
            f"{finding.found_at:%Y-%m-%d %H:%M:%S}", state,
        )  # fmt: skip
    return table
