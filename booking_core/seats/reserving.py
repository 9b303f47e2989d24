"""A hold in the words of the outside: seats by name, with prices, a total and a clock."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from booking_core.catalog.charges import ChargeLine, Kind, charge_lines, total_with
from booking_core.catalog.event import Event
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.seats.hold import Hold


class HeldSeat(msgspec.Struct, frozen=True):
    """A seat that is held; its price is in minor units."""

    seat_id: str
    price: int
    section: str
    row: str
    number: str
    tier: str


class HeldStock(msgspec.Struct, frozen=True):
    """A quantity of a tier without seats; the price of one is in minor units."""

    tier: str
    quantity: int
    price: int


class ChargeDocument(msgspec.Struct, frozen=True):
    """A fee or tax of a bill, in minor units; one that is included adds nothing to the total.

    `value` is minor units of `per_ticket` and `per_order`, of the others basis points.
    """

    name: str
    kind: Kind
    value: int
    amount: int
    included: bool


class ReservationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What is held for a fan, and how long. The total, with all charges, is in minor units."""

    reservation_id: str
    event_id: str
    seats: list[HeldSeat]
    charges: list[ChargeDocument]
    total: int
    currency: str
    expires_at: str
    expires_in_ms: int
    extendable: bool
    stock: list[HeldStock] | msgspec.UnsetType = msgspec.UNSET


def describe_hold(event: Event, layout: SeatLayout, hold: Hold, now_ms: int) -> ReservationDocument:
    """Return the hold as the API shows it."""
    prices = event.prices
    places_cents = _places_cents(prices, layout, hold)
    charges = charge_lines(event.charges, places_cents, _count(hold)) if event.charges else ()
    return ReservationDocument(
        reservation_id=hold.reservation_id,
        event_id=hold.event_id,
        seats=[_held_seat(layout, index, prices) for index in hold.seat_indexes],
        charges=describe_charges(charges),
        total=total_with(places_cents, charges),
        currency=event.currency,
        expires_at=moment_text(hold.expires_at_ms),
        expires_in_ms=max(0, hold.expires_at_ms - now_ms),
        extendable=not hold.is_extended,
        stock=[HeldStock(hold.tier, hold.quantity, prices[hold.tier])]
        if hold.tier
        else msgspec.UNSET,
    )


def _held_seat(layout: SeatLayout, index: int, prices: Mapping[str, int]) -> HeldSeat:
    tier = layout.tier(index)
    return HeldSeat(
        seat_id=layout.seat_ids[index],
        price=prices[tier],
        section=layout.section(index),
        row=layout.rows[index],
        number=layout.numbers[index],
        tier=tier,
    )


def describe_charges(lines: Sequence[ChargeLine]) -> list[ChargeDocument]:
    """Return fees and taxes as the API shows them."""
    return [
        ChargeDocument(line.name, line.kind, line.value, line.amount_cents, line.is_included)
        for line in lines
    ]


def charges_of(event: Event, layout: SeatLayout, hold: Hold) -> tuple[ChargeLine, ...]:
    """Return the fees and taxes of what is held."""
    return charge_lines(event.charges, _places_cents(event.prices, layout, hold), _count(hold))


def total_of(event: Event, layout: SeatLayout, hold: Hold) -> int:
    """Return what is paid for everything held, with all charges, in minor units."""
    return total_with(_places_cents(event.prices, layout, hold), charges_of(event, layout, hold))


def _count(hold: Hold) -> int:
    return hold.quantity or len(hold.seat_indexes)


def _places_cents(prices: Mapping[str, int], layout: SeatLayout, hold: Hold) -> int:
    if hold.tier:
        return prices[hold.tier] * hold.quantity
    return sum([prices[layout.tier(index)] for index in hold.seat_indexes])


def moment_text(at_ms: int) -> str:
    """Return a moment as RFC 3339 in UTC, rounded down: nobody is promised more than there is."""
    return _second_text(at_ms // 1000)


# Of all holds of a rush, many end in the same second.
@lru_cache(256)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
