"""From a file to an event on sale: what the command line does."""

from pathlib import Path

import pytest
from drafts import StandingClock, draft
from plan_files import raw, whole_plan

from booking_core.catalog import import_event
from booking_core.catalog.events import Catalog
from booking_core.catalog.import_event import PlanFiles, import_event_file
from booking_core.catalog.refusals import EventRefused, PlanInvalid
from groundwork.postgres import Pool

pytestmark = pytest.mark.usefixtures("sale_id")


@pytest.fixture
def plan_path(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_bytes(raw(whole_plan()))
    return path


async def prices(pool: Pool, event_id: str) -> dict[str, int]:
    event = await Catalog(pool, StandingClock()).get(event_id)
    return {tier.tier: tier.price for tier in event.tiers}


async def test_a_file_becomes_an_event_on_sale(pool: Pool, plan_path: Path) -> None:
    report = await import_event_file(
        pool, PlanFiles(plan=plan_path), draft("filed"), {"Gold": 100}, 50
    )
    assert report.lines()[0] == "6 seats imported."
    assert await prices(pool, "filed") == {"Gold": 100, "Silver": 50}


async def test_unknown_keys_and_categories_can_be_passed_over(pool: Pool, tmp_path: Path) -> None:
    document = whole_plan() | {"version": 1}
    document["categories"].append({"name": "Unused"})
    path = tmp_path / "plan.json"
    path.write_bytes(raw(document))
    given_prices = {"Gold": 100, "Unused": 1}
    with pytest.raises(PlanInvalid, match=r"\$\.version"):
        await import_event_file(pool, PlanFiles(plan=path), draft("passed"), given_prices)
    files = PlanFiles(plan=path, ignore_unknown=True, leave_out=["Silver"])
    report = await import_event_file(pool, files, draft("passed"), given_prices)
    assert (report.left_out, report.unused_categories) == (2, ("Unused",))
    assert await prices(pool, "passed") == {"Gold": 100}


async def test_a_price_of_no_category_is_refused(pool: Pool, plan_path: Path) -> None:
    with pytest.raises(EventRefused, match=r"prices\['Glod'\]: no such category; there are: Gold"):
        await import_event_file(
            pool, PlanFiles(plan=plan_path), draft("misspelt"), {"Glod": 100}, 50
        )


async def test_a_category_without_a_price_is_refused(pool: Pool, plan_path: Path) -> None:
    with pytest.raises(EventRefused, match=r"prices\['Silver'\]: is missing"):
        await import_event_file(pool, PlanFiles(plan=plan_path), draft("unpriced"), {"Gold": 100})
    assert await Catalog(pool, StandingClock()).find("unpriced") is None


async def test_a_file_that_is_not_there_is_said_so(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await import_event_file(pool, PlanFiles(plan=tmp_path / "none.json"), draft("none"), {})


async def test_a_file_that_is_too_large_is_not_read(
    pool: Pool, plan_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_event, "PLAN_BYTES_MAX", 5)
    with pytest.raises(PlanInvalid, match="at most 5 are read"):
        await import_event_file(pool, PlanFiles(plan=plan_path), draft("large"), {})
