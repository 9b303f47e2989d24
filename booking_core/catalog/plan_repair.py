"""Giving every seat of a plan an id of its own, and a report of what was changed for that."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from booking_core.catalog.seat_plan import SEAT_ID_LENGTH_MAX

# How many changes the readable report lists; all of them are in `repairs`.
REPAIRS_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class SeatToName:
    """What a plan says about one seat's identity. Ordinals count from 1."""

    path: str
    guid: str | None
    uuid: str | None
    zone_ordinal: int
    row_ordinal: int
    seat_ordinal: int
    seat_number: str


@dataclass(frozen=True, slots=True)
class Repair:
    """One seat whose id was replaced; `old` is None where there was none."""

    path: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What an import did to a plan, and what the operator should know about it."""

    seats: int
    repeated_ids: int
    repeated_seats: int
    missing: int
    unusable: int
    repairs: tuple[Repair, ...]
    same_labels: int = 0
    split_sections: Mapping[str, int] = field(default_factory=dict)
    unused_categories: tuple[str, ...] = ()
    left_out: int = 0
    ignored_keys: tuple[str, ...] = ()
    accessible_categories: tuple[str, ...] = ()
    without_accessible: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the report as lines of text for people."""
        return list(_lines(self))


def name_seats(seats: Sequence[SeatToName]) -> tuple[list[str], RepairReport]:
    """Return one id per seat, all different, and the report. The same plan gives the same ids.

    A guid that is well formed and occurs once stays. Every seat of a repeated guid gets another
    name (which one of them the guid once meant, nobody can tell): its uuid where that is usable,
    else made of zone ordinal, row ordinal and seat number. Nothing about a seat is lost.
    """
    guids = Counter(seat.guid for seat in seats if seat.guid)
    uuids = Counter(seat.uuid for seat in seats if seat.uuid)
    taken = {guid for guid, count in guids.items() if count == 1 and _is_usable(guid)}
    ids: list[str] = []
    repairs: list[Repair] = []
    for seat in seats:
        if seat.guid in taken:
            ids.append(seat.guid)
            continue
        # A uuid that is another seat's guid would be a new repetition.
        new = next(name for name in _names(seat, uuids) if name not in taken and name not in guids)
        taken.add(new)
        ids.append(new)
        repairs.append(Repair(seat.path, seat.guid, new))
    repeated = [count for guid, count in guids.items() if count > 1]
    report = RepairReport(
        seats=len(seats),
        repeated_ids=len(repeated),
        repeated_seats=sum(repeated),
        missing=sum(not seat.guid for seat in seats),
        unusable=sum(count == 1 and not _is_usable(guid) for guid, count in guids.items()),
        repairs=tuple(repairs),
    )
    assert len(set(ids)) == len(seats), "every seat has an id of its own"
    return ids, report


def _is_usable(name: str) -> bool:
    """Say whether a name can be an id: as the format has it, printable and not too long.

    The format wants two characters at least, and no space at the ends.
    """
    return name.isprintable() and name == name.strip() and 2 <= len(name) <= SEAT_ID_LENGTH_MAX


def _names(seat: SeatToName, uuids: Counter[str]) -> Iterator[str]:
    if seat.uuid and uuids[seat.uuid] == 1 and _is_usable(seat.uuid):
        yield seat.uuid
    by_number = f"{seat.zone_ordinal}-{seat.row_ordinal}-{seat.seat_number}"
    if seat.seat_number and _is_usable(by_number):
        yield by_number
    by_ordinal = f"z{seat.zone_ordinal}-r{seat.row_ordinal}-s{seat.seat_ordinal}"
    yield by_ordinal
    # Only a plan made to collide comes here; no plan has more seats than there are numbers left.
    suffix = 2
    while True:
        yield f"{by_ordinal}-{suffix}"
        suffix += 1


def _lines(report: RepairReport) -> Iterator[str]:
    yield f"{report.seats} seats imported."
    if report.left_out:
        yield f"{report.left_out} seats of left-out categories were not imported."
    if report.repairs:
        yield (
            f"{len(report.repairs)} seat ids were replaced: {report.repeated_ids} ids were repeated"
            f" (on {report.repeated_seats} seats), {report.missing} missing,"
            f" {report.unusable} not usable."
        )
        for repair in report.repairs[:REPAIRS_SHOWN_MAX]:
            yield f"  {repair.path}: {repair.old!r} is now {repair.new!r}"
        if len(report.repairs) > REPAIRS_SHOWN_MAX:
            yield f"  ... and {len(report.repairs) - REPAIRS_SHOWN_MAX} more."
    else:
        yield "Every seat has an id of its own; nothing was repaired."
    for section, blocks in report.split_sections.items():
        yield (
            f"{section!r} has seats of the same names in {blocks} blocks:"
            " each block is a section of its own."
        )
    if report.same_labels:
        yield (
            f"Note: {report.same_labels} seats share section, row and number with another seat;"
            " buyers cannot tell them apart by their tickets."
        )
    if report.unused_categories:
        yield f"Categories without a seat: {', '.join(report.unused_categories)}."
    if report.accessible_categories:
        yield f"Accessible by the name of the category: {', '.join(report.accessible_categories)}."
    if report.without_accessible:
        yield f"Note: no accessible seat in: {', '.join(report.without_accessible)}."
    if report.ignored_keys:
        shown = ", ".join(report.ignored_keys[:REPAIRS_SHOWN_MAX])
        more = len(report.ignored_keys) - REPAIRS_SHOWN_MAX
        yield f"Unknown keys were ignored: {shown}{f', and {more} more' if more > 0 else ''}."
