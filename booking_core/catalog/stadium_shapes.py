"""The geometry of a stadium: a pitch, and rings of sections along its sides and around its corners."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import cos, floor, pi, sin
from typing import Final, Literal

from booking_core.catalog.arena_shapes import AISLE, EDGE_POINTS, OUTLINE_GAP, ROW_DEPTH, SEAT_PITCH
from booking_core.catalog.drawing import Point

# In units of the drawing: half a metre is 20. A pitch of 105 by 68 metres.
PITCH_WIDTH: Final = 4_200
PITCH_HEIGHT: Final = 2_720
# Eight metres of grass, track and boards between the pitch and the first row.
RUN_OFF: Final = 320
CORNER_RADIUS: Final = 700
# A section as wide as people will climb over each other: 24 seats.
SECTION_SEATS: Final = 24
# The way in through a section: so many seats of so many rows are missing.
ENTRANCE_SEATS: Final = 4
ENTRANCE_ROWS: Final = 4
# Rows on either side of a way in, so that nobody falls into it.
ENTRANCE_FROM_ROW: Final = 5

Side = Literal["long", "end", "corner"]


@dataclass(frozen=True, slots=True)
class Slice:
    """What one section has of the way around: straight, or around a corner's centre.

    `middle` is the middle of its edge at depth 0, or the corner's centre; `angle` looks outwards.
    """

    side: Side
    middle: Point
    angle: float
    span: float
    radius: float = 0

    def length(self, depth: float) -> float:
        """Return how long a row at this depth may be, aisle included."""
        return self.span * (self.radius + depth) if self.side == "corner" else self.span

    def at(self, depth: float, along: float) -> Point:
        """Return the place at a depth, so far along from the middle, clockwise."""
        if self.side == "corner":
            radius = self.radius + depth
            angle = self.angle + along / radius
            return self.middle + Point(radius * cos(angle), radius * sin(angle))
        out = Point(depth * cos(self.angle), depth * sin(self.angle))
        return self.middle + out + Point(-along * sin(self.angle), along * cos(self.angle))


@dataclass(frozen=True, slots=True)
class Ring:
    """All sections between two cross aisles: so many rows from a depth on.

    So many seats as `left_out` says are missing, evenly from all rows.
    """

    centre: Point
    first_depth: float
    rows_count: int
    left_out: int = 0

    @property
    def depth(self) -> float:
        """Behind the last row."""
        return self.first_depth + self.rows_count * ROW_DEPTH

    def slices(self) -> list[Slice]:
        """Return the sections clockwise from the top left, corners in as many as are wide enough."""
        width = SECTION_SEATS * SEAT_PITCH + AISLE
        middle_depth = (self.first_depth + self.depth) / 2
        wedges = max(1, round((CORNER_RADIUS + middle_depth) * pi / 2 / width))
        inner_x = PITCH_WIDTH / 2 + RUN_OFF
        inner_y = PITCH_HEIGHT / 2 + RUN_OFF
        found: list[Slice] = []
        for quarter in range(4):
            angle = (quarter - 1) * pi / 2
            is_long = quarter % 2 == 0
            reach, half = (inner_y, inner_x) if is_long else (inner_x, inner_y)
            half -= CORNER_RADIUS
            out = Point(round(cos(angle)), round(sin(angle)))
            turn = Point(-out.y, out.x)
            middle = self.centre + Point(out.x * reach, out.y * reach)
            side: Side = "long" if is_long else "end"
            found += _straight(side, middle, angle, 2 * half, turn)
            corner = self.centre + Point(
                out.x * (reach - CORNER_RADIUS) + turn.x * half,
                out.y * (reach - CORNER_RADIUS) + turn.y * half,
            )
            step = pi / 2 / wedges
            found += [
                Slice("corner", corner, angle + (wedge + 0.5) * step, step, CORNER_RADIUS)
                for wedge in range(wedges)
            ]
        return found

    def rows(self, section: Slice, index: int, sections: int) -> Iterator[list[Point]]:
        """Yield the places of a section row by row outwards; some lack the middle: a way in."""
        for row in range(self.rows_count):
            depth = self.first_depth + (row + 0.5) * ROW_DEPTH
            seats = floor((section.length(depth) - AISLE) / SEAT_PITCH)
            seats -= self._left_out_of(index, row, sections)
            places = [
                section.at(depth, (seat - (seats - 1) / 2) * SEAT_PITCH) for seat in range(seats)
            ]
            if self.has_way_in(row):
                first = (seats - ENTRANCE_SEATS) // 2
                del places[first : first + ENTRANCE_SEATS]
            yield places

    def has_way_in(self, row: int) -> bool:
        """Say whether the middle of this row is missing for the way in."""
        is_deep_enough = self.rows_count >= ENTRANCE_FROM_ROW + ENTRANCE_ROWS + 2
        return is_deep_enough and 0 <= row - ENTRANCE_FROM_ROW < ENTRANCE_ROWS

    def without(self, seats: int) -> "Ring":
        """Return the ring with so many seats less."""
        return replace(self, left_out=seats)

    def outline(self, section: Slice) -> list[Point]:
        """Return the corners of a section's shape, its curved edges as many short straight ones."""
        points = EDGE_POINTS if section.side == "corner" else 1
        edges: list[Point] = []
        for depth, turn in ((self.first_depth - OUTLINE_GAP / 2, 1), (self.depth + 6, -1)):
            half = (section.length(depth) - AISLE) / 2 + OUTLINE_GAP
            edges += [
                section.at(depth, turn * half * (2 * point / points - 1))
                for point in range(points + 1)
            ]
        return edges

    def label_at(self, section: Slice) -> Point:
        """Return where the section's name is written: behind its last row."""
        return section.at(self.depth + AISLE / 2, 0)

    def _left_out_of(self, index: int, row: int, sections: int) -> int:
        """Return this row's share of the seats to leave out; the last rows bear the remainder."""
        share, remainder = divmod(self.left_out, sections * self.rows_count)
        from_the_last = (self.rows_count - 1 - row) * sections + index
        return share + (from_the_last < remainder)


def _straight(
    side: Side, middle: Point, angle: float, length: float, turn: Point
) -> Iterator[Slice]:
    sections = max(1, round(length / (SECTION_SEATS * SEAT_PITCH + AISLE)))
    span = length / sections
    for index in range(sections):
        along = (index - (sections - 1) / 2) * span
        yield Slice(side, middle + Point(turn.x * along, turn.y * along), angle, span)
