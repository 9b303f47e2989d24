"""What an audit can find, and what each of it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# What does not agree within PostgreSQL, between it and Redis, between it and the provider.
LEDGER: Final[Mapping[str, str]] = {
    "seat_doubled": "a seat has more than one ticket",
    "sold_without_claim": "a sold order does not have its seat",
    "claim_without_order": "a seat is kept by an order that no longer may",
    "tickets_wrong": "an order has other tickets than it should",
    "stock_wrong": "the stock used is not what the orders have",
    "amount_wrong": "an order's total is not that of its lines",
    "order_stuck": "an order is long past its deadline and not settled",
    "outbox_stuck": "something is not told to others for minutes",
}
STORE: Final[Mapping[str, str]] = {
    "sold_shown_free": "Redis offers a seat that is sold",
    "free_shown_sold": "Redis shows a seat as sold that nobody has bought",
    "holders_wrong": "Redis has held seats without a holder, or the other way round",
    "stock_shown_wrong": "Redis offers other stock than there is",
}
PROVIDER: Final[Mapping[str, str]] = {
    "money_without_sale": "money was taken for something that is not sold",
    "reserved_without_order": "money is reserved for an order that has ended",
    "sale_without_money": "a sale's money is not there",
    "amount_differs": "the provider has another amount than the order",
}
KINDS: Final[Mapping[str, str]] = {**LEDGER, **STORE, **PROVIDER}
PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ledger": LEDGER,
    "store": STORE,
    "provider": PROVIDER,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not agree. `about` is a seat, an order, a tier or a payment."""

    kind: str
    event_id: str
    about: str
    detail: str = ""
    is_repaired: bool = False

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind
