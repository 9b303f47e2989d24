"""Whether the provider's payments and our orders agree, looked at from both sides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from booking_core.audit.finding import Finding
from booking_core.audit.findings import Findings
from booking_core.audit.provider_list import ListedPayment, ProviderList
from groundwork.postgres import Pool, connection

# Payments of open findings that are looked at again in each audit.
AGAIN_MAX: Final = 200
# Orders of ours the provider did not list, asked for one by one.
ASKED_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """An order as far as money is concerned."""

    order_id: str
    event_id: str
    state: str
    amount_cents: int
    currency: str
    payment_id: str
    is_captured: bool
    asked_back_cents: int = 0  # what an operator asked to give back


@dataclass
class Money:
    """What the provider has, by currency; amounts are minor units."""

    payments: int = 0
    reserved: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)

    def count(self, payment: ListedPayment) -> None:
        """Add a payment."""
        self.payments += 1
        for sums, cents in (
            (self.reserved, payment.amount_cents if payment.is_reserved else 0),
            (self.taken, payment.taken_cents),
            (self.refunded, payment.refunded_cents),
        ):
            if cents:
                sums[payment.currency] = sums.get(payment.currency, 0) + cents


class ProviderCheck:
    """Compares payments with orders. An order's end is final, so what is read of it first stays true."""

    def __init__(self, provider: ProviderList, pool: Pool, findings: Findings) -> None:
        self._provider = provider
        self._pool = pool
        self._findings = findings

    async def check(self, pages_max: int | None = None) -> tuple[list[Finding], Money]:
        """Return what does not agree, and the provider's sums.

        With `pages_max` only the newest payments are listed, the orders since then asked for, and
        what earlier findings are about.
        """
        findings: list[Finding] = []
        money = Money()
        seen: set[str] = set()
        oldest = 0
        async for page in self._provider.pages(pages_max):
            for payment in page:
                money.count(payment)
            seen.update(payment.payment_id for payment in page)
            oldest = page[-1].created_at
            findings += await self._compare(page)
        findings += await self._ask_for(seen, oldest if pages_max is not None else 0)
        return findings, money

    async def _compare(self, payments: Sequence[ListedPayment]) -> list[Finding]:
        """Look from the provider's side. What seems wrong is looked at again, order first."""
        findings = []
        for payment in await self._suspects(payments):
            orders = await self._orders([payment.order_id])
            now = await self._provider.get(payment.payment_id)
            if now is not None:
                finding = judge(now, orders.get(now.order_id))
                findings += [finding] if finding else []
        return findings

    async def _suspects(self, payments: Sequence[ListedPayment]) -> list[ListedPayment]:
        orders = await self._orders([payment.order_id for payment in payments])
        return [payment for payment in payments if judge(payment, orders.get(payment.order_id))]

    async def _ask_for(self, seen: set[str], since: int) -> list[Finding]:
        """Look from our side: payments of orders that the list does not have."""
        asked = {*await self._unlisted(seen, since), *await self._findings.open_payments(AGAIN_MAX)}
        findings = []
        for payment_id in sorted(asked - seen):
            order = await self._order_of(payment_id)
            now = await self._provider.get(payment_id)
            if now is not None:
                finding = judge(now, order)
                findings += [finding] if finding else []
            elif order is not None and order.state == "SOLD":
                findings.append(
                    Finding("sale_without_money", order.event_id, payment_id, "no such payment")
                )
        return findings

    async def _unlisted(self, seen: set[str], since: int) -> list[str]:
        # A page ends in the middle of a second; the provider's clock is not ours.
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT payment_id FROM orders
                WHERE payment_id IS NOT NULL AND state = 'SOLD' AND NOT payment_id = ANY (%s::text[])
                    AND created_at > to_timestamp(%s) + interval '1 minute' LIMIT %s""",
                (list(seen), since, ASKED_MAX),
            )
            return [str(row[0]) for row in await cursor.fetchall()]

    async def _orders(self, order_ids: Sequence[str]) -> dict[str, PaidOrder]:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT order_id::text, event_id, state, amount_cents, currency,
                    coalesce(payment_id, ''), captured_at IS NOT NULL,
                    coalesce((SELECT sum(r.amount_cents) FROM refunds r
                              WHERE r.order_id = orders.order_id), 0)
                FROM orders WHERE order_id = ANY (%s::uuid[])""",
                ([order_id for order_id in order_ids if is_uuid(order_id)],),
            )
            rows = await cursor.fetchall()
        orders = [_as_order(row) for row in rows]
        return {order.order_id: order for order in orders}

    async def _order_of(self, payment_id: str) -> PaidOrder | None:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT order_id::text FROM orders WHERE payment_id = %s", (payment_id,)
            )
            row = await cursor.fetchone()
        return (await self._orders([str(row[0])])).get(str(row[0])) if row else None


def _as_order(row: tuple[object, ...]) -> PaidOrder:
    order_id, event_id, state, amount, currency, payment_id, is_captured, back = row
    return PaidOrder(
        str(order_id), str(event_id), str(state), int(str(amount)), str(currency),
        str(payment_id), bool(is_captured), int(str(back)),
    )  # fmt: skip


def judge(payment: ListedPayment, order: PaidOrder | None) -> Finding | None:
    """Return what is wrong between a payment and its order, None when nothing is.

    The order must have been read before the payment: then an end it has come to is in the payment.
    """
    name = payment.payment_id
    event_id = order.event_id if order else ""
    is_sold = order is not None and order.state == "SOLD" and order.payment_id == name
    # A cancelled sale's money is on its way back as soon as it was asked for.
    asked_cents = max(0, order.asked_back_cents - payment.refunded_cents) if order else 0
    if payment.kept_cents > asked_cents and not is_sold and (order is None or order.state in ENDED):
        detail = f"{payment.kept_cents} {payment.currency}, {_told(order)}"
        return Finding("money_without_sale", event_id, name, detail)
    if payment.is_reserved and (order is None or (order.state in ENDED and not is_sold)):
        return Finding("reserved_without_order", event_id, name, _told(order))
    if order is None or not is_sold:
        return None
    if (payment.amount_cents, payment.currency) != (order.amount_cents, order.currency):
        detail = (
            f"{payment.amount_cents} {payment.currency} for"
            f" {order.amount_cents} {order.currency} of order {order.order_id}"
        )
        return Finding("amount_differs", event_id, name, detail)
    # What an operator gave back is not missing.
    accounted = payment.kept_cents + min(payment.refunded_cents, order.asked_back_cents)
    is_there = accounted > 0 or (payment.is_reserved and not order.is_captured)
    if not is_there:
        detail = f"order {order.order_id} is sold, the payment {payment.status}"
        return Finding("sale_without_money", event_id, name, detail)
    return None


# What no later step changes, but for a refund.
ENDED: Final = ("SOLD", "RELEASED", "CANCELLED")


def is_uuid(text: str) -> bool:
    """Say whether a payment's note can be the id of an order: others may use the account, too."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _told(order: PaidOrder | None) -> str:
    return f"order {order.order_id} is {order.state}" if order else "no order of ours"
