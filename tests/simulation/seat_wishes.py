"""The hall of a seat story, and what its fans wish for."""

import random
from dataclasses import dataclass

from tests.simulation.seats_in_redis import SeatsInRedis

ROWS = [(12 * row, 12) for row in range(4)]
SEATS = 48
# One place for a fan who needs it, a companion's beside it, and two that are a channel's.
ALLOTMENT = "0" * 20 + "45" + "0" * 24 + "33"
CHANNELS = {46: "press", 47: "press"}
STOCK = {"standing": 18}


@dataclass
class Wishes:
    """Wishes that meet: near each other, and often for what somebody has."""

    event: SeatsInRedis
    rng: random.Random
    has_orphan_rule: bool

    def named(self) -> str:
        """Some of five seats in a line; at times of those that are not for everybody."""
        first, count = self.rng.randrange(SEATS - 4), self.rng.randint(1, 4)
        if self.rng.random() < 0.15:
            first = self.rng.choice([18, 19, 44, 45])
        seats = sorted(self.rng.sample(range(first, min(first + 5, SEATS)), min(count, 3)))
        rows = [row for row in ROWS if any(row[0] <= seat < row[0] + row[1] for seat in seats)]
        tiers = {"front" if seat < ROWS[2][0] else "back" for seat in seats}
        return self.event.named(
            seats,
            rows=rows if self.has_orphan_rule else (),
            is_accessible=self.rng.random() < 0.2,
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
            channel="press" if kind > 0.95 else "",
            chance=self.rng.randrange(100),
        )

    def stock(self) -> str:
        """Some that have no seats."""
        return self.event.stock("standing", self.rng.randint(1, 4))

    def any(self) -> str:
        """Anything."""
        return self.rng.choice([self.named, self.best, self.stock])()
