"""An order as PostgreSQL has it, its lines, and the tickets of a sold one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any


class OrderState(StrEnum):
    """The steps of an order; the last three are final, but that what is sold may be cancelled."""

    CLAIMED = "CLAIMED"
    AUTHORIZING = "AUTHORIZING"
    EXPIRING = "EXPIRING"
    AWAITED = "AWAITED"  # its places are on sale again, and the bank may still pay
    OFFERED = "OFFERED"  # it was paid late, and other places are kept for the buyer to decide
    SOLD = "SOLD"
    RELEASED = "RELEASED"
    CANCELLED = "CANCELLED"


FINAL = frozenset({OrderState.SOLD, OrderState.RELEASED, OrderState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt to buy, as PostgreSQL has it. Amounts are minor units."""

    order_id: str
    event_id: str
    fan_id: str
    reservation_id: str
    idempotency_key: str
    body_hash: bytes
    email: str
    language: str
    state: OrderState
    release_reason: str
    decline_reason: str
    amount_cents: int
    currency: str
    payment_method: str
    payment_id: str | None
    next_action_url: str | None
    deadline: datetime
    is_past_deadline: bool
    is_carried: bool
    sold_at: datetime | None
    is_let_go: bool
    lost_seats: list[str]
    answer_status: int | None
    answer_body: bytes | None

    @property
    def is_free(self) -> bool:
        """Say whether there is nothing to pay: it has no payment then, and needs none to be sold."""
        return self.amount_cents == 0


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One seat, or a quantity of stock, at the price it was sold for."""

    tier: str
    seat_id: str | None
    quantity: int
    price_cents: int


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A ticket of a sold order."""

    ticket_id: str
    tier: str
    seat_id: str | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What asking to claim led to: `outcome` is 'claimed', 'repeated' or 'busy'."""

    outcome: str
    order: Order


# What an Order is read from, in the order of its fields.
COLUMNS = """order_id::text, event_id, fan_id, reservation_id, idempotency_key, body_hash, email,
    language, state, release_reason,
    decline_reason, amount_cents, currency, payment_method, payment_id, next_action_url, deadline,
    deadline <= now() AS is_past_deadline, coalesce(carried_until > now(), false) AS is_carried,
    sold_at, is_let_go, lost_seats, answer_status, answer_body"""

_FIELDS = tuple(field.name for field in fields(Order))


def order_of(columns: Sequence[Any]) -> Order:
    """Return the order whose COLUMNS were read."""
    return Order(**dict(zip(_FIELDS, columns, strict=True)))
