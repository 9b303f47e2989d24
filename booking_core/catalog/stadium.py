"""The stadium: a pitch with stands all around, in rings of sections; any size, the same by seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from booking_core.catalog.arena_shapes import AISLE, MARGIN, OUTLINE_OPACITY
from booking_core.catalog.drawing import (
    Area,
    AreaText,
    Circle,
    Point,
    Polygon,
    Rectangle,
)
from booking_core.catalog.seat_plan import PlanTier
from booking_core.catalog.stadium_shapes import (
    ENTRANCE_FROM_ROW,
    ENTRANCE_ROWS,
    PITCH_HEIGHT,
    PITCH_WIDTH,
    RUN_OFF,
    Ring,
    Slice,
)
from booking_core.catalog.venue import HOUSE, KILL, PRESS, Venue, VenueRow, row_name

STADIUM_SEATS: Final = 60_000
# A single ring of a few rows; the largest stadiums there are.
STADIUM_SEATS_MIN: Final = 8_000
STADIUM_SEATS_MAX: Final = 115_000

# Colours that stay apart for colour-blind eyes (after Okabe and Ito), dark enough for white text.
TIERS: Final = (
    PlanTier("club", "Club level", "#7a5195"),
    PlanTier("one", "Category 1", "#b3402a"),
    PlanTier("two", "Category 2", "#c77700"),
    PlanTier("three", "Category 3", "#00795c"),
    PlanTier("four", "Category 4", "#0b6fa4"),
    PlanTier("away", "Away fans", "#52606d"),
)
GRASS: Final = "#3f8f4f"
LINES: Final = "#ffffff"
# How the rows are shared between the rings, lower first. A small stadium has one ring alone.
RING_SHARES: Final = (0.40, 0.14, 0.46)
ROWS_FOR_TWO_RINGS: Final = 20
ROWS_FOR_THREE_RINGS: Final = 45
# A stadium that could not be filled with so many more rows would be a mistake in the numbers.
EXTRA_ROWS_MAX: Final = 400
# Seats of a row around the pitch, with which the search for the number of rows begins.
ROW_SEATS_ABOUT: Final = 800
# Rows under the roof whose pillars hide part of the pitch; each section has so many such seats.
PILLAR_ROWS: Final = 3
PILLAR_SEATS_MAX: Final = 3
CAMERA_ROWS: Final = 3
CAMERA_SEATS: Final = 6


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    tier: str
    ring: Ring
    place: Slice
    rows: list[VenueRow]


def make_stadium(seats: int, chance: random.Random) -> Venue:
    """Return a stadium of exactly so many seats; the same for the same chance.

    Chance decides which seats are behind a pillar and where cameras stand.
    """
    assert STADIUM_SEATS_MIN <= seats <= STADIUM_SEATS_MAX, f"no stadium has {seats} seats"
    rings = _rings_for(seats)
    reach = rings[-1].depth + RUN_OFF + AISLE + MARGIN
    centre = Point(PITCH_WIDTH / 2 + reach, PITCH_HEIGHT / 2 + reach)
    venue = Venue(
        name=f"Stadium of {seats:,} seats",
        width=round(2 * centre.x),
        height=round(2 * centre.y),
        focal_point=centre,
        tiers=TIERS,
        areas=list(_pitch(centre)),
    )
    colors = {tier.tier: tier.color for tier in TIERS}
    placed = [Ring(centre, ring.first_depth, ring.rows_count, ring.left_out) for ring in rings]
    sections = list(_sections(placed))
    for section in sections:
        venue.rows += section.rows
        venue.outlines[section.name] = _outline(section, colors[section.tier])
    assert sum(len(row.places) for row in venue.rows) == seats
    _say(venue, sections, placed, chance)
    return venue


def _rings_for(seats: int) -> list[Ring]:
    """Return rings around the origin: more upper rows until there are enough, then shorter ones."""
    rows = max(8, seats // ROW_SEATS_ABOUT - 8)
    for more in range(EXTRA_ROWS_MAX):
        rings = _make_rings(rows + more)
        surplus = _count(rings) - seats
        if surplus >= 0:
            return [*rings[:-1], rings[-1].without(surplus)]
    raise AssertionError(f"the stadium never reached {seats} seats")


def _make_rings(rows: int) -> list[Ring]:
    if rows < ROWS_FOR_TWO_RINGS:
        return [Ring(Point(), 0, rows)]
    lower, club, _ = (round(rows * share) for share in RING_SHARES)
    if rows < ROWS_FOR_THREE_RINGS:
        counts = [rows - rows // 2, rows // 2]
    else:
        counts = [lower, club, rows - lower - club]
    rings: list[Ring] = []
    depth = 0.0
    for count in counts:
        rings.append(Ring(Point(), depth, count))
        depth = rings[-1].depth + 2 * AISLE
    return rings


def _count(rings: list[Ring]) -> int:
    return sum(len(row.places) for section in _sections(rings) for row in section.rows)


def _sections(rings: list[Ring]) -> Iterator[_Section]:
    for level, ring in enumerate(rings):
        slices = ring.slices()
        for index, place in enumerate(slices):
            name = str(100 * (level + 1) + index + 1)
            tier = _tier(level, len(rings), place, index, len(slices))
            rows = [
                VenueRow(name, row_name(row), tier, places)
                for row, places in enumerate(ring.rows(place, index, len(slices)))
            ]
            yield _Section(name, tier, ring, place, rows)


def _tier(level: int, levels: int, place: Slice, index: int, sections: int) -> str:
    if level == 0 and index == sections - 1:
        return "away"  # one corner, with a way in of its own
    if levels == 3 and level == 1:
        return "club" if place.side == "long" else "two"
    is_upper = level > 0
    return {
        "long": "two" if is_upper else "one",
        "corner": "three" if is_upper else "two",
        "end": "four" if is_upper else "three",
    }[place.side]


def _outline(section: _Section, color: str) -> Area:
    return Area(
        shape="polygon",
        color=color + OUTLINE_OPACITY,
        border_color=color,
        polygon=Polygon(tuple(_rounded(point) for point in section.ring.outline(section.place))),
        text=AreaText(section.name, _rounded(section.ring.label_at(section.place)), "#374151", 40),
    )


def _pitch(centre: Point) -> Iterator[Area]:
    yield _box(centre, PITCH_WIDTH + RUN_OFF / 2, PITCH_HEIGHT + RUN_OFF / 2, GRASS)
    yield _box(centre, PITCH_WIDTH, PITCH_HEIGHT, "", "PITCH")
    yield _box(centre, 0, PITCH_HEIGHT, "")
    # As the laws of the game have it: 9.15 m; 16.5 m by 40.3 m.
    yield Area(shape="circle", position=centre, border_color=LINES, circle=Circle(366))
    for turn in (-1, 1):
        yield _box(centre + Point(turn * (PITCH_WIDTH - 660) / 2, 0), 660, 1_612, "")


def _box(centre: Point, width: float, height: float, color: str, text: str = "") -> Area:
    return Area(
        shape="rectangle",
        position=centre + Point(-width / 2, -height / 2),
        color=color,
        border_color=color or LINES,
        rectangle=Rectangle(width, height),
        text=AreaText(text, Point(width / 2, height / 2), LINES, 160) if text else None,
    )


def _say(venue: Venue, sections: list[_Section], rings: list[Ring], chance: random.Random) -> None:
    for section in sections:
        is_first_ring = section.ring is rings[0]
        # Step-free is the cross aisle: behind the first ring, in front of the others.
        venue.give_places_at_the_ends(section.rows[-1 if is_first_ring else 0])
        if section.ring is rings[-1]:
            _hide_behind_pillars(venue, section, chance)
        if section.ring.has_way_in(ENTRANCE_FROM_ROW):
            _rail(venue, section.rows[ENTRANCE_FROM_ROW + ENTRANCE_ROWS])
    long_sides = [one for one in sections if one.place.side == "long" and one.ring is rings[0]]
    half = len(long_sides) // 2
    _keep(venue, long_sides[half // 2].rows[2:4], HOUSE)
    _keep(venue, long_sides[half + half // 2].rows[-3:-1], PRESS)
    for section in chance.sample(sections, 4):
        first = chance.randrange(1, max(2, len(section.rows[0].places) - CAMERA_SEATS))
        for row in section.rows[1 : 1 + CAMERA_ROWS]:
            for number in range(first, min(first + CAMERA_SEATS, len(row.places) + 1)):
                venue.keep(row.seat_id(number), KILL)


def _hide_behind_pillars(venue: Venue, section: _Section, chance: random.Random) -> None:
    for _ in range(chance.randint(0, PILLAR_SEATS_MAX)):
        row = chance.choice(section.rows[-PILLAR_ROWS:])
        number = chance.randint(1, len(row.places))
        venue.say(
            row.seat_id(number), restricted_view="A pillar of the roof hides part of the pitch"
        )


def _rail(venue: Venue, row: VenueRow) -> None:
    """Say of the seats above a way in that they look at its rail."""
    middle = len(row.places) // 2
    for number in range(middle - 1, middle + 3):
        venue.say(row.seat_id(number), restricted_view="A rail is in front of this seat")


def _keep(venue: Venue, rows: list[VenueRow], channel: str) -> None:
    for row in rows:
        for number in range(1, len(row.places) + 1):
            venue.keep(row.seat_id(number), channel)


def _rounded(point: Point) -> Point:
    return Point(round(point.x, 1), round(point.y, 1))
