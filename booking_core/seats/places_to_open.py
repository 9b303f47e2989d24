"""When accessible places may go to anybody: the law's three cases, and no other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from booking_core.catalog.seat_layout import SeatLayout

# As lua/includes/digits.lua: what is held, or a channel's, is not sold.
SOLD: Final = "2"

# The venue, a section or a tier, and its name.
Scope = tuple[str, str]


def ordinary_seats(layout: SeatLayout) -> Mapping[Scope, Sequence[int]]:
    """Return the seats for anybody of every scope that has accessible places, too."""
    kept = layout.accessible | layout.companions.keys()
    places = {scope for index in layout.accessible for scope in _scopes(layout, index)}
    found: dict[Scope, list[int]] = {}
    for index in range(len(layout.seat_ids)):
        if index not in kept:
            for scope in _scopes(layout, index):
                if scope in places:
                    found.setdefault(scope, []).append(index)
    return found


def places_to_open(ordinary: Mapping[Scope, Sequence[int]], status: str) -> list[Scope]:
    """Return where everything that is for anybody is sold."""
    return [
        scope for scope, seats in ordinary.items() if all(status[index] == SOLD for index in seats)
    ]


def _scopes(layout: SeatLayout, index: int) -> Iterator[Scope]:
    yield "venue", ""
    yield "section", layout.section(index)
    yield "tier", layout.tier(index)
