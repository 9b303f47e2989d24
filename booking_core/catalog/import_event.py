"""Putting an event on sale from a seat-plan file: what the command line calls."""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from booking_core.catalog.drawing import Point
from booking_core.catalog.event import EventDraft
from booking_core.catalog.events import Catalog
from booking_core.catalog.plan_repair import RepairReport
from booking_core.catalog.pretix_format import PLAN_BYTES_MAX
from booking_core.catalog.pretix_plan import import_pretix
from booking_core.catalog.refusals import EventRefused, PlanInvalid
from booking_core.catalog.seat_plan import SeatPlan
from groundwork.postgres import Pool


async def import_event_file(
    pool: Pool,
    path: Path,
    draft: EventDraft,
    prices: Mapping[str, int],
    default_price: int | None = None,
    *,
    ignore_unknown: bool = False,
    leave_out: Collection[str] = (),
    focal_point: Point | None = None,
) -> RepairReport:
    """Create the event with the seats of a pretix seating-plan file, both or neither.

    `prices` are minor units by category name; categories not in it cost `default_price`. The
    report's lines() are for the operator. Raises PlanInvalid for the file, EventRefused for the
    event and its prices, OSError when the file cannot be read.
    """
    raw = await asyncio.to_thread(_read_file, path)
    plan, report = await asyncio.to_thread(
        import_pretix,
        raw,
        ignore_unknown=ignore_unknown,
        leave_out=leave_out,
        focal_point=focal_point,
    )
    complete = prices_of(plan, report, prices, default_price)
    await Catalog(pool).create_seated_event(draft, plan, complete)
    return report


def prices_of(
    plan: SeatPlan, report: RepairReport, prices: Mapping[str, int], default_price: int | None
) -> dict[str, int]:
    """Return a price for each tier of the plan; raises EventRefused for prices of no category.

    A price for a category that has no seat is no mistake: the file does list it.
    """
    tiers = [tier.tier for tier in plan.tiers]
    unknown = sorted(prices.keys() - set(tiers) - set(report.unused_categories))
    if unknown:
        known = ", ".join(tiers)
        raise EventRefused(
            *((f"prices[{name!r}]", f"no such category; there are: {known}") for name in unknown)
        )
    complete = {tier: prices[tier] for tier in tiers if tier in prices}
    if default_price is not None:
        complete = dict.fromkeys(tiers, default_price) | complete
    return complete


def _read_file(path: Path) -> bytes:
    size = path.stat().st_size
    if size > PLAN_BYTES_MAX:  # before reading it all
        raise PlanInvalid(("$", f"has {size} bytes, at most {PLAN_BYTES_MAX} are read"))
    return path.read_bytes()
