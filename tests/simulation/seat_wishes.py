"""The hall of a seat story, and what its fans wish for."""

import random
from dataclasses import dataclass

from tests.simulation.seats_in_redis import SeatsInRedis

ROW_SEATS = 12
# The companion's place, and the one it is beside.
COMPANIONS = {21: 20}


@dataclass(frozen=True)
class Hall:
    """Rows of twelve, the front half dearer than the back, and places without seats.

    One place is for a fan who needs it, a companion's is beside it, and two are a channel's.
    """

    rows_count: int

    @property
    def rows(self) -> list[tuple[int, int]]:
        """The first seat and the length of each row."""
        return [(ROW_SEATS * row, ROW_SEATS) for row in range(self.rows_count)]

    @property
    def seats(self) -> int:
        """How many seats there are."""
        return ROW_SEATS * self.rows_count

    @property
    def back(self) -> int:
        """The first seat of the back."""
        return ROW_SEATS * (self.rows_count // 2)

    @property
    def allotment(self) -> str:
        """What the seats are for."""
        return "0" * 20 + "45" + "0" * (self.seats - 24) + "33"

    @property
    def channels(self) -> dict[int, str]:
        """Whose the last two are."""
        return {self.seats - 2: "press", self.seats - 1: "press"}

    @property
    def stock(self) -> dict[str, int]:
        """Places without seats."""
        return {"standing": 9 * self.rows_count // 2}


SMALL, LARGE = Hall(4), Hall(50)
# The books are checked after every step, and the whole log, which only grows, after so many.
LOG_EVERY = 5


@dataclass(frozen=True)
class Size:
    """How large a story is; the crowd that meets is one of these."""

    hall: Hall
    crowds: tuple[int, ...]
    steps: int
    log_every: int = LOG_EVERY


# Many small ones find what meets rarely; a large one is a sale as it is.
USUAL = Size(SMALL, (8, 40, 300), 350)
THOUSANDS = Size(LARGE, (4_000,), 3_000, log_every=150)


@dataclass
class Wishes:
    """Wishes that meet: near each other, and often for what somebody has."""

    event: SeatsInRedis
    rng: random.Random
    hall: Hall
    has_orphan_rule: bool

    def named(self) -> str:
        """Some of five seats in a line; at times of those that are not for everybody."""
        first, count = self.rng.randrange(self.hall.seats - 4), self.rng.randint(1, 4)
        if self.rng.random() < 0.15:
            first = self.rng.choice([18, 19, self.hall.seats - 4, self.hall.seats - 3])
        seats = sorted(
            self.rng.sample(range(first, min(first + 5, self.hall.seats)), min(count, 3))
        )
        rows = [
            row for row in self.hall.rows if any(row[0] <= seat < row[0] + row[1] for seat in seats)
        ]
        tiers = {"front" if seat < self.hall.back else "back" for seat in seats}
        return self.event.named(
            seats,
            rows=rows if self.has_orphan_rule else (),
            is_accessible=self.rng.random() < 0.2,
            companions=COMPANIONS,
            channel="press" if self.rng.random() < 0.2 else "",
            offer=min(tiers) if self.rng.random() < 0.5 else "",
            chance=self.rng.randrange(100),
        )

    def best(self) -> str:
        """The best, at times for a fan who needs an accessible place, or of a channel."""
        kind = self.rng.random()
        return self.event.best(
            self.rng.randint(1, 4),
            ["front", "back"],
            accessible=[20] if kind < 0.1 else [],
            companions=COMPANIONS,
            channel="press" if kind > 0.95 else "",
            chance=self.rng.randrange(100),
        )

    def stock(self) -> str:
        """Some that have no seats."""
        return self.event.stock("standing", self.rng.randint(1, 4))

    def any(self) -> str:
        """Anything."""
        return self.rng.choice([self.named, self.best, self.stock])()
