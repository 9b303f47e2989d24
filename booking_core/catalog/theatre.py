"""The theatre: stalls in an arc around the stage, one or two circles above, boxes along the walls."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import asin, cos, floor, pi, sin, sqrt, tan
from typing import Final

from booking_core.catalog.arena_shapes import (
    AISLE,
    ANGLE_DOWN,
    MARGIN,
    OUTLINE_GAP,
    OUTLINE_OPACITY,
    SEAT_PITCH,
    STAGE_COLOR,
)
from booking_core.catalog.drawing import Area, AreaText, Point, Polygon, Rectangle
from booking_core.catalog.seat_plan import PlanTier
from booking_core.catalog.venue import HOUSE, Venue, VenueRow, row_name

THEATRE_SEATS: Final = 1_200
# Two rows of everything; the largest opera houses.
THEATRE_SEATS_MIN: Final = 300
THEATRE_SEATS_MAX: Final = 4_000

# Colours that stay apart for colour-blind eyes (after Okabe and Ito), dark enough for white text.
TIERS: Final = (
    PlanTier("front", "Front stalls", "#b3402a"),
    PlanTier("rear", "Rear stalls", "#c77700"),
    PlanTier("dress", "Dress circle", "#00795c"),
    PlanTier("upper", "Upper circle", "#0b6fa4"),
    PlanTier("box", "Boxes", "#7a5195"),
)
ROW_DEPTH: Final = 34  # 85 cm: people pass each other
STAGE_DEPTH: Final = 200
STAGE_GAP: Final = 40  # between the stage and the ends of the first row; its middle is at the pit
# Rows curve gently around a point behind the stage.
RADIUS_OF_1200: Final = 860
HALF_ANGLE: Final = pi / 7
# The two aisles through the stalls and circles, as shares of the half angle from the middle.
AISLES_AT: Final = (-0.42, 0.42)
STALLS_SHARE: Final = 0.56
DRESS_SHARE: Final = 0.24
BOX_SEATS: Final = 4
BOX_PITCH: Final = 24  # chairs, not seats
BOX_DEPTH: Final = 70
EXTRA_ROWS_MAX: Final = 100
# The sound desk stands in the middle of the last rows of the stalls.
DESK_ROWS: Final = 2
DESK_SEATS: Final = 6
DESK_ROW_SEATS_MIN: Final = 18  # a shorter row has no room to spare
PILLARS: Final = 4


@dataclass(frozen=True, slots=True)
class Level:
    """Curved rows one behind the other: `left_out` seats are missing at the ends of the last ones."""

    section: str
    centre: Point
    first_radius: float
    rows_count: int
    left_out: int = 0

    @property
    def last_radius(self) -> float:
        """Behind the last row."""
        return self.first_radius + self.rows_count * ROW_DEPTH

    def rows(self) -> Iterator[list[Point]]:
        """Yield the places of each row from left to right, with gaps where the aisles are."""
        for radius, angles in self._arcs():
            yield [self.at(radius, angle) for angle in angles]

    def _arcs(self) -> Iterator[tuple[float, list[float]]]:
        share, remainder = divmod(self.left_out, self.rows_count)
        for row in range(self.rows_count):
            less = share + (self.rows_count - 1 - row < remainder)
            radius = self.first_radius + (row + 0.5) * ROW_DEPTH
            angles = self._angles(radius)
            yield radius, angles[less // 2 : len(angles) - (less - less // 2)]

    @staticmethod
    def _angles(radius: float) -> list[float]:
        edges = [-1.0, *AISLES_AT, 1.0]
        angles: list[float] = []
        step = 2 * asin(SEAT_PITCH / 2 / radius)  # the straight line between two is the pitch
        for left, right in pairwise(edges):
            room = (right - left) * HALF_ANGLE * radius - AISLE
            seats = max(0, floor(room / SEAT_PITCH))
            middle = (left + right) / 2 * HALF_ANGLE
            angles += [middle + (seat - (seats - 1) / 2) * step for seat in range(seats)]
        return angles

    def at(self, radius: float, angle: float) -> Point:
        """Return the place at an angle from the middle; positive is to the right."""
        return self.centre + Point(
            radius * cos(ANGLE_DOWN - angle), radius * sin(ANGLE_DOWN - angle)
        )

    def outline(self) -> tuple[Point, ...]:
        """Return the corners of the level's shape, as wide as its widest row and an aisle."""
        inner, outer = self.first_radius - OUTLINE_GAP, self.last_radius + OUTLINE_GAP
        ends = [(radius, max(map(abs, angles))) for radius, angles in self._arcs() if angles]
        reach = max(angle + AISLE / 2 / radius for radius, angle in ends)
        angles = [reach * (step / 10 - 1) for step in range(21)]
        edge = [self.at(inner, angle) for angle in angles]
        edge += [self.at(outer, angle) for angle in reversed(angles)]
        return tuple(_rounded(one) for one in edge)


