"""`onsale order show|refund|cancel`: what somebody bought, and money given back."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
from babel.numbers import format_currency, get_currency_precision
from rich.console import Console
from rich.table import Table

from booking_core.checkout.api import is_uuid
from booking_core.ledger.cancellations import Cancellations
from booking_core.ledger.order import Order, OrderLine
from booking_core.ledger.orders import Orders
from booking_core.ledger.refunds import Refund, Refunds
from groundwork.errors import OrderNotFound, RequestInvalid
from groundwork.postgres import Pool
from onsale.connections import data_dir_option, with_pool

# Far above any order, far below what the database's numbers hold.
AMOUNT_MAX = 10**15


@click.group()
def order() -> None:
    """Look at an order, and give its money back."""


@order.command()
@click.argument("order_id")
@data_dir_option
def show(order_id: str, data_dir: Path) -> None:
    """Show an order: its state, what it is for, its payment and refunds."""

    async def read(pool: Pool) -> tuple[Order, list[OrderLine], list[Refund]]:
        found = await order_named(pool, order_id)
        return found, await Orders(pool).lines(order_id), await Refunds(pool).of(order_id)

    found, lines, refunds = with_pool(data_dir, read)
    table = Table(show_header=False)
    table.add_row("state", f"{found.state} {found.release_reason} {found.decline_reason}".strip())
    table.add_row("event", found.event_id)
    for line in lines:
        price = money(line.quantity * line.price_cents, found.currency)
        table.add_row(line.seat_id or f"{line.quantity} x {line.tier}", price)
    table.add_row("total", money(found.amount_cents, found.currency))
    table.add_row("payment", found.payment_id or "none")
    for refund in refunds:
        tried = f"not yet given, tried {refund.attempts} times"
        given = f"given {refund.done_at:%Y-%m-%d %H:%M}" if refund.done_at else tried
        table.add_row(
            "refund", f"{money(refund.amount_cents, found.currency)}, {given}: {refund.reason}"
        )
    Console().print(table)


@order.command()
@click.argument("order_id")
@click.option("--amount", help="A part of it, like 12.50; all that is left if absent.")
@click.option("--reason", required=True, help="Kept with it, for whoever asks later.")
@data_dir_option
def refund(order_id: str, amount: str | None, reason: str, data_dir: Path) -> None:
    """Give money back; the tickets stay good. The same amount again is the same refund."""

    async def ask(pool: Pool) -> tuple[Order, int]:
        found = await order_named(pool, order_id)
        cents = None if amount is None else minor_units(amount, found.currency)
        return found, await Refunds(pool).ask(order_id, cents, reason)

    found, cents = with_pool(data_dir, ask)
    click.echo(f"{money(cents, found.currency)} of {order_id} is being given back.")


@order.command()
@click.argument("order_id")
@click.option("--reason", required=True, help="Kept with the refund, for whoever asks later.")
@data_dir_option
def cancel(order_id: str, reason: str, data_dir: Path) -> None:
    """Cancel a sale: its tickets become void, its places free, and all of its money goes back."""

    async def ask(pool: Pool) -> None:
        await order_named(pool, order_id)
        await Cancellations(pool).by_organiser(order_id, reason)

    with_pool(data_dir, ask)
    click.echo(f"{order_id} is cancelled. What is not back yet is being given back.")


async def order_named(pool: Pool, order_id: str) -> Order:
    """Return the order. Raises OrderNotFound."""
    found = await Orders(pool).read(order_id) if is_uuid(order_id) else None
    if found is None:
        raise OrderNotFound
    return found


def minor_units(amount: str, currency: str) -> int:
    """Return "12.50" as 1250, by the currency's own digits. Raises RequestInvalid."""
    digits = get_currency_precision(currency)
    try:
        units = Decimal(amount).scaleb(digits)
        is_whole = units == units.to_integral_value()
    except InvalidOperation as error:
        raise RequestInvalid("amount", "must be a number like 12.50") from error
    if not units.is_finite() or abs(units) > AMOUNT_MAX:
        raise RequestInvalid("amount", "is more than any order costs")
    if not is_whole:
        raise RequestInvalid("amount", f"has more than {digits} decimals")
    return int(units)


def money(cents: int, currency: str) -> str:
    """Return an amount as people write it."""
    amount = Decimal(cents).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale="en_GB")
