"""The seat plan of ours: seats in the order of every packed status, and runs of neighbours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from booking_core.catalog.drawing import Area, Drawing, Point, find_focal_point
from booking_core.catalog.refusals import PlanInvalid
from booking_core.catalog.seat_rows import by_distance, neighbour_runs, usual_spacing

# The largest stadiums hold 115,000; one plan is one packed status in Redis, 1 byte a seat.
SEATS_MAX: Final = 120_000
# Tiers are lines of a legend that a fan reads, and keys of a Redis hash.
TIERS_MAX: Final = 64
TIER_LENGTH_MAX: Final = 64  # as in price_tiers
SEAT_ID_LENGTH_MAX: Final = 100  # as in seats


@dataclass(frozen=True, slots=True)
class Seat:
    """One place that can be sold once; x and y are absolute on the drawing.

    `companion_of` is the id of the accessible seat that this one is kept beside, if it is; `kept_for`
    the channel that alone may sell it.
    """

    seat_id: str
    tier: str
    section: str
    row_name: str
    seat_number: str
    x: float
    y: float
    accessible: bool = False
    companion_of: str | None = None
    kept_for: str | None = None


@dataclass(frozen=True, slots=True)
class SeatBlock:
    """A longest run of neighbours: one row, one tier, no aisle between.

    Its seats are first_index .. first_index + length - 1; rank 0 is the tier's nearest to the
    focal point.
    """

    tier: str
    first_index: int
    length: int
    rank: int


@dataclass(frozen=True, slots=True)
class PlanTier:
    """A price tier as the plan draws it; `tier` is its id, `color` #rrggbb."""

    tier: str
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """A checked plan. `seats` are in seat_index order: tier by tier, block by block (best rank
    first), along the row; so every tier and every block is a contiguous range.
    """

    name: str
    width: int
    height: int
    focal_point: Point
    areas: tuple[Area, ...]
    sections: tuple[str, ...]
    tiers: tuple[PlanTier, ...]
    seats: tuple[Seat, ...]
    blocks: tuple[SeatBlock, ...]
    # What stands in the way of a seat's view, by seat id; a seat that sees everything is not in it.
    restricted_views: Mapping[str, str] = field(default_factory=dict)

    def drawing(self) -> Drawing:
        """Return everything but the seats."""
        return Drawing(
            name=self.name,
            width=self.width,
            height=self.height,
            focal_point=self.focal_point,
            areas=self.areas,
            sections=self.sections,
            tiers=tuple(tier.tier for tier in self.tiers),
            restricted_views=dict(self.restricted_views),
        )


def make_seat_plan(
    *,
    name: str,
    width: int,
    height: int,
    tiers: Sequence[PlanTier],
    sections: Sequence[str],
    rows: Iterable[Sequence[Seat]],
    areas: Sequence[Area] = (),
    focal_point: Point | None = None,
    aisles: Iterable[tuple[str, str]] = (),
    restricted_views: Mapping[str, str] | None = None,
) -> SeatPlan:
    """Put the seats of the rows in order and find the blocks.

    Each item of `rows` is one row object: who sits next to whom comes from it and from the
    coordinates, never from the row's name, which repeats in every part of a real hall. `aisles` are
    pairs of seat ids that are no neighbours though nothing shows between them.
    Tiers without a seat are left out. Without a focal point, find_focal_point decides. Raises
    PlanInvalid when there is no seat, too many, or an id or tier that cannot be kept.
    """
    rows = [row for row in rows if row]
    _check(rows, tiers)
    focal_point = focal_point or find_focal_point(tuple(areas), width)
    runs = _runs_by_tier(rows, frozenset(frozenset(pair) for pair in aisles))
    seats: list[Seat] = []
    blocks: list[SeatBlock] = []
    for tier in tiers:
        for rank, run in enumerate(by_distance(runs.get(tier.tier, []), focal_point)):
            blocks.append(SeatBlock(tier.tier, len(seats), len(run), rank))
            seats.extend(run)
    assert len(seats) == sum(map(len, rows)), "every seat is in exactly one block"
    return SeatPlan(
        name=name,
        width=width,
        height=height,
        focal_point=focal_point,
        areas=tuple(areas),
        sections=tuple(sections),
        tiers=tuple(tier for tier in tiers if tier.tier in runs),
        seats=tuple(seats),
        blocks=tuple(blocks),
        restricted_views=restricted_views or {},
    )


def _runs_by_tier(
    rows: Sequence[Sequence[Seat]], aisles: frozenset[frozenset[str]]
) -> dict[str, list[Sequence[Seat]]]:
    by_section: dict[str, list[Sequence[Seat]]] = {}
    for row in rows:
        by_section.setdefault(row[0].section, []).append(row)
    runs: dict[str, list[Sequence[Seat]]] = {}
    for section_rows in by_section.values():
        fallback = usual_spacing(section_rows)
        for row in section_rows:
            for run in neighbour_runs(row, fallback):
                runs.setdefault(run[0].tier, []).extend(_parted(run, aisles))
    return runs


def _parted(run: Sequence[Seat], aisles: frozenset[frozenset[str]]) -> Iterator[Sequence[Seat]]:
    first = 0
    for index in range(1, len(run)) if aisles else ():
        if frozenset((run[index - 1].seat_id, run[index].seat_id)) in aisles:
            yield run[first:index]
            first = index
    yield run[first:]


def _check(rows: Sequence[Sequence[Seat]], tiers: Sequence[PlanTier]) -> None:
    seats = [seat for row in rows for seat in row]
    if not seats:
        raise PlanInvalid(("$", "has no seat"))
    if len(seats) > SEATS_MAX:
        raise PlanInvalid(("$", f"has {len(seats)} seats, at most {SEATS_MAX} can be kept"))
    if len(tiers) > TIERS_MAX:
        raise PlanInvalid(("$", f"has {len(tiers)} tiers, at most {TIERS_MAX} can be kept"))
    known = {tier.tier for tier in tiers}
    assert len(known) == len(tiers), "every tier is listed once"
    seen: set[str] = set()
    for seat in seats:
        if seat.seat_id in seen:
            raise PlanInvalid(("$", f"two seats have the id {seat.seat_id!r}"))
        if not 1 <= len(seat.seat_id) <= SEAT_ID_LENGTH_MAX:
            raise PlanInvalid(("$", f"the seat id {seat.seat_id!r} is too long or empty"))
        if seat.tier not in known:
            raise PlanInvalid(("$", f"seat {seat.seat_id!r} is of no tier: {seat.tier!r}"))
        seen.add(seat.seat_id)
    places = {seat.seat_id for seat in seats if seat.accessible}
    for seat in seats:
        if seat.companion_of is not None and (seat.accessible or seat.companion_of not in places):
            raise PlanInvalid(
                ("$", f"seat {seat.seat_id!r} is beside no accessible seat: {seat.companion_of!r}")
            )
