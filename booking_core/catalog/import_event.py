"""Putting an event on sale from the files of a seat plan: what the command line calls."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from booking_core.catalog.drawing import Point
from booking_core.catalog.event import EventDraft
from booking_core.catalog.events import Catalog
from booking_core.catalog.plan_extras import EXTRAS_BYTES_MAX, NO_EXTRAS, read_extras
from booking_core.catalog.plan_repair import RepairReport
from booking_core.catalog.pretix_format import PLAN_BYTES_MAX, read_pretix
from booking_core.catalog.pretix_plan import ImportedPlan, make_imported
from booking_core.catalog.refusals import EventRefused, PlanInvalid
from booking_core.catalog.seat_csv import read_csv
from groundwork.postgres import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFiles:
    """Where a plan is read from, and how: `side_file` says what the format cannot."""

    plan: Path
    side_file: Path | None = None
    ignore_unknown: bool = False
    leave_out: Collection[str] = ()
    focal_point: Point | None = None


def read_plan(files: PlanFiles) -> ImportedPlan:
    """Return the plan in the files. Raises PlanInvalid, or OSError when one cannot be read.

    A file named .csv is a table, any other one a plan of pretix. Where a table and the side file
    say the same thing of a seat, the side file is believed.
    """
    raw, extras = _read_file(files.plan, PLAN_BYTES_MAX), NO_EXTRAS
    if files.plan.suffix.lower() == ".csv":
        pretix, extras, unknown = read_csv(
            raw, files.plan.stem, ignore_unknown=files.ignore_unknown
        )
    else:
        pretix, unknown = read_pretix(raw, ignore_unknown=files.ignore_unknown)
    if files.side_file:
        more, unknown_extras = read_extras(
            _read_file(files.side_file, EXTRAS_BYTES_MAX), ignore_unknown=files.ignore_unknown
        )
        extras, unknown = more.over(extras), unknown + unknown_extras
    if files.focal_point:
        extras = extras.looking_at(files.focal_point)
    imported = make_imported(pretix, extras, files.leave_out)
    return replace(imported, report=replace(imported.report, ignored_keys=unknown))


async def import_event_file(
    pool: Pool,
    files: PlanFiles,
    draft: EventDraft,
    prices: Mapping[str, int],
    default_price: int | None = None,
) -> RepairReport:
    """Create the event with the seats and standing places of the files, all or nothing.

    `prices` are minor units by category name, and by tier for standing places; what is not in it
    costs `default_price`. The report's lines() are for the operator. Raises PlanInvalid for the
    files, EventRefused for the event and its prices, OSError when a file cannot be read.
    """
    imported = await asyncio.to_thread(read_plan, files)
    complete = prices_of(imported, prices, default_price)
    stock = tuple(
        places.at(complete.pop(places.tier)) for places in imported.source.extras.standing
    )
    draft = replace(draft, stock=draft.stock + stock)
    await Catalog(pool).create_seated_event(draft, imported.plan, complete, imported.source)
    return imported.report


def prices_of(
    imported: ImportedPlan, prices: Mapping[str, int], default_price: int | None
) -> dict[str, int]:
    """Return a price for each tier of the plan; raises EventRefused for prices of no category.

    A price for a category that has no seat is no mistake: the file does list it.
    """
    seated = [tier.tier for tier in imported.plan.tiers]
    standing = [places.tier for places in imported.source.extras.standing]
    tiers = [*seated, *standing]
    known = ", ".join(tiers)
    problems = [
        (f"prices[{name!r}]", f"no such category; there are: {known}")
        for name in sorted(prices.keys() - set(tiers) - set(imported.report.unused_categories))
    ]
    complete = {tier: prices.get(tier, default_price) for tier in tiers}
    problems += [(f"prices[{tier!r}]", "is missing") for tier in standing if complete[tier] is None]
    problems += [
        (f"standing[{tier!r}]", "is a category of the plan, too")
        for tier in {*seated} & {*standing}
    ]
    if problems:
        raise EventRefused(*problems)
    return {tier: price for tier, price in complete.items() if price is not None}


def _read_file(path: Path, bytes_max: int) -> bytes:
    size = path.stat().st_size
    if size > bytes_max:  # before reading it all
        raise PlanInvalid(("$", f"has {size} bytes, at most {bytes_max} are read"))
    return path.read_bytes()
