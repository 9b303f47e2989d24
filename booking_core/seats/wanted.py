"""What a request wants held, as a wish to the scripts; and their refusals in the words of the outside."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from booking_core.catalog.event import Event
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.seats.hold import (
    OrphanLeftByIndex,
    RefusedByIndex,
    SeatsKeptByIndex,
    SeatsTakenByIndex,
)
from booking_core.seats.reserving import describe_hold
from booking_core.seats.wishes import Wish, best_seats, named_seats, stock
from groundwork.bodies import KEY_CHARACTERS_MAX
from groundwork.errors import BookingError, RequestInvalid, SeatsTaken
from groundwork.seat_errors import LeavesOrphan, SeatsKept

# One request names at most so many seats; fans have lower limits, set with each event.
SEATS_NAMED_MAX: Final = 100

SeatName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
SeatNames = Annotated[list[SeatName], msgspec.Meta(min_length=1, max_length=SEATS_NAMED_MAX)]
TierName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=SEATS_NAMED_MAX)]
IdempotencyKey = Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARACTERS_MAX)]


class BestAvailable(msgspec.Struct, frozen=True):
    """Choose for me: `category` is a tier; `accessible` asks for an accessible place for one of us."""

    quantity: Quantity
    category: TierName | None = None
    accessible: bool = False


class Stock(msgspec.Struct, frozen=True):
    """A quantity of a tier without seats."""

    tier: TierName
    quantity: Quantity


class WantedBody(msgspec.Struct, frozen=True):
    """What is wanted: exactly one of seat_ids, best_available, stock.

    `accessible` says that named seats may be accessible places, because the fan needs one. Without
    `offer` nothing is held instead when named seats are gone. `channel_key` is of a channel's own people.
    """

    seat_ids: SeatNames | None = None
    accessible: bool = False
    offer: bool = True
    channel_key: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    best_available: BestAvailable | None = None
    stock: Stock | None = None
    user_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    idempotency_key: IdempotencyKey | None = None


class ReserveBody(WantedBody, frozen=True, kw_only=True):
    """What a reserve says."""

    event_id: Annotated[str, msgspec.Meta(max_length=63)]


def make_wish(event: Event, layout: SeatLayout, body: WantedBody, channel: str) -> Wish:
    """Return what the body asks for. Raises RequestInvalid for what the event does not have.

    The channel is the one of the body's key, or "".
    """
    wanted = (body.seat_ids, body.best_available, body.stock)
    if wanted.count(None) != len(wanted) - 1:
        raise RequestInvalid("body", "must have exactly one of seat_ids, best_available, stock")
    if body.seat_ids is not None:
        return named_seats(
            event,
            layout,
            _indexes(layout, body.seat_ids),
            is_accessible=body.accessible,
            channel=channel,
            wants_offer=body.offer,
        )
    if body.best_available is not None:
        return _best(layout, body.best_available, channel)
    assert body.stock is not None
    if body.stock.tier not in {tier.tier for tier in event.tiers if tier.is_stock}:
        raise RequestInvalid("stock.tier", "must be a tier of the event without seats")
    return stock(body.stock.tier, body.stock.quantity)


def named(event: Event, layout: SeatLayout, refusal: RefusedByIndex, now_ms: int) -> BookingError:
    """Return SeatsTaken, SeatsKept or LeavesOrphan: the refusal with seats by their names."""
    match refusal:
        case SeatsTakenByIndex(offer=held):
            told = msgspec.to_builtins(describe_hold(event, layout, held, now_ms)) if held else None
            return SeatsTaken(_names(layout, refusal.seat_indexes), told)
        case SeatsKeptByIndex():
            return SeatsKept(_names(layout, refusal.seat_indexes))
        case OrphanLeftByIndex():
            return LeavesOrphan(_names(layout, refusal.instead))
    raise AssertionError(f"a refusal of another kind: {refusal!r}")


def _best(layout: SeatLayout, best: BestAvailable, channel: str) -> Wish:
    if not layout.tiers:
        raise RequestInvalid("best_available", "this event has no seats to choose from")
    tiers = [best.category] if best.category else list(layout.tiers)
    if not set(tiers) <= set(layout.tiers):
        raise RequestInvalid("best_available.category", "must be a tier of the event with seats")
    if best.accessible and not layout.accessible:
        raise RequestInvalid("best_available.accessible", "this event has no accessible seats")
    return best_seats(layout, best.quantity, tiers, is_accessible=best.accessible, channel=channel)


def _indexes(layout: SeatLayout, seat_ids: Sequence[str]) -> list[int]:
    index_of = layout.index_of
    try:
        return [index_of[seat_id] for seat_id in dict.fromkeys(seat_ids)]
    except KeyError as missing:
        rule = f"the event has no seat {missing.args[0]!r}"
        raise RequestInvalid("seat_ids", rule) from missing


def _names(layout: SeatLayout, seat_indexes: Sequence[int]) -> tuple[str, ...]:
    return tuple(layout.seat_ids[index] for index in seat_indexes)
