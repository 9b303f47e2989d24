"""One sale on a virtual clock, moved by the pacing model and told by the code that tells fans."""

import random
from array import array
from typing import Final

from gateway.simulation.house import HouseNow
from gateway.simulation.outcome import Followed, Moment, Outcome
from gateway.simulation.plan import MINUTE_MS, STEP_MS, Plan
from gateway.waiting_room.eta import Waits, eta_at
from gateway.waiting_room.line_now import LaneNow, LineNow, OriginAnswers, StockLeft
from gateway.waiting_room.odds import Crowd, seats_per_fan
from gateway.waiting_room.pacing_model import Asked, Called, Pacing
from gateway.waiting_room.pacing_parts import AnswerTimes

# Waits are measured once a second, as every process does.
MEASURE_EVERY_STEPS: Final = 1_000 // STEP_MS
# A sale that lasts longer stands still: nobody waits for a week.
STEPS_MAX: Final = 7 * 24 * 60 * MINUTE_MS // STEP_MS
# So many of those who came early are followed, and one a minute of the others.
EARLY_FOLLOWED: Final = 200
# They are told their wait when some calls have been measured.
EARLY_TOLD_AT_MS: Final = 30_000


class Simulation:
    """A crowd, its line and its house."""

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self.plan = plan
        self.pacing = Pacing(AnswerTimes(plan.answer_ms))
        self.house = HouseNow(plan, rng, self.pacing)
        self.waits = Waits()
        self.outcome = Outcome()
        self.now_ms, self.serving, self.joined, self.calls_open = 0, 0, 0, 0
        self._entered_this_minute = self._rate_before = self._held_at_ms = 0
        self._joins = _joins(plan, rng)
        # What each followed fan was told, by place.
        self._told: dict[int, tuple[int, int, int]] = {}

    def run(self) -> Outcome:
        """Hold the whole sale."""
        for step in range(STEPS_MAX):
            self.step(step)
            if self._is_over():
                break
        return self._end()

    def step(self, number: int) -> None:
        """Let so much time have passed since the opening, and all happen that happens in a step."""
        self.now_ms = number * STEP_MS
        self._join()
        called = self._call()
        entered = self.house.step(self.now_ms, self.calls_open)
        self._note(number, called, entered)

    def _join(self) -> None:
        joins, joined = self._joins, self.joined
        while joined < len(joins) and joins[joined] <= self.now_ms:
            joined += 1
        self.joined = joined

    def _call(self) -> Called:
        """Move the line by the shipped rule."""
        plan, now_ms = self.plan, self.now_ms
        rate = plan.rate_at(now_ms)
        asked = Asked(
            rate_per_minute=rate, burst=max(1, rate // 60), capacity=plan.capacity,
            answer_ms=plan.answer_ms,
        )  # fmt: skip
        requests, is_down = self.house.requests(), plan.is_down(now_ms)
        answers = OriginAnswers(0 if is_down else requests, requests if is_down else 0)
        called = self.pacing.call(
            now_ms, asked, [self.joined - self.serving], self.house.now, self._stock(), answers
        )
        self.calls_open = called.calls_open
        if called.now:
            assert called.cohort is not None
            self.house.call(now_ms, called.cohort, called.now)
            self._serve(called.now)
        return called

    def _stock(self) -> StockLeft | None:
        house = self.house
        if house.seats_left is None:
            return None
        crowd = Crowd(
            left=house.seats_left, seats_max=self.plan.seats_max, taken=house.taken,
            called=self.serving, claimed=house.claimed, inside=house.inside, open=self.calls_open,
        )  # fmt: skip
        return StockLeft(house.seats_left, seats_per_fan(crowd))

    def _serve(self, fans: int) -> None:
        waits, joins, now_ms = self.outcome.waits_s, self._joins, self.now_ms
        for place in range(self.serving + 1, self.serving + fans + 1):
            waits.append((now_ms - max(0, joins[place - 1])) / 1_000)
            if place in self._told:
                told_at_ms, p10, p90 = self._told.pop(place)
                waited_s = (now_ms - told_at_ms) / 1_000
                self.outcome.followed.append(Followed(told_at_ms, place, p10, p90, waited_s))
        self.serving += fans

    def _note(self, step: int, called: Called, entered: int) -> None:
        """Take in what is measured, and what is told."""
        outcome, asked = self.outcome, self.plan.rate_at(self.now_ms)
        outcome.held_by[called.limit] += 1
        # Until the first have come nobody can enter; nor when something else has held the calls.
        if called.limit not in ("rate", "health"):
            self._held_at_ms = self.now_ms
        has_demand = self.now_ms - self._held_at_ms >= self.plan.claim_mean_ms
        # What flows in until now does so by the rate of the step before.
        outcome.delivered.note(entered, self._rate_before, has_demand=has_demand)
        self._rate_before = called.rate_now
        outcome.inside_most = max(outcome.inside_most, self.house.inside)
        self._entered_this_minute += entered
        if step % MEASURE_EVERY_STEPS == 0:
            self.waits.note(self._line(called), asked)
        if self.now_ms == EARLY_TOLD_AT_MS:
            early = self.joined - self.serving
            for number in range(EARLY_FOLLOWED):
                self._follow(called, self.serving + 1 + number * early // EARLY_FOLLOWED)
        if self.now_ms % MINUTE_MS == 0:
            if self.now_ms and self.joined < len(self._joins):
                self._follow(called, self.joined)
            outcome.moments.append(
                Moment(
                    self.now_ms, self.joined - self.serving, self.house.inside,
                    self._entered_this_minute, asked,
                )
            )  # fmt: skip
            self._entered_this_minute = 0

    def _follow(self, called: Called, place: int) -> None:
        ahead = place - self.serving - 1
        eta = eta_at(self.waits.table(self._line(called)), ahead) if ahead >= 0 else None
        if eta is not None:
            self._told[place] = (self.now_ms, eta.p10, eta.p90)

    def _line(self, called: Called) -> LineNow:
        house = self.house
        return LineNow(
            now_ms=self.now_ms, inside=house.inside, calls_open=called.calls_open,
            called_now=called.now, called=self.serving, claimed=house.claimed,
            limit=called.limit, rate_now=called.rate_now,
            no_show_thousandths=round(1_000 * called.no_show), health_thousandths=called.health,
            admitted=house.admitted, at_turnstile=house.now.at_turnstile, late=house.late,
            lanes=(LaneNow("general", self.serving, self.joined, (), self.serving),),
        )  # fmt: skip

    def _is_over(self) -> bool:
        if self.house.seats_left == 0:
            self.outcome.is_sold_out = True
            return True
        return self.serving == len(self._joins) and self.house.is_empty

    def _end(self) -> Outcome:
        outcome, house = self.outcome, self.house
        outcome.over_at_ms = self.now_ms
        outcome.called, outcome.admitted = self.serving, house.admitted
        outcome.waiting, outcome.seats_taken = len(self._joins) - self.serving, house.taken
        outcome.ranges_told, outcome.ranges_kept = self.waits.kept.told, self.waits.kept.kept
        return outcome


def _joins(plan: Plan, rng: random.Random) -> "array[int]":
    """Return when each place is given, in order; who is there before the opening has 0."""
    early = round(plan.fans * plan.early_part)
    later = sorted(int(rng.expovariate(1 / plan.late_mean_ms)) for _ in range(plan.fans - early))
    return array("q", [0] * early + later)
