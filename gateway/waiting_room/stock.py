"""What a shop has left for a sale, as the status board tells it: read from the shop's own answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final

import msgspec

# Where a shop says nothing of a limit: no shop we know lets one fan take more in one go.
SEATS_MAX_UNSAID: Final = 8

Count = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
Price = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000)]
Text = Annotated[str, msgspec.Meta(max_length=300)]
# More tiers than any hall has: what a shop tells goes to every fan who waits.
TIERS_MAX: Final = 64


class TierStock(msgspec.Struct, frozen=True):
    """One price tier. The price is in minor units of the event's currency."""

    tier: str
    name: str
    price_cents: int
    available: int


class EventStock(msgspec.Struct, frozen=True):
    """One event of the sale: what can still be had, held places included, since they may come back."""

    event: str
    name: str
    currency: str
    available: int
    tiers: list[TierStock]


class StockReading(msgspec.Struct, frozen=True):
    """What all events of a sale have left, at one moment.

    `taken` counts what is gone, from wherever the shop begins: only its changes mean something.
    """

    events: list[EventStock]
    left: int
    taken: int
    seats_max: int


@dataclass(frozen=True, slots=True)
class StockNow:
    """What all processes know of a sale's stock: see watch_stock.lua.

    `reading` is None while the shop says nothing; `taken` counts from the first reading.
    """

    reading: StockReading | None = None
    taken: int = 0
    is_sold_out: bool = False


class _Tier(msgspec.Struct):
    tier: Text
    available: Count
    name: Text = ""
    price: Price = 0
    quantity: Count | None = None


class _Event(msgspec.Struct):
    """What is read of a shop's answer; whatever else it says is its own."""

    tiers: Annotated[list[_Tier], msgspec.Meta(max_length=TIERS_MAX)]
    name: Text = ""
    currency: Annotated[str, msgspec.Meta(max_length=8)] = ""
    seats_max: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = SEATS_MAX_UNSAID


_EVENT: Final = msgspec.json.Decoder(_Event)
_READING: Final = msgspec.json.Decoder(StockReading)


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """One event as the shop has just told it."""

    stock: EventStock
    taken: int
    seats_max: int


def read_event(event_id: str, body: bytes) -> EventAnswer | None:
    """Return what the shop's answer says of an event, None when it is no answer of this kind."""
    try:
        event = _EVENT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    tiers = [TierStock(each.tier, each.name, each.price, each.available) for each in event.tiers]
    available = sum(tier.available for tier in tiers)
    # A shop that does not say how many there were at first still says how many fewer there are.
    quantity = sum(each.quantity or 0 for each in event.tiers)
    return EventAnswer(
        EventStock(event_id, event.name, event.currency, available, tiers),
        quantity - available,
        event.seats_max,
    )


def combine(answers: Sequence[EventAnswer]) -> StockReading:
    """Return the reading of a whole sale."""
    return StockReading(
        events=[answer.stock for answer in answers],
        left=sum(answer.stock.available for answer in answers),
        taken=sum(answer.taken for answer in answers),
        seats_max=max((answer.seats_max for answer in answers), default=SEATS_MAX_UNSAID),
    )


# Every process reads of every sale twice a second, and mostly what it read before.
@lru_cache(256)
def read_shared(text: str) -> StockReading | None:
    """Return the reading another process has shared; None when it says that the shop tells nothing."""
    return _READING.decode(text) if text not in ("", NOTHING_TOLD) else None


# Shared in place of a reading by a process whose shop does not know the question.
NOTHING_TOLD: Final = "null"
