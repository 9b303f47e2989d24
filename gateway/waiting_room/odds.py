"""Whether waiting still makes sense: from what is left, how much fans take, and how many come before.

Everything here is counted twice, once as if fans took all they may (what is then still left is
likely to be had) and once as if they took little (what is then gone is unlikely to be had). What was
not measured yet counts at the worst on either side. So "likely" and "unlikely" are said late and
are rarely wrong; between them a fan is told that it is uncertain.

The rule, with n fans whose visit ended and t seats taken since the first count:

    margin  = 0.1 + 2 / sqrt(n + 20)
    most    = min(seats_max, (t + 20 * seats_max) / (n + 20) * (1 + margin))      seats for a fan inside
    least   = t / (n + 20) * (1 - margin)
    all     = min(1, (claimed + open + 20) / (called + 20) * (1 + margin))        called fans who come
    some    = claimed / (called + 20) * (1 - margin)

    likely    while ahead * all * most + (inside + open) * most + most <= left
    unlikely  once  ahead * some * least + (inside + open * some) * least >= left
"""

import math
from dataclasses import dataclass
from typing import Final

import msgspec

# Fans who are counted at the worst before anybody was measured: a score says more than one family.
FANS_UNMEASURED: Final = 20
# What is always doubted: late fans are other people than early ones.
MARGIN_MIN: Final = 0.1
# Fans differ in what they take by about as much as they take: two such deviations of the mean.
MARGIN_OF_CHANCE: Final = 2.0
# Before anybody was measured pacing counts on couples. Most fans inside take less, since not all
# buy; more would let hardly anybody into a sale of few seats.
SEATS_PER_FAN_PRIOR: Final = 2.0
# A fan who is called should find a seat: never more are inside than seats are left.
SEATS_PER_FAN_MIN: Final = 1.0
# No line is longer; it stands for "everybody".
DISTANCE_MAX: Final = 100_000_000


class Odds(msgspec.Struct, frozen=True):
    """Who has fewer than `likely` fans ahead is likely to be served, `uncertain` uncertain.

    Fans ahead are all who are called before, in lanes of precedence, too.
    """

    likely: int
    uncertain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What is known of fans and seats. `left` includes what is held, `open` calls not yet answered."""

    left: int
    seats_max: int
    taken: int
    called: int
    claimed: int
    inside: int
    open: int

    @property
    def ended(self) -> int:
        """Return how many visits have ended."""
        return max(0, self.claimed - self.inside)

    @property
    def margin(self) -> float:
        """Return by which part the measured may be wrong."""
        return MARGIN_MIN + MARGIN_OF_CHANCE / math.sqrt(self.ended + FANS_UNMEASURED)

    @property
    def seats_most(self) -> float:
        """Return what a fan inside takes at most, on average."""
        unmeasured = FANS_UNMEASURED * self.seats_max
        mean = (self.taken + unmeasured) / (self.ended + FANS_UNMEASURED)
        return min(self.seats_max, mean * (1 + self.margin))

    @property
    def seats_least(self) -> float:
        """Return what a fan inside takes at least, on average."""
        mean = self.taken / (self.ended + FANS_UNMEASURED)
        return min(self.seats_max, mean * max(0.0, 1 - self.margin))

    @property
    def come_most(self) -> float:
        """Return the part of called fans who come at most."""
        mean = (self.claimed + self.open + FANS_UNMEASURED) / (self.called + FANS_UNMEASURED)
        return min(1.0, mean * (1 + self.margin))

    @property
    def come_least(self) -> float:
        """Return the part of called fans who come at least."""
        mean = self.claimed / (self.called + FANS_UNMEASURED)
        return min(1.0, mean * max(0.0, 1 - self.margin))


def seats_per_fan(crowd: Crowd) -> float:
    """Return how many seats pacing should count on for a fan inside: as measured, never below one.

    Seats ÷ visits ended, with twenty couples counted in before anybody was measured.
    """
    prior = FANS_UNMEASURED * SEATS_PER_FAN_PRIOR
    mean = (crowd.taken + prior) / (crowd.ended + FANS_UNMEASURED)
    return round(min(float(crowd.seats_max), max(SEATS_PER_FAN_MIN, mean)), 3)


def odds_of(crowd: Crowd) -> Odds:
    """Return the distances up to which being served is likely, and uncertain."""
    most, least = crowd.seats_most, crowd.seats_least
    spare = crowd.left - (crowd.inside + crowd.open + 1) * most
    likely = math.floor(spare / (crowd.come_most * most)) + 1 if spare >= 0 else 0
    rest = crowd.left - (crowd.inside + crowd.open * crowd.come_least) * least
    used_by_one = crowd.come_least * least
    if rest <= 0:
        uncertain = 0
    elif used_by_one * DISTANCE_MAX <= rest:
        uncertain = DISTANCE_MAX
    else:
        uncertain = math.ceil(rest / used_by_one)
    likely = min(likely, DISTANCE_MAX)
    return Odds(likely, max(likely, uncertain))
