"""A generated venue: rows of places in sections, what is said of them, and the files it makes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from booking_core.catalog.drawing import Area, Point
from booking_core.catalog.plan_extras import PlanExtras, SeatExtra
from booking_core.catalog.plan_source import PlanSource
from booking_core.catalog.pretix_format import (
    PretixCategory,
    PretixPlan,
    PretixRow,
    PretixSeat,
    PretixSize,
    PretixZone,
    area_of,
)
from booking_core.catalog.seat_plan import PlanTier

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # halls leave out I and O: they read as 1 and 0
# What channel names the house uses in the side files we make.
HOUSE: Final = "house"
PRESS: Final = "press"
KILL: Final = "kill"
POSITION_DIGITS: Final = 1  # a twentieth of a seat's half


@dataclass(frozen=True, slots=True)
class VenueRow:
    """A row object: who sits next to whom is seen from the places alone."""

    section: str
    name: str
    tier: str
    places: Sequence[Point]

    def seat_id(self, number: int) -> str:
        """Return the id of a seat; numbers count from 1, from the end below 0."""
        if number < 0:
            number += len(self.places) + 1
        return f"{self.section}-{self.name}-{number}".replace(" ", "-")


@dataclass(slots=True, kw_only=True)
class Venue:
    """A venue while it is being built; `areas` are drawn in their order, outlines by section."""

    name: str
    width: int
    height: int
    focal_point: Point
    tiers: Sequence[PlanTier]
    rows: list[VenueRow] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    outlines: dict[str, Area] = field(default_factory=dict)
    seats: dict[str, SeatExtra] = field(default_factory=dict)

    def say(self, seat_id: str, **said: str | bool) -> None:
        """Say something of a seat, next to what was said before."""
        before = self.seats.get(seat_id, SeatExtra())
        self.seats[seat_id] = msgspec.structs.replace(before, **said)

    def keep(self, seat_id: str, channel: str) -> None:
        """Keep a seat for a channel, unless it is promised to somebody who needs it."""
        said = self.seats.get(seat_id)
        if said is None or not (said.accessible or said.companion_of):
            self.say(seat_id, kept_for=channel)

    def give_places_at_the_ends(self, row: VenueRow) -> None:
        """Make the seats at both ends accessible, each with a companion's place beside it."""
        if len(row.places) < 4:  # two pairs
            return
        for place, companion in ((1, 2), (-1, -2)):
            self.say(row.seat_id(place), accessible=True)
            self.say(row.seat_id(companion), companion_of=row.seat_id(place))

    def source(self) -> PlanSource:
        """Return the files of the venue."""
        pretix = PretixPlan(
            name=self.name,
            categories=tuple(PretixCategory(tier.name, tier.color) for tier in self.tiers),
            zones=tuple(self._zones()),
            size=PretixSize(self.width, self.height),
        )
        return PlanSource(pretix, PlanExtras(focal_point=self.focal_point, seats=self.seats))

    def _zones(self) -> Iterator[PretixZone]:
        if self.areas:
            yield PretixZone(
                name="Drawing", position=Point(), rows=(), areas=tuple(map(area_of, self.areas))
            )
        names = {tier.tier: tier.name for tier in self.tiers}
        rows: dict[str, list[PretixRow]] = {}
        for row in self.rows:
            if row.places:
                rows.setdefault(row.section, []).append(_written(row, names[row.tier]))
        for section, of_section in rows.items():
            outline = self.outlines.get(section)
            yield PretixZone(
                name=section,
                position=Point(),
                rows=tuple(of_section),
                areas=(area_of(outline),) if outline else (),
            )


def _written(row: VenueRow, category: str) -> PretixRow:
    start = row.places[0]
    return PretixRow(
        row_number=row.name,
        position=_rounded(start.x, start.y),
        seats=tuple(
            PretixSeat(
                seat_guid=row.seat_id(number),
                seat_number=str(number),
                position=_rounded(place.x - start.x, place.y - start.y),
                category=category,
            )
            for number, place in enumerate(row.places, start=1)
        ),
    )


def _rounded(x: float, y: float) -> Point:
    return Point(round(x, POSITION_DIGITS), round(y, POSITION_DIGITS))


def row_name(index: int) -> str:
    """Return A, B, … Z, AA, BB, … of a row by its place in the section."""
    return LETTERS[index % len(LETTERS)] * (index // len(LETTERS) + 1)
