"""Import of pretix seating plans: read, check, give every seat its own id, put in order."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from booking_core.catalog.accessible_words import is_accessible_category
from booking_core.catalog.drawing import COORDINATE_MAX, Area, Point
from booking_core.catalog.plan_extras import NO_EXTRAS, PlanExtras, check_extras
from booking_core.catalog.plan_reader import raise_problems
from booking_core.catalog.plan_repair import RepairReport, SeatToName, name_seats
from booking_core.catalog.plan_source import PlanSource, with_ids
from booking_core.catalog.pretix_format import PretixPlan, PretixSeat, PretixZone, read_pretix
from booking_core.catalog.refusals import PlanInvalid
from booking_core.catalog.seat_plan import SEATS_MAX, PlanTier, Seat, SeatPlan, make_seat_plan
from booking_core.catalog.zone_blocks import NamedRow, tell_apart

# The colour of a tier whose category has none, or one that is no hexadecimal colour.
TIER_COLOR: Final = "#6b7280"
HEX_COLOR: Final = re.compile(r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
# Seats are drawn with a radius of about 10: the room kept around them at the drawing's edge.
MARGIN: Final = 20
# Finer than a pixel; keeps the drawing short.
POSITION_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class _RawSeat:
    seat: PretixSeat
    to_name: SeatToName
    section: str
    row_name: str
    row_key: tuple[int, int]
    position: Point


@dataclass(frozen=True, slots=True)
class ImportedPlan:
    """A plan, what had to be repaired in it, and the files that give it again."""

    plan: SeatPlan
    report: RepairReport
    source: PlanSource


def import_pretix(
    raw: bytes,
    *,
    ignore_unknown: bool = False,
    leave_out: Collection[str] = (),
    focal_point: Point | None = None,
) -> tuple[SeatPlan, RepairReport]:
    """Return the plan in a pretix seating-plan file, and what had to be repaired in it.

    The same bytes give the same ids each time. Raises PlanInvalid naming what is wrong and where.
    """
    pretix, unknown = read_pretix(raw, ignore_unknown=ignore_unknown)
    made = make_imported(pretix, PlanExtras(focal_point=focal_point), leave_out)
    return made.plan, replace(made.report, ignored_keys=unknown)


def make_imported(
    pretix: PretixPlan, extras: PlanExtras = NO_EXTRAS, leave_out: Collection[str] = ()
) -> ImportedPlan:
    """Return the plan of a file that was read, with what the side file says.

    A category becomes a tier of the same name, a zone a section. `leave_out` names categories whose
    seats are not for sale and are not imported. Raises PlanInvalid naming what is wrong and where.
    """
    raise_problems([*_category_problems(pretix, leave_out), *_zone_problems(pretix)])
    sections = _section_names(pretix.zones)
    found = list(_raw_seats(pretix, sections))
    if len(found) > SEATS_MAX:
        raise PlanInvalid(("$.zones", f"has {len(found)} seats, at most {SEATS_MAX} can be kept"))
    ids, report = name_seats([raw_seat.to_name for raw_seat in found])
    named = list(zip(ids, found, strict=True))
    wanted = [one for one in named if one[1].seat.category not in leave_out]
    if not wanted:
        raise PlanInvalid(("$.zones", "has no seat that is for sale"))
    wanted, split = _told_apart(wanted)
    plan = _plan(pretix, wanted, extras, set(ids) - {seat_id for seat_id, _ in wanted})
    report = replace(
        report,
        seats=len(plan.seats),
        split_sections=split,
        same_labels=_same_labels(plan.seats),
        unused_categories=_unused(pretix, plan, leave_out),
        left_out=len(found) - len(wanted),
        accessible_categories=tuple(
            tier.tier for tier in plan.tiers if is_accessible_category(tier.tier)
        ),
        without_accessible=_without_accessible(plan),
    )
    return ImportedPlan(plan, report, PlanSource(with_ids(pretix, ids, sections), extras))


def _plan(
    pretix: PretixPlan,
    wanted: Sequence[tuple[str, _RawSeat]],
    extras: PlanExtras,
    left_out: Set[str],
) -> SeatPlan:
    origin, width, height = _canvas(pretix, [raw_seat.position for _, raw_seat in wanted])
    rows = _rows(wanted, origin, extras)
    check_extras(extras, rows, left_out)
    return make_seat_plan(
        name=pretix.name,
        width=width,
        height=height,
        tiers=_tiers(pretix),
        sections=tuple(dict.fromkeys(row[0].section for row in rows)),
        rows=rows,
        areas=_areas(pretix, origin, wanted),
        focal_point=extras.focal_point and extras.focal_point + origin,
        aisles=extras.aisles,
        restricted_views={
            seat_id: said.restricted_view
            for seat_id, said in extras.seats.items()
            if said.restricted_view and seat_id not in left_out
        },
    )


def _category_problems(pretix: PretixPlan, leave_out: Collection[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, category in enumerate(pretix.categories):
        path = f"$.categories[{index}].name"
        if category.name in seen:
            yield path, f"repeats the category {category.name!r}"
        if not category.name.isprintable() or category.name != category.name.strip():
            yield path, "has control characters, or spaces at its ends"
        seen.add(category.name)
    for name in sorted(set(leave_out) - seen):
        yield "$.categories", f"has no category {name!r} to leave out"


def _zone_problems(pretix: PretixPlan) -> Iterator[tuple[str, str]]:
    known = {category.name for category in pretix.categories}
    for z, zone in enumerate(pretix.zones):
        for a, area in enumerate(zone.areas):
            if getattr(area, area.shape) is None:
                yield f"$.zones[{z}].areas[{a}]", f"has the shape {area.shape} but no {area.shape}"
        for r, row in enumerate(zone.rows):
            for s, seat in enumerate(row.seats):
                path = f"$.zones[{z}].rows[{r}].seats[{s}]"
                if seat.category not in known:
                    yield f"{path}.category", f"names no category of the plan: {seat.category!r}"
                for label, value in (("seat_number", seat.seat_number), ("row", row.row_number)):
                    if value and not value.isprintable():
                        yield f"{path}.{label}", "has control characters"


def _section_names(zones: Sequence[PretixZone]) -> list[str]:
    return [
        (zone.name or "").strip() or (zone.zone_id or "").strip() or f"Zone {ordinal}"
        for ordinal, zone in enumerate(zones, start=1)
    ]


def _raw_seats(pretix: PretixPlan, sections: Sequence[str]) -> Iterator[_RawSeat]:
    for z, zone in enumerate(pretix.zones):
        for r, row in enumerate(zone.rows):
            origin = zone.position + row.position
            for s, seat in enumerate(row.seats):
                path = f"$.zones[{z}].rows[{r}].seats[{s}]"
                number = seat.seat_number.strip()
                yield _RawSeat(
                    seat=seat,
                    to_name=SeatToName(
                        path, seat.seat_guid, seat.uuid, z + 1, r + 1, s + 1, number
                    ),
                    section=sections[z],
                    row_name=row.row_number.strip(),
                    row_key=(z, r),
                    position=origin + seat.position,
                )


def _canvas(pretix: PretixPlan, positions: Sequence[Point]) -> tuple[Point, int, int]:
    """Return how far to move everything, and the size, so that no seat lies outside the drawing."""
    left = min(0.0, min(point.x for point in positions) - MARGIN)
    top = min(0.0, min(point.y for point in positions) - MARGIN)
    right = max(float(pretix.size.width), max(point.x for point in positions) + MARGIN)
    bottom = max(float(pretix.size.height), max(point.y for point in positions) + MARGIN)
    if max(-left, -top, right, bottom) > COORDINATE_MAX:
        raise PlanInvalid(("$.zones", f"has a seat more than {COORDINATE_MAX} from the origin"))
    return Point(-left, -top), round(right - left), round(bottom - top)


def _tiers(pretix: PretixPlan) -> list[PlanTier]:
    return [
        PlanTier(category.name, category.name, _tier_color(category.color or ""))
        for category in pretix.categories
    ]


def _tier_color(color: str) -> str:
    if not HEX_COLOR.fullmatch(color):
        return TIER_COLOR
    digits = color[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def _rows(
    wanted: Sequence[tuple[str, _RawSeat]], origin: Point, extras: PlanExtras
) -> list[list[Seat]]:
    rows: dict[tuple[int, int], list[Seat]] = {}
    accessible = {
        name: is_accessible_category(name)
        for name in {raw_seat.seat.category for _, raw_seat in wanted}
    }
    for seat_id, raw_seat in wanted:
        said = extras.of(seat_id)
        place = raw_seat.position + origin
        seat = Seat(
            seat_id=seat_id,
            tier=raw_seat.seat.category,
            section=raw_seat.section,
            row_name=raw_seat.row_name,
            seat_number=raw_seat.to_name.seat_number,
            x=round(place.x, POSITION_DIGITS),
            y=round(place.y, POSITION_DIGITS),
            accessible=(
                accessible[raw_seat.seat.category] if said.accessible is None else said.accessible
            ),
            companion_of=said.companion_of,
            kept_for=said.kept_for,
        )
        rows.setdefault(raw_seat.row_key, []).append(seat)
    return list(rows.values())


def _told_apart(
    wanted: Sequence[tuple[str, _RawSeat]],
) -> tuple[list[tuple[str, _RawSeat]], dict[str, int]]:
    """Return the seats in sections in which no two have the same name, and what was split."""
    rows: dict[tuple[int, int], list[_RawSeat]] = {}
    for _, raw_seat in wanted:
        rows.setdefault(raw_seat.row_key, []).append(raw_seat)
    names, split = tell_apart([_named_row(row) for row in rows.values()])
    section_of = dict(zip(rows, names, strict=True))
    return [
        (seat_id, replace(raw_seat, section=section_of[raw_seat.row_key]))
        for seat_id, raw_seat in wanted
    ], split


def _named_row(row: Sequence[_RawSeat]) -> NamedRow:
    xs, ys = zip(*((seat.position.x, seat.position.y) for seat in row), strict=True)
    return NamedRow(
        section=row[0].section,
        labels=frozenset((seat.row_name, seat.to_name.seat_number) for seat in row),
        middle=Point(sum(xs) / len(row), sum(ys) / len(row)),
    )


def _areas(pretix: PretixPlan, origin: Point, wanted: Sequence[tuple[str, _RawSeat]]) -> list[Area]:
    """Return all areas; one that has every seat of a section of its zone within outlines it."""
    places: dict[str, list[Point]] = {}
    of_zone: dict[int, dict[str, None]] = {}
    for _, raw_seat in wanted:
        places.setdefault(raw_seat.section, []).append(raw_seat.position + origin)
        of_zone.setdefault(raw_seat.row_key[0], {})[raw_seat.section] = None
    index_of = {section: index for index, section in enumerate(places)}
    areas: list[Area] = []
    for z, zone in enumerate(pretix.zones):
        without = list(of_zone.get(z, ()))
        for one in zone.areas:
            area = one.placed(zone.position + origin)
            within = [name for name in without if all(map(area.holds, places[name]))]
            if len(within) == 1:  # around several, it is no outline of any
                area = msgspec.structs.replace(area, section=index_of[within[0]])
                without.remove(within[0])
            areas.append(area)
    return areas


def _without_accessible(plan: SeatPlan) -> tuple[str, ...]:
    """Return the tiers without an accessible seat: the law wants some at every price."""
    has = {seat.tier for seat in plan.seats if seat.accessible}
    return tuple(tier.tier for tier in plan.tiers if tier.tier not in has)


def _same_labels(seats: Sequence[Seat]) -> int:
    labels = Counter((seat.section, seat.row_name, seat.seat_number) for seat in seats)
    return sum(count for count in labels.values() if count > 1)


def _unused(pretix: PretixPlan, plan: SeatPlan, leave_out: Collection[str]) -> tuple[str, ...]:
    used = {tier.tier for tier in plan.tiers} | set(leave_out)
    return tuple(category.name for category in pretix.categories if category.name not in used)
