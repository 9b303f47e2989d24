"""Import of pretix seating plans: read, check, give every seat its own id, put in order."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from booking_core.catalog.drawing import COORDINATE_MAX, Area, Point
from booking_core.catalog.plan_repair import RepairReport, SeatToName, name_seats
from booking_core.catalog.pretix_format import PretixPlan, PretixSeat, PretixZone, read_pretix
from booking_core.catalog.refusals import PlanInvalid
from booking_core.catalog.seat_plan import SEATS_MAX, PlanTier, Seat, SeatPlan, make_seat_plan

# The colour of a tier whose category has none, or one that is no hexadecimal colour.
TIER_COLOR: Final = "#6b7280"
HEX_COLOR: Final = re.compile(r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
# The format has no field for accessible places; halls make a category of them.
ACCESSIBLE_CATEGORY: Final = re.compile(
    r"wheelchair|accessible|rollstuhl|barrierefrei|\bpmr\b|fauteuil roulant|silla de ruedas"
    r"|carrozzin|carrozzell",
    re.IGNORECASE,
)
# Seats are drawn with a radius of about 10: the room kept around them at the drawing's edge.
MARGIN: Final = 20
# Finer than a pixel; keeps the drawing short.
POSITION_DIGITS: Final = 2
# Enough to see the pattern of what is wrong.
PROBLEMS_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class _RawSeat:
    seat: PretixSeat
    to_name: SeatToName
    section: str
    row_name: str
    row_key: tuple[int, int]
    position: Point


def import_pretix(
    raw: bytes,
    *,
    ignore_unknown: bool = False,
    leave_out: Collection[str] = (),
    focal_point: Point | None = None,
) -> tuple[SeatPlan, RepairReport]:
    """Return the plan in a pretix seating-plan file, and what had to be repaired in it.

    A category becomes a tier of the same name, a zone a section. `leave_out` names categories whose
    seats are not for sale and are not imported. The same bytes give the same ids each time. Raises
    PlanInvalid naming what is wrong and where.
    """
    pretix, unknown = read_pretix(raw, ignore_unknown=ignore_unknown)
    _check(pretix, leave_out)
    sections = _section_names(pretix.zones)
    found = list(_raw_seats(pretix, sections))
    if len(found) > SEATS_MAX:
        raise PlanInvalid(("$.zones", f"has {len(found)} seats, at most {SEATS_MAX} can be kept"))
    ids, report = name_seats([raw_seat.to_name for raw_seat in found])
    wanted = [
        (seat_id, raw_seat)
        for seat_id, raw_seat in zip(ids, found, strict=True)
        if raw_seat.seat.category not in leave_out
    ]
    if not wanted:
        raise PlanInvalid(("$.zones", "has no seat that is for sale"))
    origin, width, height = _canvas(pretix, [raw_seat.position for _, raw_seat in wanted])
    plan = make_seat_plan(
        name=pretix.name,
        width=width,
        height=height,
        tiers=_tiers(pretix),
        sections=tuple(dict.fromkeys(sections)),
        rows=_rows(wanted, origin),
        areas=_areas(pretix, origin),
        focal_point=focal_point and focal_point + origin,
    )
    return plan, replace(
        report,
        seats=len(plan.seats),
        same_labels=_same_labels(plan.seats),
        unused_categories=_unused(pretix, plan, leave_out),
        left_out=len(found) - len(wanted),
        ignored_keys=unknown,
    )


def _check(pretix: PretixPlan, leave_out: Collection[str]) -> None:
    problems = [*_category_problems(pretix, leave_out), *_zone_problems(pretix)]
    if problems:
        more = len(problems) - PROBLEMS_SHOWN_MAX
        tail = [("$", f"has {more} more problems")] if more > 0 else []
        raise PlanInvalid(*problems[:PROBLEMS_SHOWN_MAX], *tail)


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


def _rows(wanted: Sequence[tuple[str, _RawSeat]], origin: Point) -> list[list[Seat]]:
    rows: dict[tuple[int, int], list[Seat]] = {}
    for seat_id, raw_seat in wanted:
        place = raw_seat.position + origin
        seat = Seat(
            seat_id=seat_id,
            tier=raw_seat.seat.category,
            section=raw_seat.section,
            row_name=raw_seat.row_name,
            seat_number=raw_seat.to_name.seat_number,
            x=round(place.x, POSITION_DIGITS),
            y=round(place.y, POSITION_DIGITS),
            accessible=ACCESSIBLE_CATEGORY.search(raw_seat.seat.category) is not None,
        )
        rows.setdefault(raw_seat.row_key, []).append(seat)
    return list(rows.values())


def _areas(pretix: PretixPlan, origin: Point) -> list[Area]:
    return [area.placed(zone.position + origin) for zone in pretix.zones for area in zone.areas]


def _same_labels(seats: Sequence[Seat]) -> int:
    labels = Counter((seat.section, seat.row_name, seat.seat_number) for seat in seats)
    return sum(count for count in labels.values() if count > 1)


def _unused(pretix: PretixPlan, plan: SeatPlan, leave_out: Collection[str]) -> tuple[str, ...]:
    used = {tier.tier for tier in plan.tiers} | set(leave_out)
    return tuple(category.name for category in pretix.categories if category.name not in used)
