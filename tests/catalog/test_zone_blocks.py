"""Seats of a zone that bear the same names: their blocks become sections, and nothing else does."""

import random
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_files import plan, raw, row, seat

from booking_core.catalog import zone_blocks
from booking_core.catalog.drawing import Point
from booking_core.catalog.pretix_plan import import_pretix
from booking_core.catalog.zone_blocks import NamedRow, tell_apart

SEATS = range(1, 11)


def a_row(name: str, x: float, y: float, section: str = "Stalls") -> NamedRow:
    """A row of ten whose middle is there."""
    return NamedRow(section, frozenset((name, str(seat)) for seat in SEATS), Point(x, y))


def block(x: float, y: float, rows: str = "ABCD") -> list[NamedRow]:
    """Rows one behind the other."""
    return [a_row(name, x, y + 30 * index) for index, name in enumerate(rows)]


def test_each_block_with_rows_of_the_same_names_is_a_section() -> None:
    names, split = tell_apart([*block(0, 0), *block(400, 0), *block(800, 0, "ABCDEF")])
    assert names == ["Stalls 1"] * 4 + ["Stalls 2"] * 4 + ["Stalls 3"] * 6
    assert split == {"Stalls": 3}


def test_it_does_not_matter_how_the_file_orders_the_rows() -> None:
    rows = [*block(0, 0), *block(400, 0), *block(400, 500)]
    random.Random(3).shuffle(rows)
    names, _ = tell_apart(rows)
    in_block = Counter(
        (name, one.middle.x, one.middle.y >= 500) for name, one in zip(names, rows, strict=True)
    )
    assert sorted(in_block.values()) == [4, 4, 4]
    assert len({name for name, *_ in in_block}) == 3


def test_names_that_differ_are_left_alone() -> None:
    left = NamedRow("Stalls", frozenset({("A", "1"), ("A", "2")}), Point(0, 0))
    right = NamedRow("Stalls", frozenset({("A", "3"), ("A", "4")}), Point(400, 0))
    circle = [a_row("A", 0, 900, "Circle"), a_row("B", 0, 930, "Circle")]
    assert tell_apart([left, right, *circle]) == (["Stalls"] * 2 + ["Circle"] * 2, {})


def test_a_row_of_other_names_belongs_to_the_block_it_is_near() -> None:
    rows = [*block(0, 0), *block(400, 0), a_row("E", 400, 120), a_row("X", 4_000, 4_000)]
    names, split = tell_apart(rows)
    assert names[-2:] == ["Stalls 2", "Stalls 3"]
    assert split == {"Stalls": 3}


def test_a_name_that_another_section_has_is_not_given_again() -> None:
    names, _ = tell_apart([*block(0, 0), *block(400, 0), a_row("A", 0, 900, "Stalls 2")])
    assert set(names) == {"Stalls · 1", "Stalls · 2", "Stalls 2"}


def test_a_section_of_too_many_rows_is_reported_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_blocks, "ROWS_MAX", 3)
    seats = [seat(number, 25 * number) for number in (1, 2, 3)]
    document = plan(*(row("A", 30 * index, seats) for index in range(4)))
    imported, report = import_pretix(raw(document))
    assert {one.section for one in imported.seats} == {"Stalls"}
    assert (report.same_labels, report.split_sections) == (12, {})


def test_an_outline_belongs_to_the_only_block_within_it() -> None:
    seats = [seat(number, 25 * number) for number in (1, 2, 3)]
    document = plan(row("A", 0, seats), row("A", 400, seats))
    document["zones"][0]["areas"] = [
        {"shape": "rectangle", "rectangle": {"width": 200, "height": 600}},
        {
            "shape": "rectangle",
            "position": {"x": 0, "y": 380},
            "rectangle": {"width": 200, "height": 40},
        },
    ]
    imported, _ = import_pretix(raw(document))
    around_both, around_one = imported.areas
    assert around_both.section is None
    assert imported.sections[around_one.section or 0] == "Stalls 2"


middles = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda at: Point(*at))
labels = st.frozensets(st.sampled_from(list(product("ABC", "123"))), min_size=1, max_size=4)
named_rows = st.builds(NamedRow, st.sampled_from(["Stalls", "Circle"]), labels, middles)


@given(st.lists(named_rows, max_size=12))
def test_afterwards_no_two_rows_of_a_section_share_a_name(rows: list[NamedRow]) -> None:
    names, split = tell_apart(rows)
    told = Counter(
        (name, label) for name, one in zip(names, rows, strict=True) for label in one.labels
    )
    assert max(told.values(), default=1) == 1
    for name, one in zip(names, rows, strict=True):
        assert name.startswith(one.section)
        assert (name == one.section) == (one.section not in split)
    assert tell_apart(rows) == (names, split)