def make_theatre(seats: int, chance: random.Random) -> Venue:
    """Return a theatre of exactly so many seats; the same for the same chance.

    Chance decides which seats of the rear stalls are behind the circle's pillars.
    """
    assert THEATRE_SEATS_MIN <= seats <= THEATRE_SEATS_MAX, f"no theatre has {seats} seats"
    boxes = 2 * round(2 * sqrt(seats / 300))
    levels = _levels(seats - boxes * BOX_SEATS, seats)
    half_width = levels[-1].last_radius * sin(HALF_ANGLE) + MARGIN
    # The ends of the first row are nearest to the stage.
    front = levels[0].first_radius * cos(HALF_ANGLE)
    centre = Point(round(half_width), round(MARGIN + STAGE_DEPTH + STAGE_GAP - front))
    levels = [replace(level, centre=centre) for level in levels]
    venue = Venue(
        name=f"Theatre of {seats:,} seats",
        width=2 * round(half_width),
        height=round(centre.y + levels[-1].last_radius + MARGIN),
        focal_point=Point(centre.x, MARGIN + STAGE_DEPTH),
        tiers=TIERS,
        areas=[_stage(centre.x, levels[0])],
    )
    for level in levels:
        _add_level(venue, level)
    _add_boxes(venue, levels[0], boxes)
    assert sum(len(row.places) for row in venue.rows) == seats
    _say(venue, chance)
    return venue


def _levels(seats: int, size: int) -> list[Level]:
    """Return stalls and circles of so many seats: rows until there are enough, then shorter ones."""
    radius = RADIUS_OF_1200 * sqrt(size / 1_200)
    stalls = _filled("Stalls", radius, round(seats * STALLS_SHARE))
    dress = _filled("Dress circle", stalls.last_radius + AISLE * 1.5, round(seats * DRESS_SHARE))
    rest = seats - _count(stalls) - _count(dress)
    return [stalls, dress, _filled("Upper circle", dress.last_radius + AISLE * 1.5, rest)]


def _filled(section: str, radius: float, seats: int) -> Level:
    for rows in range(1, EXTRA_ROWS_MAX):
        level = Level(section, Point(), radius, rows)
        surplus = _count(level) - seats
        if surplus >= 0:
            return replace(level, left_out=surplus)
    raise AssertionError(f"{section} never reached {seats} seats")


def _count(level: Level) -> int:
    return sum(map(len, _rows_of(level)))


def _rows_of(level: Level) -> list[list[Point]]:
    """Return the rows of a level; the sound desk takes the middle of the last ones of the stalls."""
    rows = list(level.rows())
    for row in rows[-DESK_ROWS:] if level.section == "Stalls" else ():
        if len(row) >= DESK_ROW_SEATS_MIN:
            first = (len(row) - DESK_SEATS) // 2
            del row[first : first + DESK_SEATS]
    return rows


def _add_level(venue: Venue, level: Level) -> None:
    rows = _rows_of(level)
    for index, places in enumerate(rows):
        tier = {"Dress circle": "dress", "Upper circle": "upper"}.get(
            level.section, "front" if index < len(rows) / 2 else "rear"
        )
        venue.rows.append(VenueRow(level.section, row_name(index), tier, places))
    label = level.at(level.first_radius - AISLE * 0.75, 0)
    color = "#6b7280"
    venue.outlines[level.section] = Area(
        shape="polygon",
        color=color + OUTLINE_OPACITY,
        border_color=color,
        polygon=Polygon(level.outline()),
        text=AreaText(level.section, _rounded(label), "#374151", 30),
    )


