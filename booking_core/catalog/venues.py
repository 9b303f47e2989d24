"""Generated venues by kind: what `onsale event generate` makes."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from booking_core.catalog.arena import ARENA_SEATS, ARENA_SEATS_MAX, ARENA_SEATS_MIN
from booking_core.catalog.arena_venue import make_arena_venue
from booking_core.catalog.plan_source import PlanSource
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.stadium import (
    STADIUM_SEATS,
    STADIUM_SEATS_MAX,
    STADIUM_SEATS_MIN,
    make_stadium,
)
from booking_core.catalog.theatre import (
    THEATRE_SEATS,
    THEATRE_SEATS_MAX,
    THEATRE_SEATS_MIN,
    make_theatre,
)
from booking_core.catalog.venue import Venue


@dataclass(frozen=True, slots=True)
class VenueKind:
    """How many seats such a venue has, and how it is made."""

    seats: int
    seats_min: int
    seats_max: int
    make: Callable[[int, random.Random], Venue]


KINDS: Final[Mapping[str, VenueKind]] = {
    "theatre": VenueKind(THEATRE_SEATS, THEATRE_SEATS_MIN, THEATRE_SEATS_MAX, make_theatre),
    "arena": VenueKind(ARENA_SEATS, ARENA_SEATS_MIN, ARENA_SEATS_MAX, make_arena_venue),
    "stadium": VenueKind(STADIUM_SEATS, STADIUM_SEATS_MIN, STADIUM_SEATS_MAX, make_stadium),
}


def make_venue(kind: str, seats: int | None, chance: random.Random) -> PlanSource:
    """Return the files of a venue of exactly so many seats, or as many as are usual.

    The same for the same chance. Raises EventRefused when no such venue has so many seats.
    """
    known = KINDS[kind]
    if seats is None:
        seats = known.seats
    if not known.seats_min <= seats <= known.seats_max:
        raise EventRefused(
            ("seats", f"of a {kind} must be {known.seats_min} to {known.seats_max}, is {seats}")
        )
    return known.make(seats, chance).source()
