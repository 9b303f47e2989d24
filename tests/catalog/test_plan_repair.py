"""Repeated and missing seat ids: every seat gets its own, nothing is lost, the report says all."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_files import plan, raw, row, seat

from booking_core.catalog.plan_repair import SeatToName, name_seats
from booking_core.catalog.pretix_plan import import_pretix
from booking_core.catalog.seat_plan import SeatPlan

BLOCK = re.compile(r" \d+$")
STADIUM = Path(__file__).parents[2] / "../shared/seatplans/stadium-738.json"


def places(document: dict[str, Any]) -> Counter[tuple[str, str, str, float, float]]:
    """Everything a plan says about its seats but their ids."""
    return Counter(
        (
            zone["name"],
            row["row_number"],
            seat["seat_number"],
            round(sum(part["position"]["x"] for part in (zone, row, seat)), 2),
            round(sum(part["position"]["y"] for part in (zone, row, seat)), 2),
        )
        for zone in document["zones"]
        for row in zone["rows"]
        for seat in row["seats"]
    )


def places_of(imported: SeatPlan) -> Counter[tuple[str, str, str, float, float]]:
    """The same of a plan that was imported; blocks of a zone have its name and a number."""
    return Counter(
        (BLOCK.sub("", one.section), one.row_name, one.seat_number, one.x, one.y)
        for one in imported.seats
    )


def repeating_plan() -> dict[str, Any]:
    """Row A left and right of the aisle under the same guids, as the wild has it."""
    left = [seat(n, 25 * n, seat_guid=f"Stalls-A-{n}", uuid=f"left-{n}") for n in (1, 2, 3)]
    right = [seat(n, 200 + 25 * n, seat_guid=f"Stalls-A-{n}", uuid=f"right-{n}") for n in (1, 2, 3)]
    alone = [seat(1, 0, seat_guid="Stalls-B-1", uuid="alone"), seat(2, 25), seat(3, 50)]
    alone[2]["seat_guid"] = " padded "
    return plan(row("A", 0, left), row("A", 0, right), row("B", 30, alone))


def test_repeated_missing_and_unusable_ids_are_repaired_and_reported() -> None:
    document = repeating_plan()
    imported, report = import_pretix(raw(document))

    assert {one.seat_id for one in imported.seats} == {
        *(f"left-{n}" for n in (1, 2, 3)),
        *(f"right-{n}" for n in (1, 2, 3)),
        "Stalls-B-1",
        "1-3-2",
        "1-3-3",
    }
    counts = (report.repeated_ids, report.repeated_seats, report.missing, report.unusable)
    assert counts == (3, 6, 1, 1)
    assert [(repair.path, repair.old, repair.new) for repair in report.repairs[-3:]] == [
        ("$.zones[0].rows[1].seats[2]", "Stalls-A-3", "right-3"),
        ("$.zones[0].rows[2].seats[1]", None, "1-3-2"),
        ("$.zones[0].rows[2].seats[2]", " padded ", "1-3-3"),
    ]
    assert places_of(imported) == places(document)


def test_the_report_is_readable() -> None:
    _, report = import_pretix(raw(repeating_plan()))
    lines = report.lines()
    assert lines[0] == "9 seats imported."
    assert lines[1] == (
        "8 seat ids were replaced: 3 ids were repeated (on 6 seats), 1 missing, 1 not usable."
    )
    assert lines[2] == "  $.zones[0].rows[0].seats[0]: 'Stalls-A-1' is now 'left-1'"
    assert lines[-3] == (
        "'Stalls' has seats of the same names in 2 blocks: each block is a section of its own."
    )


def test_the_order_in_the_file_does_not_decide_who_gets_which_id() -> None:
    document = repeating_plan()
    by_place = {(one.x, one.y): one.seat_id for one in import_pretix(raw(document))[0].seats}
    document["zones"][0]["rows"][:2] = document["zones"][0]["rows"][1::-1]
    turned = {(one.x, one.y): one.seat_id for one in import_pretix(raw(document))[0].seats}
    assert turned == by_place


def test_without_uuids_the_ordinals_make_the_id() -> None:
    document = repeating_plan()
    for one_row in document["zones"][0]["rows"]:
        for one in one_row["seats"]:
            one.pop("uuid", None)
    imported, _ = import_pretix(raw(document))
    assert {"1-1-1", "1-2-1", "Stalls-B-1"} <= {one.seat_id for one in imported.seats}


texts = st.sampled_from(
    ["", "a", "A-1", "1-1-1", "z1-r1-s1", "z1-r1-s1-2", " b", "x\x00", "é" * 120]
)


@given(st.lists(st.tuples(st.none() | texts, st.none() | texts, texts), max_size=30))
def test_every_seat_gets_an_id_of_its_own_whatever_the_file_says(
    given_names: list[tuple[str | None, str | None, str]],
) -> None:
    seats = [
        SeatToName(f"${index}", guid, uuid, 1, 1, index + 1, number)
        for index, (guid, uuid, number) in enumerate(given_names)
    ]
    ids, report = name_seats(seats)

    assert len(set(ids)) == len(seats)
    assert all(1 <= len(one) <= 100 and one.isprintable() and one == one.strip() for one in ids)
    changed = {one.path: one for one in report.repairs}
    for one, seat_id in zip(seats, ids, strict=True):
        if one.path in changed:
            assert (changed[one.path].old, changed[one.path].new) == (one.guid, seat_id)
        else:
            assert one.guid == seat_id
    assert name_seats(seats) == (ids, report)


def test_a_real_stadium_of_738_seats_keeps_them_all() -> None:
    if not STADIUM.exists():
        pytest.skip(
            f"needs the stadium plan {STADIUM.name} in ../shared/seatplans of the repository"
        )
    given_bytes = STADIUM.read_bytes()
    imported, report = import_pretix(given_bytes)

    document = json.loads(given_bytes)
    assert len({one.seat_id for one in imported.seats}) == 738
    assert report.repeated_ids == 126
    assert len(report.repairs) == report.repeated_seats == 546
    assert places_of(imported) == places(document)
    # Fifteen blocks around the rink, in two zones.
    assert set(Counter(one.section for one in imported.seats).values()) == {42, 78}
    assert report.split_sections == {"Ground floor": 12, "First Floor": 3}
    assert report.same_labels == 0
    # 90 row objects without an aisle, though only 18 names of rows.
    assert len(imported.blocks) == 90
    assert import_pretix(given_bytes) == (imported, report)
