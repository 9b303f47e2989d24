"""The demo arena: a made-up hall of any size, the same each time, that looks good as a map."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Final

from booking_core.catalog.arena_shapes import (
    AISLE,
    MARGIN,
    Bowl,
    FloorBlock,
    outline_areas,
)
from booking_core.catalog.drawing import Point
from booking_core.catalog.seat_plan import PlanTier, Seat, SeatPlan, make_seat_plan

ARENA_SEATS: Final = 5_000
# Below this a bowl has rows shorter than its aisles; above, the plan is no arena any more.
ARENA_SEATS_MIN: Final = 1_000
ARENA_SEATS_MAX: Final = 100_000

# Colours that stay apart for colour-blind eyes (after Okabe and Ito), dark enough for white text.
ARENA_TIERS: Final = (
    PlanTier("front", "Front of stage", "#b3402a"),
    PlanTier("floor", "Floor", "#c77700"),
    PlanTier("lower-prime", "Lower bowl, facing the stage", "#00795c"),
    PlanTier("lower", "Lower bowl", "#0b6fa4"),
    PlanTier("upper", "Upper bowl", "#7a5195"),
)
ARENA_PRICES: Final[Mapping[str, int]] = {
    "front": 14_900,
    "floor": 11_900,
    "lower-prime": 9_900,
    "lower": 7_900,
    "upper": 4_900,
}

# Blocks of the floor next to each other; the front row of blocks is the dearest tier.
FLOOR_COLUMNS: Final = 3
# The share of the bowl's wedges, around its middle, that faces the stage squarely.
PRIME_SHARE: Final = 1 / 3
# A bowl that could not be filled with so many more rows would be a mistake in the numbers.
EXTRA_ROWS_MAX: Final = 400
LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # halls leave out I and O: they read as 1 and 0


@dataclass(frozen=True, slots=True)
class ArenaSize:
    """How many blocks, wedges and rows; a side grows with the square root of the seats."""

    floor_depth: int
    floor_rows: int
    floor_row_seats: int
    lower_wedges: int
    lower_rows: int
    upper_wedges: int
    upper_rows: int

    @classmethod
    def of(cls, seats: int) -> "ArenaSize":
        """Return a size of nearly so many seats; rows of the upper bowl make up for the rest."""
        side = sqrt(seats / ARENA_SEATS)
        return cls(
            floor_depth=max(2, round(2 * side)),
            floor_rows=max(4, round(9 * sqrt(side))),
            floor_row_seats=max(6, round(14 * sqrt(side))),
            lower_wedges=max(6, 2 * round(5.5 * side) + 1),
            lower_rows=max(4, round(11 * side)),
            upper_wedges=max(6, 2 * round(7 * side) + 1),
            upper_rows=max(3, round(10 * side)),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    section: str
    tier: str
    index: int
    places: list[Point]
    is_step_free: bool

    def seats(self) -> list[Seat]:
        prefix = self.section.replace("Floor ", "F")
        row_name = LETTERS[self.index % len(LETTERS)] * (self.index // len(LETTERS) + 1)
        return [
            Seat(
                seat_id=f"{prefix}-{row_name}-{number}",
                tier=self.tier,
                section=self.section,
                row_name=row_name,
                seat_number=str(number),
                x=place.x,
                y=place.y,
                accessible=self.is_step_free and number in (1, len(self.places)),
            )
            for number, place in enumerate(self.places, start=1)
        ]


@dataclass(frozen=True, slots=True)
class _Hall:
    centre: Point
    stage_front: Point
    floor: tuple[FloorBlock, ...]
    lower: Bowl
    upper: Bowl

    def rows(self) -> Iterator[_Row]:
        for index, block in enumerate(self.floor):
            tier = "front" if index < FLOOR_COLUMNS else "floor"
            section = f"Floor {LETTERS[index % len(LETTERS)]}{index // len(LETTERS) or ''}"
            yield from self._section(section, tier, block.rows())
        first_upper = 101 + 100 * ceil((self.lower.wedges + 1) / 100)
        for bowl, first_number in ((self.lower, 101), (self.upper, first_upper)):
            for wedge in range(bowl.wedges):
                tier = self._tier(bowl, wedge)
                yield from self._section(str(first_number + wedge), tier, bowl.rows(wedge))

    def _tier(self, bowl: Bowl, wedge: int) -> str:
        if bowl is self.upper:
            return "upper"
        off_middle = abs(wedge - (bowl.wedges - 1) / 2)
        return "lower-prime" if off_middle <= bowl.wedges * PRIME_SHARE / 2 else "lower"

    @staticmethod
    def _section(section: str, tier: str, rows: list[list[Point]]) -> Iterator[_Row]:
        # Step-free is the row at the cross aisle: the last one, and the first of the upper bowl.
        step_free = 0 if tier == "upper" else len(rows) - 1
        for index, places in enumerate(rows):
            yield _Row(section, tier, index, places, index == step_free)


def make_arena(seats: int = ARENA_SEATS) -> SeatPlan:
    """Return an arena of exactly so many seats: floor, lower and upper bowl around a stage.

    Deterministic. About one seat in eighty is accessible, some of them in every tier. The canvas
    grows with the seats: 5,000 fit into 4,000 by 4,000. ARENA_PRICES has a price for each tier.
    """
    assert ARENA_SEATS_MIN <= seats <= ARENA_SEATS_MAX, f"no arena has {seats} seats"
    hall = _hall_for(seats)
    rows = list(hall.rows())
    assert sum(len(row.places) for row in rows) == seats
    colors = {tier.tier: tier.color for tier in ARENA_TIERS}
    section_colors = {row.section: colors[row.tier] for row in rows}
    side = round(2 * hall.centre.x)
    height = round(hall.centre.y + hall.upper.lowest() + MARGIN)
    return make_seat_plan(
        name="Demo arena",
        width=side,
        height=height,
        tiers=ARENA_TIERS,
        sections=tuple(section_colors),
        rows=[row.seats() for row in rows],
        areas=outline_areas(hall.floor, (hall.lower, hall.upper), hall.stage_front, section_colors),
        focal_point=hall.stage_front,
    )


def _hall_for(seats: int) -> _Hall:
    """Return a hall of so many seats: more upper rows until there are enough, then shorter ones."""
    size = ArenaSize.of(seats)
    for _ in range(EXTRA_ROWS_MAX):
        hall = _make_hall(size)
        surplus = sum(len(row.places) for row in hall.rows()) - seats
        if surplus >= 0:
            return replace(hall, upper=replace(hall.upper, left_out=surplus))
        size = replace(size, upper_rows=size.upper_rows + 1)
    raise AssertionError(f"the arena never reached {seats} seats")


def _make_hall(size: ArenaSize) -> _Hall:
    block = FloorBlock(0, 0, FLOOR_COLUMNS, size.floor_rows, size.floor_row_seats, Point())
    floor_height = size.floor_depth * (block.height + AISLE)
    inner_radius = Bowl.inner_radius(block.width * FLOOR_COLUMNS + AISLE * 2, floor_height)
    lower = Bowl(Point(), inner_radius, size.lower_wedges, size.lower_rows)
    upper = Bowl(Point(), lower.outer_radius + 2 * AISLE, size.upper_wedges, size.upper_rows)
    centre = Point(round(upper.outer_radius) + MARGIN, round(upper.highest()) + MARGIN)
    stage_front = Point(centre.x, round(centre.y - floor_height / 2))
    return _Hall(
        centre=centre,
        stage_front=stage_front,
        floor=tuple(
            replace(block, column=column, depth=depth, stage_front=stage_front)
            for depth in range(size.floor_depth)
            for column in range(FLOOR_COLUMNS)
        ),
        lower=replace(lower, centre=centre),
        upper=replace(upper, centre=centre),
    )
