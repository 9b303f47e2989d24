"""Generated venues: as many seats as asked for, the same by seed, imported as any other plan."""

import random
from collections import Counter
from itertools import pairwise
from math import hypot

import pytest

from booking_core.catalog.arena_shapes import SEAT_PITCH
from booking_core.catalog.drawing import Point
from booking_core.catalog.plan_extras import read_extras, write_extras
from booking_core.catalog.pretix_format import read_pretix, write_pretix
from booking_core.catalog.pretix_plan import ImportedPlan, make_imported
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.venues import KINDS, make_venue

SIZES = [
    ("theatre", 300),
    ("theatre", 1_200),
    ("theatre", 3_999),
    ("arena", 1_001),
    ("arena", 5_000),
    ("stadium", 8_000),
    ("stadium", 23_456),
    ("stadium", 60_000),
]


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size[0]}-{size[1]}")
def made(request: pytest.FixtureRequest) -> tuple[str, int, ImportedPlan]:
    """A venue as it is after its files were written and read."""
    kind, seats = request.param
    source = make_venue(kind, seats, random.Random(1))
    pretix, _ = read_pretix(write_pretix(source.pretix))
    extras, _ = read_extras(write_extras(source.extras))
    return kind, seats, make_imported(pretix, extras)


Made = tuple[str, int, ImportedPlan]


def test_it_has_exactly_the_seats_asked_for_and_needs_no_repair(made: Made) -> None:
    _, seats, imported = made
    assert len(imported.plan.seats) == seats
    assert imported.report.repairs == ()
    assert imported.report.same_labels == 0


def test_nobody_sits_on_anybody_or_outside_of_the_drawing(made: Made) -> None:
    """Seats are 20 wide: any two whose places are in one square of 7 would touch."""
    plan = made[2].plan
    squares = Counter((seat.x // 7, seat.y // 7) for seat in plan.seats)
    assert max(squares.values()) == 1
    assert all(0 < seat.x < plan.width and 0 < seat.y < plan.height for seat in plan.seats)


def test_each_section_is_outlined_around_its_own_seats_alone(made: Made) -> None:
    plan = made[2].plan
    outlines = {area.section: area for area in plan.areas if area.section is not None}
    assert sorted(outlines) == list(range(len(plan.sections)))
    by_section: dict[str, list[Point]] = {}
    for seat in plan.seats:
        by_section.setdefault(seat.section, []).append(Point(seat.x, seat.y))
    names = list(by_section)
    for one, other in pairwise([*names, names[0]]):
        outline = outlines[plan.sections.index(one)]
        assert not any(outline.holds(place) for place in by_section[other]), (one, other)


def test_neighbours_sit_one_pitch_apart_and_aisles_part_them(made: Made) -> None:
    kind, _, imported = made
    plan = imported.plan
    for block in plan.blocks:
        seats = plan.seats[block.first_index : block.first_index + block.length]
        if seats[0].section.startswith("Boxes"):
            continue
        for one, other in pairwise(seats):
            gap = hypot(one.x - other.x, one.y - other.y)
            assert gap == pytest.approx(SEAT_PITCH, abs=0.3), (one, other)
    rows = {(seat.section, seat.row_name) for seat in plan.seats}
    assert len(plan.blocks) > len(rows) or kind == "arena"


def test_every_tier_has_accessible_seats_each_with_a_companion_beside_it(made: Made) -> None:
    _, _, imported = made
    assert imported.report.without_accessible == ()
    seats = {seat.seat_id: seat for seat in imported.plan.seats}
    companions = {
        said.companion_of: seats[seat_id]
        for seat_id, said in imported.source.extras.seats.items()
        if said.companion_of
    }
    accessible = [seat for seat in seats.values() if seat.accessible]
    assert {seat.seat_id for seat in accessible} == companions.keys()
    for seat in accessible:
        beside = companions[seat.seat_id]
        assert hypot(seat.x - beside.x, seat.y - beside.y) < 2 * SEAT_PITCH


def test_some_seats_are_kept_and_some_see_less(made: Made) -> None:
    _, seats, imported = made
    kept = Counter(said.kept_for for said in imported.source.extras.seats.values() if said.kept_for)
    assert kept["house"]
    assert sum(kept.values()) < seats / 20
    assert 0 < len(imported.plan.restricted_views) < seats / 4


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_same_seed_gives_the_same_venue_and_another_one_another(kind: str) -> None:
    one, again, other = (
        make_venue(kind, KINDS[kind].seats_min, random.Random(seed)) for seed in (7, 7, 8)
    )
    assert one == again
    assert one.pretix == other.pretix
    assert one.extras != other.extras


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_size_that_no_such_venue_has_is_refused(kind: str) -> None:
    for seats in (KINDS[kind].seats_min - 1, KINDS[kind].seats_max + 1, 0):
        with pytest.raises(EventRefused, match=f"of a {kind} must be"):
            make_venue(kind, seats, random.Random(1))


def test_a_stadium_is_a_bowl_of_rings_with_ways_in() -> None:
    imported = make_venue("stadium", None, random.Random(1))
    made = make_imported(imported.pretix, imported.extras).plan
    assert len(made.seats) == 60_000
    assert Counter(section[0] for section in made.sections).keys() == {"1", "2", "3"}
    # A row with a way in is two blocks, though it is one row.
    row = [seat for seat in made.seats if (seat.section, seat.row_name) == ("101", "F")]
    lengths = sorted(block.length for block in made.blocks if made.seats[block.first_index] in row)
    assert len(lengths) == 2
