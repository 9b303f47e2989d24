"""The side file of a plan: what the plan format cannot say of seats, aisles and standing places."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import Annotated, Final

import msgspec

from booking_core.catalog.drawing import Point
from booking_core.catalog.event import (
    STOCK_COLOR,
    STOCK_MAX,
    STOCK_TIERS_MAX,
    TIER_LENGTH_MAX,
    StockTier,
)
from booking_core.catalog.plan_reader import raise_problems, read_document
from booking_core.catalog.seat_plan import Seat
from booking_core.catalog.seat_rows import along_the_row

# A sentence in a tooltip.
RESTRICTED_VIEW_LENGTH_MAX: Final = 200
# Channels are named in addresses and on the command line, as sales and events are.
CHANNEL_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
# Each of 120,000 seats with a sentence of its own.
EXTRAS_BYTES_MAX: Final = 64 * 1024 * 1024
# Every other seat of the largest stadium at an aisle.
AISLES_MAX: Final = 60_000
# Paths in the plan begin with $ alone.
ROOT: Final = "side file $"

TierName = Annotated[str, msgspec.Meta(min_length=1, max_length=TIER_LENGTH_MAX)]
Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=RESTRICTED_VIEW_LENGTH_MAX)]
Channel = Annotated[str, msgspec.Meta(pattern=CHANNEL_PATTERN)]


class SeatExtra(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of one seat. Without `accessible` the name of its category decides.

    `kept_for` is the channel that alone may sell the seat: house, press, kill.
    """

    accessible: bool | None = None
    companion_of: str | None = None
    restricted_view: Sentence | None = None
    kept_for: Channel | None = None

    def over(self, other: "SeatExtra") -> "SeatExtra":
        """Return what both say; what this one says nothing of is as the other one has it."""
        said = {field: getattr(self, field) for field in self.__struct_fields__}
        return msgspec.structs.replace(
            other, **{field: value for field, value in said.items() if value is not None}
        )


class StandingPlaces(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A general-admission area: places of one tier that are not told apart."""

    tier: TierName
    quantity: Annotated[int, msgspec.Meta(ge=0, le=STOCK_MAX)]
    name: TierName | None = None
    color: Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")] = STOCK_COLOR

    def at(self, price: int) -> StockTier:
        """Return the places as stock of an event."""
        return StockTier(self.tier, self.name or self.tier, price, self.quantity, self.color)


class PlanExtras(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole side file. Seats are named by their ids as the import gives them.

    `aisles` are pairs of neighbours whom an aisle parts that the drawing does not show.
    """

    focal_point: Point | None = None
    seats: dict[str, SeatExtra] = {}
    aisles: Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=AISLES_MAX)] = ()
    standing: Annotated[tuple[StandingPlaces, ...], msgspec.Meta(max_length=STOCK_TIERS_MAX)] = ()

    def of(self, seat_id: str) -> SeatExtra:
        """Return what is said of a seat."""
        return self.seats.get(seat_id, NOTHING_SAID)

    def over(self, other: "PlanExtras") -> "PlanExtras":
        """Return what both say; where both say the same thing of a seat, what this one says."""
        both = other.seats | {
            seat_id: said.over(other.of(seat_id)) for seat_id, said in self.seats.items()
        }
        return msgspec.structs.replace(self, seats=both)

    def only_of(self, seat_ids: Collection[str]) -> "PlanExtras":
        """Return the same without what is said of other seats, and of aisles beside them."""
        return msgspec.structs.replace(
            self,
            seats={one: said for one, said in self.seats.items() if one in seat_ids},
            aisles=tuple(pair for pair in self.aisles if all(one in seat_ids for one in pair)),
        )

    def looking_at(self, focal_point: Point) -> "PlanExtras":
        """Return the same with another focal point."""
        return msgspec.structs.replace(self, focal_point=focal_point)


NOTHING_SAID: Final = SeatExtra()
NO_EXTRAS: Final = PlanExtras()


def read_extras(raw: bytes, *, ignore_unknown: bool = False) -> tuple[PlanExtras, tuple[str, ...]]:
    """Return the side file in the bytes and the paths of unknown keys; raises PlanInvalid."""
    return read_document(
        raw, PlanExtras, bytes_max=EXTRAS_BYTES_MAX, ignore_unknown=ignore_unknown, root=ROOT
    )


def write_extras(extras: PlanExtras) -> bytes:
    """Return the side file; read_extras gives the same again."""
    return msgspec.json.encode(extras)


def check_extras(extras: PlanExtras, rows: Sequence[Sequence[Seat]], left_out: Set[str]) -> None:
    """Raise PlanInvalid naming all that the side file says of seats and rows that are not so.

    `rows` have the seats with what is said of them. Of seats that are `left_out` anything may be
    said: they are in the plan, only not for sale.
    """
    raise_problems(
        [
            *_seat_problems(extras, {one.seat_id: one for row in rows for one in row}, left_out),
            *_aisle_problems(extras, rows, left_out),
            *_standing_problems(extras),
        ]
    )


def _seat_problems(
    extras: PlanExtras, seats: Mapping[str, Seat], left_out: Set[str]
) -> Iterator[tuple[str, str]]:
    for seat_id, said in extras.seats.items():
        path = f"{ROOT}.seats[{seat_id!r}]"
        if seat_id in left_out:
            continue
        if seat_id not in seats:
            yield path, "is no seat of the plan"
        elif said.companion_of is not None:
            place = seats.get(said.companion_of)
            where = f"{path}.companion_of"
            if place is None:
                yield where, f"is no seat of the plan: {said.companion_of!r}"
            elif not place.accessible:
                yield where, f"is no accessible seat: {said.companion_of!r}"
            elif seats[seat_id].accessible:
                yield where, "is said of a seat that is accessible itself"
            elif place.section != seats[seat_id].section:
                yield where, f"is in another section: {place.section!r}"


def _aisle_problems(
    extras: PlanExtras, rows: Sequence[Sequence[Seat]], left_out: Set[str]
) -> Iterator[tuple[str, str]]:
    if not extras.aisles:
        return
    neighbours = {
        frozenset((one.seat_id, other.seat_id))
        for row in rows
        for one, other in pairwise(along_the_row(row))
    }
    for index, pair in enumerate(extras.aisles):
        if frozenset(pair) not in neighbours and not left_out & frozenset(pair):
            yield (
                f"{ROOT}.aisles[{index}]",
                f"are no neighbours of one row: {pair[0]!r}, {pair[1]!r}",
            )


def _standing_problems(extras: PlanExtras) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, places in enumerate(extras.standing):
        if places.tier in seen:
            yield f"{ROOT}.standing[{index}].tier", f"repeats the tier {places.tier!r}"
        seen.add(places.tier)
