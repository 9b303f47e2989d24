"""The side file: what it adds to the seats of a plan, and where each refusal points."""

import json
from typing import Any

import msgspec
import pytest
from plan_files import plan, raw, row, seat, whole_plan

from booking_core.catalog.drawing import Point
from booking_core.catalog.event import StockTier
from booking_core.catalog.plan_extras import PlanExtras, read_extras, write_extras
from booking_core.catalog.pretix_format import read_pretix
from booking_core.catalog.pretix_plan import ImportedPlan, make_imported
from booking_core.catalog.refusals import PlanInvalid

WHOLE = {
    "focal_point": {"x": 5, "y": 6},
    "seats": {
        "A-1": {"accessible": True},
        "A-2": {"companion_of": "A-1", "kept_for": "house"},
        "B-2": {"restricted_view": "Behind a pillar"},
    },
    "aisles": [["A-2", "A-3"]],
    "standing": [
        {"tier": "pit", "quantity": 200},
        {"tier": "lawn", "name": "The lawn", "quantity": 900, "color": "#00aa00"},
    ],
}


def with_extras(extras: dict[str, Any], document: Any = None, **options: Any) -> ImportedPlan:
    read, _ = read_extras(json.dumps(extras).encode())
    return make_imported(read_pretix(raw(document or whole_plan()))[0], read, **options)


def refusal(extras: dict[str, Any], document: Any = None) -> dict[str, str]:
    with pytest.raises(PlanInvalid) as refused:
        with_extras(extras, document)
    return dict(refused.value.problems)


def test_a_side_file_says_what_the_plan_cannot() -> None:
    made = with_extras(WHOLE).plan
    assert {one.seat_id for one in made.seats if one.accessible} == {"A-1"}
    assert made.focal_point == Point(5, 6)
    assert made.restricted_views == {"B-2": "Behind a pillar"}
    assert made.drawing().restricted_views == {"B-2": "Behind a pillar"}


def test_an_aisle_that_is_only_said_parts_neighbours_all_the_same() -> None:
    blocks = {block.length for block in with_extras({}).plan.blocks if block.tier == "Gold"}
    assert blocks == {4}
    blocks = {block.length for block in with_extras(WHOLE).plan.blocks if block.tier == "Gold"}
    assert blocks == {2}


def test_a_side_file_comes_back_as_it_was() -> None:
    read, unknown = read_extras(json.dumps(WHOLE).encode())
    assert unknown == ()
    assert read_extras(write_extras(read))[0] == read
    assert with_extras(WHOLE).source.extras == read


def test_standing_places_are_stock() -> None:
    read, _ = read_extras(json.dumps(WHOLE).encode())
    assert [places.at(1_500) for places in read.standing] == [
        StockTier("pit", "pit", 1_500, 200, "#6b7280"),
        StockTier("lawn", "The lawn", 1_500, 900, "#00aa00"),
    ]


def test_a_category_for_wheelchairs_may_have_a_seat_that_is_not() -> None:
    document = json.loads(json.dumps(whole_plan()).replace("Silver", "Wheelchair"))
    made = with_extras({"seats": {"B-1": {"accessible": False}}}, document).plan
    assert {one.seat_id for one in made.seats if one.accessible} == {"B-2"}


def test_anything_may_be_said_of_seats_that_are_left_out() -> None:
    extras = {
        "seats": {"B-1": {"companion_of": "nobody", "restricted_view": "dark"}},
        "aisles": [["B-1", "B-2"]],
    }
    assert with_extras(extras, leave_out=["Silver"]).plan.restricted_views == {}


def two_sections() -> dict[str, Any]:
    document = plan(row("A", 0, [seat(n, 25 * n, seat_guid=f"A-{n}") for n in (1, 2, 3)]))
    circle = row("A", 0, [seat(1, 0, seat_guid="C-1")])
    document["zones"].append({"name": "C", "position": {"x": 0, "y": 0}, "rows": [circle]})
    return document


@pytest.mark.parametrize(
    ("extras", "where", "what"),
    [
        ({"seats": {"Z-9": {}}}, "$.seats['Z-9']", "is no seat of the plan"),
        ({"seats": {"A-1": {"companion_of": "Z"}}}, "$.seats['A-1'].companion_of", "no seat"),
        (
            {"seats": {"A-1": {"companion_of": "A-2"}}},
            "$.seats['A-1'].companion_of",
            "is no accessible seat: 'A-2'",
        ),
        (
            {"seats": {"A-1": {"accessible": True, "companion_of": "A-1"}}},
            "$.seats['A-1'].companion_of",
            "is accessible itself",
        ),
        (
            {"seats": {"C-1": {"accessible": True}, "A-1": {"companion_of": "C-1"}}},
            "$.seats['A-1'].companion_of",
            "in another section: 'C'",
        ),
        ({"aisles": [["A-1", "A-3"]]}, "$.aisles[0]", "no neighbours of one row: 'A-1', 'A-3'"),
        ({"aisles": [["A-1", "C-1"]]}, "$.aisles[0]", "no neighbours"),
        ({"standing": [{"tier": "t", "quantity": 1}] * 2}, "$.standing[1].tier", "repeats"),
        ({"standing": [{"tier": "t", "quantity": -1}]}, "$.standing[0].quantity", ">= 0"),
        ({"standing": [{"tier": "t"}]}, "$.standing[0]", "required field quantity"),
        ({"seats": {"A-1": {"kept_for": "The House"}}}, "$.seats['A-1'].kept_for", "regex"),
        ({"seats": {"A-1": {"restricted_view": ""}}}, "$.seats['A-1'].restricted_view", ">= 1"),
        ({"seats": {"A-1": {"color": "red"}}}, "$.seats['A-1'].color", "not a key"),
        ({"aisles": [["A-1"]]}, "$.aisles[0]", "length 2"),
        ({"focal_point": {"x": "left"}}, "$.focal_point.x", "Expected float"),
    ],
)
def test_a_refusal_says_where_and_what(extras: dict[str, Any], where: str, what: str) -> None:
    problems = refusal(extras, two_sections())
    assert what in problems[f"side file {where}"]


def test_unknown_keys_can_be_passed_over() -> None:
    given = json.dumps({"notes": 1, "seats": {"A-1": {"accessible": True, "x": 2}}}).encode()
    read, unknown = read_extras(given, ignore_unknown=True)
    assert read.of("A-1").accessible
    assert set(unknown) == {"side file $.notes", "side file $.seats['A-1'].x"}


def test_what_the_side_file_says_of_a_seat_goes_over_what_a_table_says() -> None:
    table = msgspec.convert({"seats": {"a": {"accessible": True}, "b": {}}}, PlanExtras)
    side = msgspec.convert(
        {"seats": {"a": {"kept_for": "house"}}, "aisles": [["a", "b"]]}, PlanExtras
    )
    both = side.over(table)
    assert both.seats.keys() == {"a", "b"}
    # Field by field: a side file that keeps a seat for the house must not take its ramp away.
    assert (both.of("a").kept_for, both.of("a").accessible) == ("house", True)
    denied = msgspec.convert({"seats": {"a": {"accessible": False}}}, PlanExtras).over(table)
    assert denied.of("a").accessible is False
    assert both.aisles == (("a", "b"),)
