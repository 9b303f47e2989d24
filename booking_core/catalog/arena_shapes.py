"""The geometry of the demo arena: straight blocks on the floor, wedges of curved rows around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, floor, hypot, pi, sin
from typing import Final

from booking_core.catalog.drawing import Area, AreaText, Point, Polygon, Rectangle

# In units of the drawing: half a metre is 20.
SEAT_PITCH: Final = 20
ROW_DEPTH: Final = 28
AISLE: Final = 56
STAGE_DEPTH: Final = 170
STAGE_GAP: Final = 60  # between the stage and the first row
MARGIN: Final = 60  # around everything
OUTLINE_GAP: Final = 12  # between the seats of a section and its outline
# The bowl is open towards the stage: nobody sits behind it. An eighth of a turn on either side.
HALF_OPENING: Final = pi / 4
# Points of a curved edge of an outline: smooth to the eye up to a quarter of a turn.
EDGE_POINTS: Final = 10
ANGLE_DOWN: Final = pi / 2  # y grows downwards

STAGE_COLOR: Final = "#1f2937"
FLOOR_COLOR: Final = "#f3f4f6"
BORDER_COLOR: Final = "#9ca3af"
OUTLINE_OPACITY: Final = "26"  # hexadecimal, of ff: the seats are drawn on top of it


@dataclass(frozen=True, slots=True)
class FloorBlock:
    """A rectangle of straight rows in front of the stage."""

    column: int
    depth: int
    columns: int
    rows_count: int
    row_seats: int
    stage_front: Point

    @property
    def width(self) -> int:
        """From the first to the last seat, and half a seat on either side."""
        return self.row_seats * SEAT_PITCH

    @property
    def height(self) -> int:
        """From the first to the last row, and half a row on either side."""
        return self.rows_count * ROW_DEPTH

    @property
    def corner(self) -> Point:
        """The top left one."""
        whole = self.columns * self.width + (self.columns - 1) * AISLE
        return self.stage_front + Point(
            self.column * (self.width + AISLE) - whole / 2,
            STAGE_GAP + self.depth * (self.height + AISLE),
        )

    def rows(self) -> list[list[Point]]:
        """Return the places, row by row away from the stage."""
        return [
            [
                self.corner + Point((seat + 0.5) * SEAT_PITCH, (row + 0.5) * ROW_DEPTH)
                for seat in range(self.row_seats)
            ]
            for row in range(self.rows_count)
        ]

    def outline(self) -> list[Point]:
        """Return the corners of the block's shape."""
        left, top = self.corner.x - OUTLINE_GAP, self.corner.y - OUTLINE_GAP
        right = self.corner.x + self.width + OUTLINE_GAP
        bottom = self.corner.y + self.height + OUTLINE_GAP
        return [Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom)]

    def label_at(self) -> Point:
        """Return where the block's name is written: in the aisle behind it."""
        return self.corner + Point(self.width / 2, self.height + AISLE / 2)


