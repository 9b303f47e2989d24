"""A hold as a value: what a reservation holds, and how the scripts write it."""

import re
from typing import Annotated

import msgspec

from groundwork.errors import ReservationNotFound

RESERVATION_ID = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\.([A-Za-z0-9_-]{22})")


class RefusedByIndex(Exception):
    """A refusal that knows seats as the scripts do; outside they have names."""


class SeatsTakenByIndex(RefusedByIndex):
    """Somebody has at least one of the wanted seats; none was held. `offer` is held instead, if so."""

    def __init__(self, seat_indexes: tuple[int, ...], offer: "Hold | None" = None) -> None:
        super().__init__(f"taken: {seat_indexes}")
        self.seat_indexes = seat_indexes
        self.offer = offer


class SeatsKeptByIndex(RefusedByIndex):
    """These are kept for fans who need an accessible place; none was held."""

    def __init__(self, seat_indexes: tuple[int, ...]) -> None:
        super().__init__(f"kept: {seat_indexes}")
        self.seat_indexes = seat_indexes


class OrphanLeftByIndex(RefusedByIndex):
    """The wish would leave a single seat alone; none was held. `instead` would not."""

    def __init__(self, instead: tuple[int, ...]) -> None:
        super().__init__(f"instead: {instead}")
        self.instead = instead


class _Stored(msgspec.Struct, frozen=True):
    fan_id: str
    # Lua has one kind of table; an empty list comes back as an empty object.
    seats: list[int] | dict[str, int]
    expires_at_ms: int
    extended: bool
    tier: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    quantity: int = 0
    offered: bool = False


_DECODER = msgspec.json.Decoder(_Stored)


class Hold(msgspec.Struct, frozen=True):
    """What a reservation holds: seats by index, or a quantity of one tier's stock."""

    reservation_id: str
    event_id: str
    fan_id: str
    seat_indexes: tuple[int, ...]
    tier: str
    quantity: int
    expires_at_ms: int
    is_extended: bool
    is_offer: bool = False


def read_reservation(reservation_id: str, text: str) -> Hold:
    """Return the hold that a script wrote as JSON. Raises ReservationNotFound for another's name."""
    return read_hold(event_of(reservation_id), reservation_id, text)


def read_hold(event_id: str, reservation_id: str, text: str) -> Hold:
    """Return the event's hold that a script wrote as JSON."""
    stored = _DECODER.decode(text)
    return Hold(
        reservation_id,
        event_id,
        stored.fan_id,
        tuple(stored.seats) if isinstance(stored.seats, list) else (),
        stored.tier or "",
        stored.quantity,
        int(stored.expires_at_ms),
        stored.extended,
        stored.offered,
    )


def event_of(reservation_id: str) -> str:
    """Return the event a reservation is for. Raises ReservationNotFound for what is none."""
    found = RESERVATION_ID.fullmatch(reservation_id)
    if not found:
        raise ReservationNotFound
    return found[1]
