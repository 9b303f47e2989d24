"""Seats from a table: what comes out, and the line each refusal points at."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.catalog import seat_csv
from booking_core.catalog.import_event import PlanFiles, read_plan
from booking_core.catalog.pretix_plan import make_imported
from booking_core.catalog.refusals import PlanInvalid
from booking_core.catalog.seat_csv import read_csv
from booking_core.catalog.seat_plan import SeatPlan

TABLE = """\
section,row,seat,x,y,category,accessible
Stalls,A,1,0,0,Gold,yes
Stalls,A,2,20,0,Gold,
Stalls,A,3,40,0,Gold,no
Stalls,A,4,100,0,Gold,
Stalls,B,1,0,30,Silver,
Circle,A,1,0,90.5,Silver,x
"""


def imported(table: str, **options: bool) -> SeatPlan:
    pretix, extras, _ = read_csv(table.encode(), "Hall", **options)
    return make_imported(pretix, extras).plan


def refusal(table: str | bytes) -> dict[str, str]:
    with pytest.raises(PlanInvalid) as refused:
        read_csv(table if isinstance(table, bytes) else table.encode(), "Hall")
    return dict(refused.value.problems)


def with_line(line: str) -> str:
    return TABLE + line + "\n"


def test_each_line_is_a_seat() -> None:
    plan = imported(TABLE)
    assert (plan.name, plan.sections) == ("Hall", ("Stalls", "Circle"))
    assert {seat.seat_id for seat in plan.seats if seat.accessible} == {"Stalls-A-1", "Circle-A-1"}
    circle = next(seat for seat in plan.seats if seat.section == "Circle")
    assert (circle.row_name, circle.seat_number, circle.tier) == ("A", "1", "Silver")
    assert (circle.x - plan.seats[0].x, circle.y - plan.seats[0].y) == (0, 90.5)
    assert [tier.tier for tier in plan.tiers] == ["Gold", "Silver"]


def test_a_gap_is_an_aisle_and_lines_in_any_order_are_neighbours() -> None:
    head, *lines = TABLE.splitlines()
    for table in (TABLE, "\n".join([head, *lines[::2], *lines[1::2]])):
        gold = [block.length for block in imported(table).blocks if block.tier == "Gold"]
        assert sorted(gold) == [1, 3]


def test_columns_may_be_in_any_order_and_say_more() -> None:
    table = (
        "\ufeffSeat_ID,category,x,y,seat,row,Section,companion_of,restricted_view,kept_for,accessible\r\n"
        '11,Gold,0,0,1,A,S,,,,yes\r\n12,Gold,20,0,2,A,S,11,"Pillar, thick",house,\r\n'
    )
    pretix, extras, _ = read_csv(table.encode(), "Hall")
    plan = make_imported(pretix, extras).plan
    assert [seat.seat_id for seat in plan.seats] == ["11", "12"]
    assert plan.restricted_views == {"12": "Pillar, thick"}
    assert (extras.of("12").companion_of, extras.of("12").kept_for) == ("11", "house")


def test_a_table_parted_by_semicolons_may_have_decimal_commas() -> None:
    plan = imported("section;row;seat;x;y;category\nS;A;1;1,5;0;Gold\nS;A;2;21,5;0;Gold\n")
    assert plan.seats[1].x - plan.seats[0].x == 20


def test_empty_lines_are_passed_over() -> None:
    assert len(imported(TABLE.replace("\nStalls,B", "\n\n , ,,,,,\nStalls,B")).seats) == 6


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ("Stalls,C,1,left,0,Gold,", "line 8, x", "must be a number up to 100000, is 'left'"),
        ("Stalls,C,1,0,nan,Gold,", "line 8, y", "must be a number"),
        ("Stalls,C,1,0,1e9,Gold,", "line 8, y", "must be a number"),
        ("Stalls,C,1,0,0,,", "line 8, category", "must not be empty"),
        (",C,1,0,0,Gold,", "line 8, section", "must not be empty"),
        ("Stalls,C,,0,0,Gold,", "line 8, seat", "must not be empty"),
        ("Stalls,C,1,0,0,Gold,maybe", "line 8, accessible", "must be yes or no, is 'maybe'"),
        ("Stalls,C,1,0,0,Gold", "line 8", "has 6 cells, not 7"),
        (f"Stalls,{'C' * 101},1,0,0,Gold,", "line 8, row", "at most 100 printable"),
        (f"Stalls,C,1,0,0,{'G' * 65},", "line 8, category", "at most 64 printable"),
        ("Stalls,C,a\x07b,0,0,Gold,", "line 8, seat", "printable"),
        ("Stalls,A,2,70,0,Gold,", "line 8", "is the seat of line 3 again: 'Stalls-A-2'"),
        ('Stalls,C,"1,0,0,Gold,', "line 8", "is not CSV"),
    ],
)
def test_a_refusal_names_the_line(line: str, where: str, what: str) -> None:
    assert what in refusal(with_line(line))[where]


def test_everything_that_is_wrong_is_named_at_once_and_cut_when_it_is_much() -> None:
    assert refusal(with_line("Stalls,C,1,a,b,Gold,\nStalls,C,2,c,0,,")).keys() == {
        "line 8, x",
        "line 8, y",
        "line 9, x",
        "line 9, category",
    }
    many = refusal(TABLE + "".join(f"S,C,{n},a,0,Gold,\n" for n in range(50)))
    assert len(many) == 21
    assert many["$"] == "has 30 more problems"


@pytest.mark.parametrize(
    ("table", "where", "what"),
    [
        ("", "line 1", "has no column 'category'"),
        ("section,row,seat,x,y,category\n", "line 1", "is followed by no seat"),
        ("section,row,seat,x,x,y,category\n", "line 1", "has the column 'x' twice"),
        (TABLE.replace("accessible", "price", 1), "line 1, price", "is no column; there are:"),
        (b"section,row\n\xe4", "line 2", "is not UTF-8"),
        ("section,row,seat,x,y,category,seat_id\nS,A,1,0,0,G,7\n", "line 2, seat_id", "two"),
        (
            "section,row,seat,x,y,category,kept_for\nS,A,1,0,0,G,The House\n",
            "line 2, kept_for",
            "small letters",
        ),
    ],
)
def test_what_is_no_such_table_is_refused(table: str | bytes, where: str, what: str) -> None:
    assert what in refusal(table)[where]


def test_other_columns_can_be_passed_over() -> None:
    table = TABLE.replace("accessible", "price", 1).replace("yes", "12").replace("x\n", "9\n")
    pretix, _, unknown = read_csv(table.encode(), "Hall", ignore_unknown=True)
    assert unknown == ("line 1, price",)
    assert len(pretix.zones) == 2


def test_a_table_of_too_many_seats_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seat_csv, "SEATS_MAX", 4)
    assert refusal(TABLE) == {"line 6": "is one seat too many, at most 4 can be kept"}
    monkeypatch.setattr(seat_csv, "PLAN_BYTES_MAX", 10)
    assert "at most 10 are read" in refusal(TABLE)["file"]


def test_a_file_is_known_as_a_table_by_its_name(tmp_path: Path) -> None:
    path, side_file = tmp_path / "Small hall.CSV", tmp_path / "more.json"
    path.write_text(TABLE)
    side_file.write_text('{"seats": {"Stalls-A-2": {"companion_of": "Stalls-A-1"}}}')
    read = read_plan(PlanFiles(plan=path, side_file=side_file))
    assert read.plan.name == "Small hall"
    assert read.source.extras.of("Stalls-A-2").companion_of == "Stalls-A-1"
    assert read.source.extras.of("Stalls-A-1").accessible


numbers = st.sampled_from(["0", "20", "40.5", "-3", "1e3", " 7 ", "far"])
cells = st.tuples(
    st.sampled_from(["Stalls", "S 2", "Ränge"]),
    st.sampled_from(["A", "B", ""]),
    st.text("123", min_size=1, max_size=3) | st.text(max_size=2),
    numbers,
    numbers,
    st.sampled_from(["Gold", "Wheelchair", '"Gold", old']),
)


@given(st.lists(cells, max_size=6))
def test_any_table_is_read_whole_or_refused(rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([[*seat_csv.NEEDED], *rows])
    raw = text.getvalue().encode("utf-8", "replace")
    try:
        pretix, extras, _ = read_csv(raw, "Hall")
    except PlanInvalid:
        assert refusal(raw)
    else:
        assert len(make_imported(pretix, extras).plan.seats) == len(rows)