@dataclass(frozen=True, slots=True)
class Bowl:
    """Wedges of curved rows around a centre, numbered clockwise from the right of the drawing.

    So many seats as `left_out` says are missing, evenly from all rows.
    """

    centre: Point
    first_radius: float
    wedges: int
    rows_count: int
    left_out: int = 0

    @staticmethod
    def inner_radius(floor_width: float, floor_height: float) -> float:
        """Return the radius of the first row around a floor of this size."""
        return hypot(floor_width, floor_height + STAGE_GAP) / 2 + AISLE

    @property
    def outer_radius(self) -> float:
        """Behind the last row."""
        return self.first_radius + self.rows_count * ROW_DEPTH

    @property
    def step(self) -> float:
        """The angle of one wedge with its aisle."""
        return 2 * (pi - HALF_OPENING) / self.wedges

    def highest(self) -> float:
        """Return how far the bowl, or the stage, reaches above the centre."""
        return max(self.outer_radius * cos(HALF_OPENING), self.first_radius) + OUTLINE_GAP

    def lowest(self) -> float:
        """Return how far the bowl reaches below the centre."""
        return self.outer_radius + OUTLINE_GAP

    def middle_angle(self, wedge: int) -> float:
        """Return the direction of a wedge from the centre."""
        return ANGLE_DOWN + (wedge - (self.wedges - 1) / 2) * self.step

    def rows(self, wedge: int) -> list[list[Point]]:
        """Return the places of a wedge, row by row outwards, each as long as its arc allows."""
        return [self._row(wedge, row) for row in range(self.rows_count)]

    def _row(self, wedge: int, row: int) -> list[Point]:
        radius = self.first_radius + (row + 0.5) * ROW_DEPTH
        seat_angle = 2 * asin(SEAT_PITCH / 2 / radius)  # the straight line between two is the pitch
        room = floor((self.step * radius - AISLE) / SEAT_PITCH)
        seats = room - self._left_out_of(wedge, row)
        first = self.middle_angle(wedge) - (seats - 1) / 2 * seat_angle
        return [self._at(radius, first + seat * seat_angle) for seat in range(seats)]

    def _left_out_of(self, wedge: int, row: int) -> int:
        """Return this row's share of the seats to leave out; the last rows bear the remainder."""
        share, remainder = divmod(self.left_out, self.wedges * self.rows_count)
        from_the_last = (self.rows_count - 1 - row) * self.wedges + wedge
        return share + (from_the_last < remainder)

    def outline(self, wedge: int) -> list[Point]:
        """Return the corners of a wedge's shape, its curved edges as many short straight ones."""
        inner, outer = self.first_radius - OUTLINE_GAP / 2, self.outer_radius + OUTLINE_GAP / 2
        middle = self.middle_angle(wedge)
        edges: list[Point] = []
        for radius, turn in ((inner, 1), (outer, -1)):
            half = (self.step - (AISLE - 2 * OUTLINE_GAP) / radius) / 2
            edges += [
                self._at(radius, middle + turn * half * (2 * point / EDGE_POINTS - 1))
                for point in range(EDGE_POINTS + 1)
            ]
        return edges

    def label_at(self, wedge: int) -> Point:
        """Return where the wedge's name is written: behind its last row."""
        return self._at(self.outer_radius + AISLE / 2, self.middle_angle(wedge))

    def _at(self, radius: float, angle: float) -> Point:
        return Point(
            round(self.centre.x + radius * cos(angle), 1),
            round(self.centre.y + radius * sin(angle), 1),
        )


def outline_areas(
    floor_blocks: Sequence[FloorBlock],
    bowls: Sequence[Bowl],
    stage_front: Point,
    colors: Mapping[str, str],
) -> list[Area]:
    """Return the stage and an outline per section; `colors` are by section, in order."""
    shapes = [(block.outline(), block.label_at()) for block in floor_blocks]
    shapes += [
        (bowl.outline(wedge), bowl.label_at(wedge))
        for bowl in bowls
        for wedge in range(bowl.wedges)
    ]
    areas = [_stage(floor_blocks, stage_front)]
    for index, ((name, color), (points, label)) in enumerate(
        zip(colors.items(), shapes, strict=True)
    ):
        areas.append(
            Area(
                shape="polygon",
                color=color + OUTLINE_OPACITY,
                border_color=color,
                polygon=Polygon(tuple(points)),
                text=AreaText(name, label, "#374151", 22),
                section=index,
            )
        )
    return areas


def _stage(floor_blocks: Sequence[FloorBlock], stage_front: Point) -> Area:
    width = max(block.corner.x + block.width for block in floor_blocks) - stage_front.x
    return Area(
        shape="rectangle",
        position=stage_front + Point(-width * 0.7, -STAGE_DEPTH),
        color=STAGE_COLOR,
        border_color=STAGE_COLOR,
        rectangle=Rectangle(width * 1.4, STAGE_DEPTH),
        text=AreaText("STAGE", Point(width * 0.7, STAGE_DEPTH / 2), "#ffffff", 48),
    )
