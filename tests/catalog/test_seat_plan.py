"""Neighbours, aisles, ranks and the one order of all seats."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.catalog.drawing import Area, AreaText, Point, Rectangle, find_focal_point
from booking_core.catalog.refusals import PlanInvalid
from booking_core.catalog.seat_plan import PlanTier, Seat, SeatPlan, make_seat_plan

TIERS = [PlanTier(tier, tier.title(), "#123456") for tier in ("gold", "silver", "bronze")]


def line(
    name: str, xs: Sequence[float], y: float = 0, tier: str = "gold", section: str = "S"
) -> list[Seat]:
    return [
        Seat(f"{name}-{number}", tier, section, name, str(number), x, y)
        for number, x in enumerate(xs, start=1)
    ]


def make(*rows: list[Seat], focal_point: Point | None = None) -> SeatPlan:
    return make_seat_plan(
        name="Hall",
        width=1000,
        height=1000,
        tiers=TIERS,
        sections=sorted({one.section for row in rows for one in row}),
        rows=rows,
        focal_point=focal_point,
    )


def block_ids(plan: SeatPlan) -> list[list[str]]:
    return [
        [one.seat_id for one in plan.seats[block.first_index : block.first_index + block.length]]
        for block in plan.blocks
    ]


def test_a_gap_clearly_larger_than_usual_is_an_aisle() -> None:
    assert block_ids(make(line("A", [0, 20, 40, 90, 110]), focal_point=Point())) == [
        ["A-1", "A-2", "A-3"],
        ["A-4", "A-5"],
    ]


def test_a_little_unevenness_is_no_aisle() -> None:
    assert len(make(line("A", [0, 20, 44, 62, 88])).blocks) == 1


def test_each_row_is_judged_by_its_own_spacing() -> None:
    narrow, wide = line("A", [0, 20, 40, 60]), line("B", [0, 50, 100, 150], y=30)
    assert sorted(block.length for block in make(narrow, wide).blocks) == [4, 4]


def test_a_row_of_two_is_judged_by_the_rows_around_it() -> None:
    near, apart = line("B", [0, 21], y=30), line("C", [0, 80], y=60)
    blocks = block_ids(make(line("A", [0, 20, 40]), near, apart))
    assert ["B-1", "B-2"] in blocks
    assert ["C-1"] in blocks
    assert ["C-2"] in blocks


def test_rows_of_the_same_name_are_not_neighbours() -> None:
    left = line("A", [0, 20, 40])
    right = [Seat(f"right-{n}", "gold", "S", "A", str(n), 60 + 20 * n, 0) for n in range(3)]
    assert sorted(map(len, block_ids(make(left, right)))) == [3, 3]


def test_another_tier_ends_a_block() -> None:
    row = line("A", [0, 20, 40, 60])
    row[2:] = [
        Seat(one.seat_id, "silver", "S", "A", one.seat_number, one.x, one.y) for one in row[2:]
    ]
    plan = make(row)
    assert [(block.tier, block.first_index, block.length, block.rank) for block in plan.blocks] == [
        ("gold", 0, 2, 0),
        ("silver", 2, 2, 0),
    ]


def test_a_file_that_lists_odd_numbers_first_still_has_neighbours() -> None:
    row = line("A", [0, 20, 40, 60, 80, 100])
    assert block_ids(make(row[::2] + row[1::2])) == [[f"A-{n}" for n in range(1, 7)]]


def test_a_ring_keeps_its_order() -> None:
    ring = [
        Seat(f"R-{n}", "gold", "S", "R", str(n), 500 + 300 * math.cos(a), 500 + 300 * math.sin(a))
        for n, a in ((n, n * 2 * math.pi / 60) for n in range(60))
    ]
    assert block_ids(make(ring)) == [[f"R-{n}" for n in range(60)]]


def test_blocks_nearer_to_the_focal_point_come_first() -> None:
    far, near, middle = (
        line("A", [400, 420, 440], 900),
        line("B", [400, 420], 100),
        line("C", [410], 300),
    )
    plan = make(far, near, middle, focal_point=Point(420, 0))
    assert block_ids(plan) == [["B-1", "B-2"], ["C-1"], ["A-1", "A-2", "A-3"]]
    assert [block.rank for block in plan.blocks] == [0, 1, 2]


def test_the_middle_of_a_block_counts_not_its_nearest_seat() -> None:
    long, short = line("A", [20 * n for n in range(40)], y=100), line("B", [300, 320], y=120)
    plan = make(long, short, focal_point=Point(0, 100))
    assert block_ids(plan)[0] == ["B-1", "B-2"]


def test_a_tier_without_a_seat_is_left_out() -> None:
    assert [tier.tier for tier in make(line("A", [0, 20])).tiers] == ["gold"]


@pytest.mark.parametrize("name", ["STAGE", "Bühne", "Main stage", "la scène", "Pitch", "舞台"])
def test_a_stage_is_known_by_its_name(name: str) -> None:
    stage = Area(
        shape="rectangle",
        position=Point(100, 50),
        rectangle=Rectangle(200, 100),
        text=AreaText(name),
    )
    backstage = Area(shape="text", text=AreaText("backstagepass"))
    assert find_focal_point((backstage, stage), 1000) == Point(200, 100)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([], "has no seat"),
        ([line("A", [0]), line("A", [0])], "two seats have the id"),
        ([line("A", [0], tier="platinum")], "is of no tier"),
        ([[Seat("x" * 101, "gold", "S", "A", "1", 0, 0)]], "too long"),
        ([[Seat("", "gold", "S", "A", "1", 0, 0)]], "empty"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(rows: list[list[Seat]], what: str) -> None:
    with pytest.raises(PlanInvalid, match=what):
        make(*rows)


@st.composite
def halls(draw: st.DrawFn) -> list[list[Seat]]:
    """Rows with gaps of one pitch or of an aisle, tiers that change anywhere, names that repeat."""
    rows = []
    for index in range(draw(st.integers(1, 8))):
        gaps = draw(st.lists(st.sampled_from([20, 20, 20, 21, 60, 100]), max_size=12))
        tiers = draw(st.lists(st.sampled_from(["gold", "silver"]), min_size=1, max_size=3))
        x = draw(st.integers(-500, 500)) + 0.0
        row = []
        for number in range(len(gaps) + 1):
            tier = tiers[number * len(tiers) // (len(gaps) + 1)]
            section = f"S{index % 2}"
            row.append(Seat(f"{index}-{number}", tier, section, "A", str(number), x, index * 30.0))
            x += gaps[number] if number < len(gaps) else 0
        rows.append(row)
    return rows


@given(halls(), st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_every_seat_is_in_one_block_and_all_is_contiguous(
    rows: list[list[Seat]], focal_x: int, focal_y: int
) -> None:
    focal_point = Point(focal_x, focal_y)
    plan = make(*rows, focal_point=focal_point)

    assert Counter(plan.seats) == Counter(one for row in rows for one in row)
    end = 0
    for block in plan.blocks:
        assert block.first_index == end
        end += block.length
    assert end == len(plan.seats)
    tier_order = [block.tier for block in plan.blocks]
    assert tier_order == sorted(tier_order, key=["gold", "silver"].index)
    row_of = {one.seat_id: index for index, row in enumerate(rows) for one in row}
    distances: dict[str, list[float]] = {}
    for block in plan.blocks:
        seats = plan.seats[block.first_index : block.first_index + block.length]
        assert {one.tier for one in seats} == {block.tier}
        assert len({row_of[one.seat_id] for one in seats}) == 1
        xs = [one.x for one in seats]
        assert xs == sorted(xs)
        middle = (xs[(len(xs) - 1) // 2] + xs[len(xs) // 2]) / 2
        ranked = distances.setdefault(block.tier, [])
        assert block.rank == len(ranked)
        ranked.append(math.hypot(middle - focal_x, seats[0].y - focal_y))
    for ranked in distances.values():
        assert all(one <= other + 0.01 for one, other in pairwise(ranked))


@given(halls(), st.randoms(use_true_random=False))
def test_the_order_of_seats_in_a_straight_row_of_the_file_changes_nothing(
    rows: list[list[Seat]], chance: random.Random
) -> None:
    shuffled = [chance.sample(row, len(row)) for row in rows]
    as_sets = {frozenset(block) for block in block_ids(make(*rows))}
    assert {frozenset(block) for block in block_ids(make(*shuffled))} == as_sets
