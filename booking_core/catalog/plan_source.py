"""What an event's seats were made from: the plan file with the ids that were given, and the side file."""

import gzip
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import msgspec

from booking_core.catalog.plan_extras import PlanExtras, read_extras, write_extras
from booking_core.catalog.pretix_format import PretixPlan, read_pretix, write_pretix

# 60,000 seats are 10 MB as written and 0.5 MB at this level, within half a second.
GZIP_LEVEL: Final = 5


@dataclass(frozen=True, slots=True)
class PlanSource:
    """A plan in the format of files: importing both again gives the same seats with the same ids."""

    pretix: PretixPlan
    extras: PlanExtras

    def only_of(self, seat_ids: Set[str]) -> "PlanSource":
        """Return the same without other seats: those that were left out of what is on sale.

        Their category stays, so that an import that leaves it out again finds it.
        """
        change = msgspec.structs.replace
        zones = []
        for zone in self.pretix.zones:
            rows = (
                change(row, seats=tuple(seat for seat in row.seats if seat.seat_guid in seat_ids))
                for row in zone.rows
            )
            zones.append(change(zone, rows=tuple(row for row in rows if row.seats)))
        return PlanSource(change(self.pretix, zones=tuple(zones)), self.extras.only_of(seat_ids))

    def packed(self) -> tuple[bytes, bytes]:
        """Return both files, compressed."""
        files = (write_pretix(self.pretix), write_extras(self.extras))
        pretix, extras = (gzip.compress(one, GZIP_LEVEL, mtime=0) for one in files)
        return pretix, extras

    @classmethod
    def unpacked(cls, pretix: bytes, extras: bytes) -> "PlanSource":
        """Return what was packed."""
        return cls(read_pretix(gzip.decompress(pretix))[0], read_extras(gzip.decompress(extras))[0])


def with_ids(pretix: PretixPlan, ids: Sequence[str], sections: Sequence[str]) -> PretixPlan:
    """Return the plan with these ids for its seats in their order, and a name for each zone."""
    rest = iter(ids)
    change = msgspec.structs.replace
    zones = tuple(
        change(
            zone,
            name=section,
            rows=tuple(
                change(row, seats=tuple(change(seat, seat_guid=next(rest)) for seat in row.seats))
                for row in zone.rows
            ),
        )
        for zone, section in zip(pretix.zones, sections, strict=True)
    )
    return change(pretix, zones=zones)
