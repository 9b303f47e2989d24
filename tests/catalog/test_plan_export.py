"""Import, export, import: the same seats with the same ids, whatever the plan was like."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drafts import StandingClock, draft
from hypothesis import HealthCheck, given, settings
from made_plans import plans
from plan_files import raw, whole_plan

from booking_core.catalog.arena import ARENA_PRICES, make_arena
from booking_core.catalog.event import StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.export_event import export_event
from booking_core.catalog.import_event import PlanFiles, import_event_file, read_plan
from booking_core.catalog.plan_extras import NO_EXTRAS, read_extras, write_extras
from booking_core.catalog.plan_source import PlanSource
from booking_core.catalog.pretix_format import read_pretix, write_pretix
from booking_core.catalog.pretix_plan import ImportedPlan, make_imported
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.seat_plan import PlanTier, Seat, make_seat_plan
from groundwork.errors import EventNotFound
from groundwork.postgres import Pool

REAL_PLAN = Path(__file__).parents[2] / "../shared/seatplans/stadium-738.json"


def imported(given_bytes: bytes) -> ImportedPlan:
    return make_imported(read_pretix(given_bytes)[0])


def again(source: PlanSource) -> ImportedPlan:
    """Import what an export writes."""
    pretix, _ = read_pretix(write_pretix(source.pretix))
    extras, _ = read_extras(write_extras(source.extras))
    return make_imported(pretix, extras)


def without_ids(value: Any) -> Any:
    """What a file says but for guids and the names of zones, and keys that say nothing."""
    if isinstance(value, list):
        return [without_ids(one) for one in value]
    if isinstance(value, dict):
        left_out = {"seat_guid"} | ({"name"} if "rows" in value else set())
        return {
            key: without_ids(one)
            for key, one in value.items()
            if key not in left_out and one not in (None, [])
        }
    return value


def with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    for zone in document["zones"]:
        for part in (*zone["rows"], *zone.get("areas", ())):
            part.setdefault("position", {"x": 0, "y": 0})
            if "text" in part:
                part["text"] = {"color": "#333333", "size": 16} | part["text"]
    return document


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_any_plan_comes_back_with_the_same_meaning(document: dict[str, Any]) -> None:
    first = imported(raw(document))
    second = again(first.source)

    assert second.plan == first.plan
    assert second.report.repairs == ()
    assert second.source == first.source
    written = json.loads(write_pretix(first.source.pretix))
    assert without_ids(with_defaults(written)) == without_ids(with_defaults(document))


def test_the_real_stadium_comes_back_with_the_same_meaning() -> None:
    if not REAL_PLAN.exists():
        pytest.skip(f"needs the plan {REAL_PLAN.name} in ../shared/seatplans of the repository")
    first = imported(REAL_PLAN.read_bytes())
    second = again(first.source)
    assert len(first.report.repairs) == 546
    assert (second.plan, second.source) == (first.plan, first.source)
    assert second.report.repairs == ()


def test_what_is_written_is_what_other_readers_of_the_format_want() -> None:
    document = whole_plan()
    del document["zones"][0]["name"]
    document["zones"][0]["rows"][1]["seats"][0]["seat_guid"] = "x"
    written = json.loads(write_pretix(imported(raw(document)).source.pretix))
    assert written["zones"][0]["name"] == "stalls"
    row = written["zones"][0]["rows"][1]
    assert row["seats"][0]["seat_guid"] == "1-2-1"
    # Absent rather than null: the format's own schema takes no null for most keys.
    assert row.keys() == {"row_number", "seats", "position"}
    assert row["seats"][0].keys() == {"seat_guid", "seat_number", "position", "category"}


async def test_an_imported_event_is_exported_as_its_files(
    pool: Pool, sale_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(raw(whole_plan()))
    await import_event_file(pool, PlanFiles(plan=path), draft("from-a-file"), {}, 500)
    source = await export_event(pool, "from-a-file")
    assert source == imported(path.read_bytes()).source
    assert source.extras == NO_EXTRAS


async def test_seats_left_out_of_an_import_stay_out_of_its_export(
    pool: Pool, sale_id: str, tmp_path: Path
) -> None:
    plan, side_file = tmp_path / "plan.json", tmp_path / "side.json"
    plan.write_bytes(raw(whole_plan()))
    said = {"B-1": {"restricted_view": "A pillar"}, "A-1": {"kept_for": "press"}}
    side_file.write_text(json.dumps({"seats": said, "aisles": [["B-1", "B-2"], ["A-1", "A-2"]]}))
    files = PlanFiles(plan=plan, side_file=side_file, leave_out=["Silver"])
    await import_event_file(pool, files, draft("without-silver"), {}, 500)

    source = await export_event(pool, "without-silver")

    once_more = again(source)
    assert {seat.seat_id for seat in once_more.plan.seats} == {"A-1", "A-2", "A-3", "A-4"}
    assert once_more.plan == read_plan(files).plan
    assert source.extras.seats.keys() == {"A-1"}
    assert source.extras.aisles == (("A-1", "A-2"),)
    # The same command as before still finds the category that it leaves out.
    assert make_imported(source.pretix, source.extras, ["Silver"]).plan == once_more.plan


async def test_an_event_that_came_from_no_file_is_exported_from_its_seats(
    pool: Pool, sale_id: str
) -> None:
    arena = make_arena(1_000)
    standing = (StockTier("pit", "Pit", 4_500, 100),)
    await Catalog(pool).create_seated_event(draft("made-up", stock=standing), arena, ARENA_PRICES)
    plan = again(await export_event(pool, "made-up")).plan

    # The format has one word for a tier: its id.
    tiers = tuple(replace(tier, name=tier.tier) for tier in arena.tiers)
    assert plan == replace(arena, tiers=tiers, name=plan.name)


async def test_there_is_nothing_to_export_of_stock_or_of_nothing(pool: Pool, sale_id: str) -> None:
    await Catalog(pool, StandingClock()).create_event(draft("drop"))
    with pytest.raises(EventRefused, match="has no seats"):
        await export_event(pool, "drop")
    with pytest.raises(EventNotFound):
        await export_event(pool, "nothing")


async def test_an_event_without_files_says_who_sits_beside_whom(pool: Pool, sale_id: str) -> None:
    catalog = Catalog(pool, StandingClock())
    rows = [[
        Seat("A-1", "Gold", "Hall", "A", "1", 10, 10, accessible=True),
        Seat("A-2", "Gold", "Hall", "A", "2", 20, 10, companion_of="A-1"),
        Seat("A-3", "Gold", "Hall", "A", "3", 30, 10, kept_for="press"),
    ]]  # fmt: skip
    made = make_seat_plan(
        name="Hall", width=100, height=100, tiers=[PlanTier("Gold", "Gold", "#112233")],
        sections=["Hall"], rows=rows,
    )  # fmt: skip
    pit = StockTier("pit", "The pit", 4_500, 100, "#112233")
    await catalog.create_seated_event(draft("beside", stock=(pit,)), made, {"Gold": 1_000})

    source = await export_event(pool, "beside")

    assert source.extras.seats["A-2"].companion_of == "A-1"
    seats = again(source).plan.seats
    assert [seat.companion_of for seat in seats] == [None, "A-1", None]
    assert [seat.kept_for for seat in seats] == [None, None, "press"]
    assert [places.at(4_500) for places in source.extras.standing] == [pit]
