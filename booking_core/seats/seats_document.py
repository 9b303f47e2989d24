"""An event's seats as the API says them."""

import msgspec


class StockLine(msgspec.Struct, frozen=True):
    """How many of a tier without seats are left."""

    tier: str
    available: int


class SeatsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Every seat's status as of a numbered change.

    `status` is base64 of two bits a seat, the first in the lowest bits of the first byte: 0 free,
    1 held, 2 sold, 3 not for sale.
    """

    event_id: str
    epoch: int
    seq: int
    count: int
    status: str
    stock: list[StockLine]


def stock_lines(stock: dict[str, int]) -> list[StockLine]:
    """Return the stock as the API shows it; never less than nothing."""
    return [StockLine(tier, max(0, free)) for tier, free in sorted(stock.items())]
