"""Importing pretix seating plans: what comes out, and where each refusal points."""

import copy
from typing import Any

import msgspec
import pytest
from plan_files import plan, raw, row, seat, whole_plan

from booking_core.catalog import pretix_format, pretix_plan
from booking_core.catalog.drawing import Area, Point
from booking_core.catalog.pretix_plan import import_pretix
from booking_core.catalog.refusals import PlanInvalid


def refusal(document: Any, **options: Any) -> dict[str, str]:
    given = document if isinstance(document, bytes) else raw(document)
    with pytest.raises(PlanInvalid) as refused:
        import_pretix(given, **options)
    return dict(refused.value.problems)


def test_a_plan_with_every_key_of_the_format_is_read_whole() -> None:
    imported, report = import_pretix(raw(whole_plan()))

    assert (imported.name, imported.width, imported.height) == ("Small hall", 1000, 800)
    assert [(tier.tier, tier.color) for tier in imported.tiers] == [
        ("Gold", "#ffcc00"),
        ("Silver", "#c0c0c0"),
    ]
    first = imported.seats[0]
    assert (first.seat_id, first.tier, first.section) == ("A-1", "Gold", "Stalls")
    assert (first.row_name, first.seat_number, first.x, first.y) == ("A", "1", 125, 210)
    assert [area.shape for area in imported.areas] == [
        "circle",
        "ellipse",
        "polygon",
        "rectangle",
        "text",
    ]
    assert imported.areas[0].position == Point(105, 205)
    assert report.repairs == ()
    assert report.lines() == [
        "6 seats imported.",
        "Every seat has an id of its own; nothing was repaired.",
        "Note: no accessible seat in: Gold, Silver.",
    ]


def test_what_is_named_a_stage_is_the_focal_point() -> None:
    imported, _ = import_pretix(raw(whole_plan()))
    assert imported.focal_point == Point(160, 70)


def test_a_stage_that_is_turned_has_its_middle_where_it_is_drawn() -> None:
    document = whole_plan()
    document["zones"][0]["areas"][3]["rotation"] = 90
    imported, _ = import_pretix(raw(document))
    assert (round(imported.focal_point.x), round(imported.focal_point.y)) == (90, 100)


def test_without_a_stage_the_seats_look_at_the_middle_of_the_top() -> None:
    imported, _ = import_pretix(raw(plan(row("A", 0, [seat(1, 0, seat_guid="A-1")]))))
    assert imported.focal_point == Point(500, 0)


def test_the_focal_point_may_be_given() -> None:
    imported, _ = import_pretix(raw(whole_plan()), focal_point=Point(7, 8))
    assert imported.focal_point == Point(7, 8)


def test_a_zone_may_be_without_a_name() -> None:
    document = plan(row("A", 0, [seat(1, 0, seat_guid="A-1")]))
    del document["zones"][0]["name"]
    imported, _ = import_pretix(raw(document))
    assert imported.sections == ("Zone 1",)


def test_a_byte_order_mark_is_no_harm() -> None:
    assert import_pretix(b"\xef\xbb\xbf" + raw(whole_plan()))[0].seats


def test_seats_outside_the_canvas_make_it_larger() -> None:
    document = plan(
        row("A", -500, [seat(1, -400, seat_guid="A-1"), seat(2, 1500, seat_guid="A-2")])
    )
    imported, _ = import_pretix(raw(document))
    places = {(one.x, one.y) for one in imported.seats}
    assert places == {(20, 20), (1920, 20)}
    assert (imported.width, imported.height) == (1940, 1120)


def test_a_category_for_wheelchairs_is_accessible() -> None:
    document = whole_plan()
    document["categories"][1]["name"] = "Rollstuhlplätze"
    for one in document["zones"][0]["rows"][1]["seats"]:
        one["category"] = "Rollstuhlplätze"
    imported, _ = import_pretix(raw(document))
    assert {one.seat_id for one in imported.seats if one.accessible} == {"B-1", "B-2"}


@pytest.mark.parametrize(
    ("name", "is_accessible"),
    [
        ("Wheelchair", True),
        ("Accessible seating, no steps", True),
        ("No steps, wheelchair accessible", True),
        ("Rollstuhl ohne Begleitung", True),
        ("Fauteuil roulant", True),
        ("Not wheelchair accessible", False),
        ("Not suitable for wheelchairs", False),
        ("Inaccessible (stairs)", False),
        ("Non-accessible", False),
        ("Wheelchair: no", False),
        ("Nicht barrierefrei", False),
        ("Keine Rollstuhlplätze", False),
        ("Non accessible", False),
        ("Sin silla de ruedas", False),
        ("Gold", False),
    ],
)
def test_a_category_that_says_no_is_not_accessible(name: str, is_accessible: bool) -> None:
    document = whole_plan()
    document["categories"][1]["name"] = name
    for one in document["zones"][0]["rows"][1]["seats"]:
        one["category"] = name
    if name == "Gold":
        document["categories"].pop()
    imported, report = import_pretix(raw(document))
    assert {one.seat_id for one in imported.seats if one.accessible} == (
        {"B-1", "B-2"} if is_accessible else set()
    )
    told = f"Accessible by the name of the category: {name}."
    assert (told in report.lines()) == is_accessible