def _add_boxes(venue: Venue, stalls: Level, boxes: int) -> None:
    """Put a column of boxes along each wall; the walls follow the ends of the rows."""
    top = MARGIN + STAGE_DEPTH + STAGE_GAP
    for side, section in ((-1, "Boxes left"), (1, "Boxes right")):
        inner: list[Point] = []
        for index in range(boxes // 2):
            y = top + index * BOX_DEPTH
            wall = (y + BOX_DEPTH - stalls.centre.y) * tan(HALF_ANGLE) + AISLE
            x = stalls.centre.x + side * wall
            inner.append(Point(x, y))
            places = [
                Point(x + side * BOX_PITCH * (seat // 2), y + BOX_PITCH * (seat % 2))
                for seat in range(BOX_SEATS)
            ]
            venue.rows.append(VenueRow(section, f"Box {index + 1}", "box", places))
        venue.outlines[section] = _around(section, side, inner)


def _around(section: str, side: int, inner: list[Point]) -> Area:
    """Return the outline of a column of boxes, whose inner upper seats are given."""
    first, last = inner[0], inner[-1]
    near, far = -side * OUTLINE_GAP, side * (BOX_PITCH + OUTLINE_GAP)
    above, below = -OUTLINE_GAP, BOX_PITCH + OUTLINE_GAP
    corners = (
        Point(first.x + near, first.y + above),
        Point(first.x + far, first.y + above),
        Point(last.x + far, last.y + above),
        Point(last.x + far, last.y + below),
        Point(last.x + near, last.y + below),
        Point(first.x + near, first.y + below),
    )
    label = Point((first.x + near + first.x + far) / 2, first.y + above - OUTLINE_GAP * 1.5)
    return Area(
        shape="polygon",
        color=TIERS[-1].color + OUTLINE_OPACITY,
        border_color=TIERS[-1].color,
        polygon=Polygon(tuple(map(_rounded, corners))),
        text=AreaText(section, _rounded(label), "#374151", 22),
    )


def _rounded(point: Point) -> Point:
    return Point(round(point.x, 1), round(point.y, 1))


def _stage(middle: float, stalls: Level) -> Area:
    width = round(2 * stalls.first_radius * sin(HALF_ANGLE))
    return Area(
        shape="rectangle",
        position=Point(middle - width / 2, MARGIN),
        color=STAGE_COLOR,
        border_color=STAGE_COLOR,
        rectangle=Rectangle(width, STAGE_DEPTH),
        text=AreaText("STAGE", Point(width / 2, STAGE_DEPTH / 2), "#ffffff", 56),
    )


def _say(venue: Venue, chance: random.Random) -> None:
    by_tier: dict[str, list[VenueRow]] = {}
    for row in venue.rows:
        by_tier.setdefault(row.tier, []).append(row)
    for tier, rows in by_tier.items():
        # Step-free is the foyer: behind the last row of each level, and the first box.
        venue.give_places_at_the_ends(rows[0 if tier == "box" else -1])
    for row in by_tier["dress"][:1] + by_tier["upper"][:1]:
        for number in (1, 2, 3, -1, -2, -3):
            venue.say(row.seat_id(number), restricted_view="Part of the stage is hidden")
    for row in by_tier["box"]:
        for number in (3, 4):
            venue.say(row.seat_id(number), restricted_view="Part of the stage is hidden")
    for row in chance.choices(by_tier["rear"], k=PILLARS):
        number = chance.randint(1, len(row.places))
        venue.say(row.seat_id(number), restricted_view="Behind a pillar")
    row = by_tier["front"][len(by_tier["front"]) // 2]
    middle = len(row.places) // 2
    for number in range(middle - 1, middle + 3):
        venue.keep(row.seat_id(number), HOUSE)
