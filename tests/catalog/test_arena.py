"""The demo arena: as many seats as asked for, all reachable, the same each time."""

import math
from collections import Counter
from itertools import pairwise

import pytest

from booking_core.catalog.arena import ARENA_PRICES, make_arena
from booking_core.catalog.arena_shapes import SEAT_PITCH


@pytest.mark.parametrize("seats", [1_000, 1_001, 5_000, 7_777, 20_000])
def test_an_arena_has_exactly_the_seats_asked_for(seats: int) -> None:
    plan = make_arena(seats)
    assert len(plan.seats) == len({seat.seat_id for seat in plan.seats}) == seats
    assert sum(block.length for block in plan.blocks) == seats
    places = Counter((round(seat.x), round(seat.y)) for seat in plan.seats)
    assert max(places.values()) == 1


def test_the_demo_arena_is_the_same_each_time() -> None:
    assert make_arena() == make_arena()
    assert len(make_arena().seats) == 5_000


def test_the_demo_arena_fits_its_canvas() -> None:
    plan = make_arena()
    assert plan.width <= 4_000
    assert plan.height <= 4_000
    assert all(0 < seat.x < plan.width and 0 < seat.y < plan.height for seat in plan.seats)
    for area in plan.areas:
        for point in area.polygon.points if area.polygon else ():
            assert 0 <= area.position.x + point.x <= plan.width
            assert 0 <= area.position.y + point.y <= plan.height


def test_every_tier_has_a_price_a_contiguous_range_and_accessible_seats() -> None:
    plan = make_arena()
    tiers = [seat.tier for seat in plan.seats]
    changes = 1 + sum(one != other for one, other in pairwise(tiers))
    assert changes == len(plan.tiers) == 5
    assert {tier.tier for tier in plan.tiers} == ARENA_PRICES.keys() == set(tiers)
    assert {seat.tier for seat in plan.seats if seat.accessible} == set(tiers)


def test_neighbours_in_a_block_sit_one_pitch_apart() -> None:
    plan = make_arena()
    for block in plan.blocks:
        seats = plan.seats[block.first_index : block.first_index + block.length]
        for one, other in pairwise(seats):
            gap = math.hypot(one.x - other.x, one.y - other.y)
            assert gap == pytest.approx(SEAT_PITCH, abs=0.3)


def test_each_row_is_one_block_without_a_hole() -> None:
    plan = make_arena()
    rows = {(seat.section, seat.row_name) for seat in plan.seats}
    assert len(plan.blocks) == len(rows)


def test_each_section_has_its_outline_around_its_seats() -> None:
    plan = make_arena()
    outlines = {area.section: area for area in plan.areas if area.section is not None}
    assert sorted(outlines) == list(range(len(plan.sections)))
    for seat in plan.seats:
        area = outlines[plan.sections.index(seat.section)]
        assert area.polygon
        assert is_inside(seat.x, seat.y, [(p.x, p.y) for p in area.polygon.points]), seat


def is_inside(x: float, y: float, corners: list[tuple[float, float]]) -> bool:
    """Count how often a ray from the point crosses the edges."""
    inside = False
    for (x1, y1), (x2, y2) in pairwise([*corners, corners[0]]):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


@pytest.mark.parametrize("seats", [0, 999, 100_001])
def test_a_size_that_is_no_arena_is_a_mistake(seats: int) -> None:
    with pytest.raises(AssertionError, match="no arena"):
        make_arena(seats)