def test_categories_can_be_left_out() -> None:
    imported, report = import_pretix(raw(whole_plan()), leave_out=["Silver"])
    assert {one.tier for one in imported.seats} == {"Gold"}
    assert report.left_out == 2
    assert "2 seats of left-out categories were not imported." in report.lines()
    assert "$.categories" in refusal(whole_plan(), leave_out=["Bronze"])
    assert refusal(whole_plan(), leave_out=["Gold", "Silver"]) == {
        "$.zones": "has no seat that is for sale"
    }


def test_a_seat_left_out_parts_its_neighbours() -> None:
    seats = [seat(n, 25 * n, seat_guid=f"A-{n}") for n in range(1, 6)]
    seats[2]["category"] = "Silver"
    imported, _ = import_pretix(raw(plan(row("A", 0, seats))), leave_out=["Silver"])
    assert [block.length for block in imported.blocks] == [2, 2]


def test_unused_categories_are_named() -> None:
    imported, report = import_pretix(raw(plan(row("A", 0, [seat(1, 0, seat_guid="A-1")]))))
    assert [tier.tier for tier in imported.tiers] == ["Gold"]
    assert "Categories without a seat: Silver." in report.lines()


L_SHAPE = [(0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)]

REFUSED: list[tuple[str, Any, str, str]] = [
    ("$.name", 5, "$.name", "Expected str"),
    ("$.size.width", 0, "$.size.width", ">= 1"),
    ("$.size.height", 1.5, "$.size.height", "Expected int"),
    ("$.categories.0.color", "url(x)", "$.categories[0].color", "regex"),
    ("$.categories.1.name", "Gold", "$.categories[1].name", "repeats"),
    ("$.categories.0.name", " Gold", "$.categories[0].name", "spaces at its ends"),
    ("$.categories", [{"name": "x"}] * 65, "$.categories", "length <= 64"),
    ("$.zones.0.position", None, "$.zones[0].position", "Expected object"),
    ("$.zones.0.position.x", "1", "$.zones[0].position.x", "Expected float"),
    ("$.zones.0.rows.1.row_number", 7, "$.zones[0].rows[1].row_number", "Expected str"),
    (
        "$.zones.0.rows.0.row_number_position",
        "top",
        "$.zones[0].rows[0].row_number_position",
        "Invalid",
    ),
    ("$.zones.0.rows.0.seats.2.position.y", 1e9, "$.zones[0].rows[0].seats[2].position.y", "<="),
    ("$.zones.0.rows.0.seats.2.seat_number", 3, "$.zones[0].rows[0].seats[2].seat_number", "str"),
    (
        "$.zones.0.rows.0.seats.1.category",
        "Glod",
        "$.zones[0].rows[0].seats[1].category",
        "'Glod'",
    ),
    (
        "$.zones.0.rows.0.seats.1.seat_number",
        "a\x07",
        "$.zones[0].rows[0].seats[1].seat_number",
        "control",
    ),
    ("$.zones.0.rows.0.seats.0.radius", -1, "$.zones[0].rows[0].seats[0].radius", ">= 0"),
    ("$.zones.0.areas.0.shape", "star", "$.zones[0].areas[0].shape", "Invalid enum"),
    ("$.zones.0.areas.0.shape", "polygon", "$.zones[0].areas[0]", "no polygon"),
    ("$.zones.0.areas.3.rectangle.width", -5, "$.zones[0].areas[3].rectangle.width", ">= 0"),
]


@pytest.mark.parametrize(("path", "value", "where", "what"), REFUSED)
def test_a_refusal_says_where_and_what(path: str, value: Any, where: str, what: str) -> None:
    document = whole_plan()
    *way, last = path.split(".")[1:]
    target: Any = document
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[int(last) if isinstance(target, list) else last] = value

    problems = refusal(document)
    assert where in problems
    assert what in problems[where]


@pytest.mark.parametrize("key", ["name", "categories", "zones", "size"])
def test_a_missing_key_is_named(key: str) -> None:
    document = whole_plan()
    del document[key]
    assert refusal(document) == {"$": f"Object missing required field {key}"}


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b'{"name": "x",}', "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "Expected object, got array"),
        (b'"plan"', "Expected object, got str"),
    ],
)
def test_what_is_no_plan_at_all_is_refused(given: bytes, what: str) -> None:
    assert what in refusal(given)["$"]


