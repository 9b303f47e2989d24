"""The rules of holding seats, written once more and plainly: what the scripts must agree with."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import combinations

COMPANIONS_MAX = 3
FREE = "045"

Row = tuple[int, int]


@dataclass(frozen=True)
class ModelHold:
    """What one reservation has."""

    name: str
    fan: str
    seats: tuple[int, ...]
    stock: int
    ends_at: int
    is_extended: bool = False
    is_offer: bool = False
    paying_until: int = 0

    @property
    def count(self) -> int:
        """How much counts for the fan's limit."""
        return self.stock or len(self.seats)


@dataclass
class NamedWish:
    """A wish for named seats."""

    seats: tuple[int, ...]
    is_accessible: bool
    channel: str
    has_orphan_rule: bool
    wants_offer: bool


@dataclass
class SeatModel:
    """An event. Holds that ran out stay until somebody sweeps, as in Redis."""

    allotment: str
    rows: tuple[Row, ...]
    channels: dict[int, str]
    stock: int
    seats_max: int
    now: int
    holds: dict[str, ModelHold] = field(default_factory=dict)
    sold: dict[int, str] = field(default_factory=dict)
    sold_stock: int = 0
    bought: Counter[str] = field(default_factory=Counter)
    offers: dict[str, str] = field(default_factory=dict)
    companions: dict[int, int] = field(default_factory=dict)

    def digit(self, seat: int, own: str = "") -> str:
        """Return what a seat is; seats of the hold `own` count as free."""
        if seat in self.sold:
            return "2"
        holder = self.holder(seat)
        return "1" if holder and holder.name != own else self.allotment[seat]

    def status(self, own: str = "") -> str:
        """Return what every seat is."""
        return "".join(self.digit(seat, own) for seat in range(len(self.allotment)))

    def holder(self, seat: int) -> ModelHold | None:
        """Return the hold that has a seat."""
        return next((hold for hold in self.holds.values() if seat in hold.seats), None)

    def count(self, fan: str) -> int:
        """Return what a fan holds and has bought."""
        return self.bought[fan] + sum(h.count for h in self.holds.values() if h.fan == fan)

    def free_stock(self) -> int:
        """Return how much stock is free."""
        return self.stock - self.sold_stock - sum(hold.stock for hold in self.holds.values())

    def live(self, name: str, fan: str) -> ModelHold | None:
        """Return a fan's hold that has not run out."""
        hold = self.holds.get(name)
        return hold if hold and hold.fan == fan and hold.ends_at > self.now else None

    def sweep(self) -> None:
        """End what ran out."""
        for hold in [hold for hold in self.holds.values() if hold.ends_at <= self.now]:
            self.end(hold.name)

    def end(self, name: str) -> None:
        """End a hold."""
        hold = self.holds.pop(name)
        if self.offers.get(hold.fan) == name:
            del self.offers[hold.fan]

    def end_offer(self, fan: str, kept: str = "") -> None:
        """Let go what was offered to a fan."""
        if fan in self.offers and self.offers[fan] != kept:
            self.end(self.offers[fan])

    def accept(self, name: str) -> None:
        """Make a hold of an offer."""
        hold = self.holds[name]
        if hold.is_offer:
            self.holds[name] = replace(hold, is_offer=False)
            del self.offers[hold.fan]

    def own_hold(self, fan: str, seats: tuple[int, ...]) -> ModelHold | None:
        """Return the fan's live hold of just these seats."""
        for hold in self.holds.values():
            if hold.fan == fan and hold.ends_at > self.now and set(hold.seats) == set(seats):
                return hold
        return None

    def taken(self, wish: NamedWish, own: str = "") -> list[int]:
        """Return the wanted seats that are gone, in the order of the wish."""
        return [
            seat
            for seat in wish.seats
            if (digit := self.digit(seat, own)) in "12"
            or (digit == "3" and (not wish.channel or self.channels.get(seat) != wish.channel))
        ]

    def kept(self, wish: NamedWish, own: str = "") -> set[int]:
        """Return the wanted seats that are for fans who need them."""
        places = {seat for seat in wish.seats if self.digit(seat, own) == "4"}
        beside = {seat for seat in wish.seats if self.digit(seat, own) == "5"}
        if not wish.is_accessible:
            return places | beside
        strays = {
            seat
            for seat in beside
            if (place := self.companions.get(seat)) is not None and place not in wish.seats
        }
        places |= {self.companions[seat] for seat in beside - strays if seat in self.companions}
        return beside if len(beside) > len(places) * COMPANIONS_MAX else strays

    def leaves_orphan(self, wish: NamedWish, own: str = "") -> bool:
        """Say whether somebody is left alone in a row where as many neighbours could avoid it."""
        status = self.status(own)
        for first, length in self.rows:
            row = status[first : first + length]
            here = {seat - first for seat in wish.seats if first <= seat < first + length}
            if here and new_orphans(row, here) and self._is_avoidable(row, len(here)):
                return True
        return False

    @staticmethod
    def _is_avoidable(row: str, count: int) -> bool:
        windows = (set(range(at, at + count)) for at in range(len(row) - count + 1))
        return any(
            all(row[seat] == "0" for seat in window) and not new_orphans(row, window)
            for window in windows
        )

    def has_run(self, low: int, high: int, count: int) -> bool:
        """Say whether so many free neighbours are in a row of seats low .. high - 1."""
        status = self.status()
        return any(
            "0" * count in status[first : first + length]
            for first, length in self.rows
            if low <= first < high
        )

    def has_place_beside(self, place: int, low: int, high: int, count: int) -> bool:
        """Say whether a place is free with the rest of a party beside it, in rows low .. high - 1."""
        status = self.status()
        return any(
            all(status[seat] in FREE for seat in window)
            and all(
                self.companions.get(seat, place) in window for seat in window if status[seat] == "5"
            )
            for first, length in self.rows
            if low <= first < high
            for at in range(first, first + length - count + 1)
            if place in (window := range(at, at + count))
        )


def new_orphans(row: str, taken: set[int]) -> set[int]:
    """Return the seats that are alone when these are taken, and were not before."""
    after = "".join("1" if seat in taken else digit for seat, digit in enumerate(row))
    return orphans(after) - orphans(row)


def orphans(row: str) -> set[int]:
    """Return the free seats without a free neighbour."""
    padded = f"|{row}|"
    return {
        seat
        for seat in range(len(row))
        if padded[seat + 1] == "0" and padded[seat] != "0" and padded[seat + 2] != "0"
    }


def near_seats(seats: int) -> list[tuple[int, ...]]:
    """Return wishes that meet: one to three of four that follow each other."""
    return [
        chosen
        for first in range(0, seats - 3, 2)
        for count in (1, 2, 3)
        for chosen in combinations(range(first, first + 4), count)
    ]
