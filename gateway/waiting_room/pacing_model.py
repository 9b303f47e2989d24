"""The rule of call_places.lua as a pure model: what simulations run on, and what the script is held to.

Every number is computed in the same order as in the script, so that both agree to the last digit. A
step costs the same however many fans there are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.waiting_room.line_now import NO_ANSWERS, Limit, OriginAnswers, StockLeft
from gateway.waiting_room.pacing_parts import (
    EARLY_MS,
    TOKEN_UNITS,
    AnswerTimes,
    Bucket,
    Cohort,
    Health,
)

# lua/includes/calls_wanted.lua
SPREADS_AT_TURNSTILE: Final = 2.5
TURNSTILE_MS_MAX: Final = 10_000
EASE_PART: Final = 0.02
EASE_MS_MAX: Final = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an operator asks of a line. A rate of 0 is a pause."""

    rate_per_minute: int
    burst: int
    capacity: int
    answer_ms: int


@dataclass(frozen=True, slots=True)
class House:
    """How many fans are inside, wait for their token, and wait for room."""

    inside: int = 0
    at_turnstile: int = 0
    late: int = 0

    @property
    def taken(self) -> int:
        """How much room they take."""
        return self.inside + self.at_turnstile + self.late


@dataclass(frozen=True, slots=True)
class Called:
    """What one step did: how many were called in each lane, and what held the others."""

    by_lane: tuple[int, ...]
    cohort: Cohort | None
    limit: Limit
    rate_now: int
    calls_open: int
    no_show: float
    health: int

    @property
    def now(self) -> int:
        """How many were called."""
        return sum(self.by_lane)


@dataclass(slots=True)
class Pacing:
    """One line's pacing. Fans are numbers here: who they are is the caller's business."""

    answer_times: AnswerTimes
    bucket: Bucket = field(default_factory=Bucket)
    health: Health = field(default_factory=Health)
    cohorts: list[Cohort] = field(default_factory=list)
    ease_ms: float = 0.0
    limit: Limit = "paused"

    def call(
        self,
        now_ms: int,
        asked: Asked,
        waiting: Sequence[int],
        house: House,
        stock: StockLeft | None = None,
        answers: OriginAnswers = NO_ANSWERS,
        given_back: int = 0,
        frozen_ms: int = 0,
    ) -> Called:
        """Call as many as may be called now. `waiting`: how many wait in each lane, in order.

        `given_back`: how many at the turnstile have left, whose tokens come back. `frozen_ms`: how
        long an outage was that is over now, as far as it is made good.
        """
        held_ms = self.bucket.paused_ms(now_ms) - frozen_ms
        for cohort in self.cohorts:
            cohort.began_ms += frozen_ms + max(0, held_ms)
        health = self.health.judge(now_ms, answers)
        rate = math.ceil(asked.rate_per_minute * health / 1000)
        self.bucket.step(now_ms, rate, asked.burst, given_back)
        times = self.answer_times
        times.grow_older(self.cohorts, now_ms)
        self.cohorts = [each for each in self.cohorts if not times.is_settled(each, now_ms)]
        calls_open, expected = 0, 0.0
        for cohort in self.cohorts:
            calls_open += cohort.unclaimed
            age_ms = max(0, now_ms - cohort.began_ms - times.span_ms / 2)
            expected += cohort.unclaimed * times.still_comes(age_ms)

        taken = house.taken + calls_open
        room = max(0, asked.capacity - taken)
        wanted = self._wanted(expected) if rate > 0 else 0
        may_call = min(wanted, room)
        if stock is not None:
            served = max(min(1, stock.seats_left), stock.seats_left // stock.seats_per_fan)
            may_call = min(may_call, max(0, int(served) - taken))
        by_lane, rest = [], may_call
        for many in waiting:
            by_lane.append(min(many, rest))
            rest -= by_lane[-1]
        called = may_call - rest
        cohort_now = self._cohort(now_ms, called) if may_call > 0 else None
        if asked.rate_per_minute == 0:
            self.limit = "paused"
        elif sum(waiting) == called:
            self.limit = "demand"
        elif may_call < wanted:
            self.limit = "capacity" if may_call == room else "stock"
        else:
            self.limit = "health" if health < 1000 else "rate"
        no_show = math.floor(1000 * (1 - times.show) + 0.5) / 1000
        return Called(
            tuple(by_lane), cohort_now, self.limit, rate, calls_open + called, no_show, health
        )

    def _wanted(self, expected: float) -> int:
        """Return how many to call so that fans come as fast as tokens flow in."""
        times, bucket = self.answer_times, self.bucket
        per_ms = bucket.rate / TOKEN_UNITS
        spread = math.sqrt(2 * per_ms * times.lead_ms)
        wished = min(SPREADS_AT_TURNSTILE * spread + 1, per_ms * TURNSTILE_MS_MAX)
        at_turnstile = (bucket.spent - bucket.flow) / TOKEN_UNITS
        target = per_ms * (times.lead_ms + self.ease_ms) + wished
        if self.limit in ("rate", "health"):
            seconds = max(-1, min(1, (at_turnstile - wished) / max(1, bucket.rate / 60)))
            moved = self.ease_ms - seconds * bucket.elapsed_ms * EASE_PART
            self.ease_ms = max(-times.lead_ms, min(EASE_MS_MAX, moved))
        return max(0, math.floor((target - at_turnstile - expected) / times.show))

    def _cohort(self, now_ms: int, called: int) -> Cohort:
        newest = self.cohorts[-1] if self.cohorts else None
        if newest is None or now_ms - newest.began_ms >= self.answer_times.span_ms:
            newest = Cohort(now_ms)
            if called:
                self.cohorts.append(newest)
        newest.called += called
        return newest

    def answer(self, now_ms: int, cohort: Cohort | None, fans: int = 1) -> int:
        """Let fans of a cohort (None: who come late) take a token each; returns the last one's."""
        if cohort is not None:
            cohort.claimed = min(cohort.called, cohort.claimed + fans)
        return self.bucket.take(now_ms, fans)

    def wait_ms(self, now_ms: int, token: int) -> int:
        """Return how long it takes until a token has flowed in; 0 when its fan may enter."""
        lacking = token - self.bucket.flow_at(now_ms)
        if lacking <= self.bucket.rate * EARLY_MS:
            return 0
        return math.ceil(lacking / max(1, self.bucket.rate))