def test_a_plan_without_a_seat_is_refused() -> None:
    assert refusal(plan(row("A", 0, []))) == {"$.zones": "has no seat that is for sale"}


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretix_format, "PLAN_BYTES_MAX", 10)
    assert "at most 10 are read" in refusal(whole_plan())["$"]


def test_a_plan_of_too_many_seats_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretix_plan, "SEATS_MAX", 5)
    assert refusal(whole_plan()) == {"$.zones": "has 6 seats, at most 5 can be kept"}


def test_a_seat_far_out_is_refused() -> None:
    far = plan(row("A", 0, [seat(1, 99_999, seat_guid="A-1")]))
    assert "more than 100000 from the origin" in refusal(far)["$.zones"]


def test_unknown_keys_are_refused_all_at_once_and_can_be_ignored() -> None:
    document = whole_plan()
    document["version"] = 2
    document["zones"][0]["rows"][0]["seats"][1]["accessible"] = True
    document["zones"][0]["areas"][0]["position"]["z"] = 1
    document["zones"][0]["areas"][3]["text"]["font"] = "serif"
    paths = {
        "$.version",
        "$.zones[0].rows[0].seats[1].accessible",
        "$.zones[0].areas[0].position.z",
        "$.zones[0].areas[3].text.font",
    }
    assert refusal(document).keys() == paths

    imported, report = import_pretix(raw(document), ignore_unknown=True)
    assert len(imported.seats) == 6
    assert set(report.ignored_keys) == paths
    assert report.lines()[-1].startswith("Unknown keys were ignored: ")


def test_a_long_list_of_problems_is_cut() -> None:
    document = whole_plan()
    document["zones"][0]["rows"] = [
        row("A", 0, [seat(n, 25 * n, extra=1, category="?") for n in range(100)])
    ]
    assert len(refusal(document)) == 21
    assert refusal(document, ignore_unknown=True)["$"] == "has 80 more problems"


def test_importing_twice_gives_the_same() -> None:
    document = copy.deepcopy(whole_plan())
    assert import_pretix(raw(document)) == import_pretix(raw(document))


def test_everything_that_is_wrong_is_named_at_once() -> None:
    document = whole_plan()
    document["size"]["width"] = "wide"
    document["zones"][0]["rows"][0]["seats"][1]["position"]["x"] = None
    del document["zones"][0]["rows"][1]["seats"][0]["category"]
    document["zones"][0]["areas"][2]["polygon"]["points"][1] = 5
    assert refusal(document) == {
        "$.size.width": "Expected int, got str",
        "$.zones[0].rows[0].seats[1].position.x": "Expected float, got null",
        "$.zones[0].rows[1].seats[0]": "Object missing required field category",
        "$.zones[0].areas[2].polygon.points[1]": "Expected object, got int",
    }


def test_the_shape_around_all_seats_of_a_zone_is_its_outline() -> None:
    document = whole_plan()
    around = {"shape": "rectangle", "rectangle": {"width": 300, "height": 100}}
    document["zones"][0]["areas"] += [around, around]
    document["zones"].append({"name": "Foyer", "position": {"x": 0, "y": 0}, "rows": []})
    imported, _ = import_pretix(raw(document))
    assert [area.section for area in imported.areas] == [None] * 5 + [0, None]
    assert imported.sections == ("Stalls",)


@pytest.mark.parametrize(
    ("area", "inside", "outside"),
    [
        ({"shape": "circle", "circle": {"radius": 5}}, (103, 54), (104, 54)),
        ({"shape": "ellipse", "ellipse": {"radius": {"x": 9, "y": 3}}}, (108, 50), (100, 54)),
        (
            {"shape": "ellipse", "rotation": 90, "ellipse": {"radius": {"x": 9, "y": 3}}},
            (100, 58),
            (108, 50),
        ),
        ({"shape": "rectangle", "rectangle": {"width": 4, "height": 8}}, (104, 58), (99, 50)),
        (
            {"shape": "polygon", "polygon": {"points": [{"x": x, "y": y} for x, y in L_SHAPE]}},
            (101, 58),
            (108, 58),
        ),
        ({"shape": "text", "text": {"text": "here"}}, None, (100, 50)),
    ],
)
def test_a_shape_holds_what_is_drawn_within(
    area: dict[str, Any], inside: tuple[float, float] | None, outside: tuple[float, float]
) -> None:
    shape = msgspec.convert({"position": {"x": 100, "y": 50}, **area}, Area)
    assert inside is None or shape.holds(Point(*inside))
    assert not shape.holds(Point(*outside))
