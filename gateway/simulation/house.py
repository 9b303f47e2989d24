"""Called fans of a simulated sale: on their way, at the turnstile, inside, and gone with their seats."""

import random
from collections import defaultdict, deque

from gateway.simulation.plan import MINUTE_MS, STEP_MS, Plan
from gateway.waiting_room.pacing_model import House, Pacing
from gateway.waiting_room.pacing_parts import EARLY_MS, Cohort


class HouseNow:
    """Moves called fans step by step. Who comes takes a token, and enters when it has flowed in."""

    def __init__(self, plan: Plan, rng: random.Random, pacing: Pacing) -> None:
        self._plan, self._rng, self._pacing = plan, rng, pacing
        self._coming: defaultdict[int, list[Cohort]] = defaultdict(list)
        self._leaving: defaultdict[int, int] = defaultdict(int)
        self._turnstile: deque[int] = deque()
        self.on_the_way = self.late = self.inside = 0
        self.claimed = self.admitted = 0
        self.seats_left = plan.seats
        self.taken = 0

    @property
    def now(self) -> House:
        """How many take room."""
        return House(self.inside, len(self._turnstile), self.late)

    @property
    def is_empty(self) -> bool:
        """Whether everybody who was called has come and gone, or never will."""
        return not (self.on_the_way or self._turnstile or self.late or self.inside)

    def call(self, now_ms: int, cohort: Cohort, fans: int) -> None:
        """Some of those who were called set out, sooner or later."""
        rng, step = self._rng, now_ms // STEP_MS
        mean, no_show = self._plan.claim_mean_ms / STEP_MS, self._plan.no_show
        for _ in range(fans):
            if rng.random() >= no_show:
                self._coming[step + 1 + int(rng.expovariate(1 / mean))].append(cohort)
                self.on_the_way += 1

    def step(self, now_ms: int, calls_open: int) -> int:
        """Let fans leave, come and enter; return how many entered."""
        step = now_ms // STEP_MS
        self.inside -= self._leaving.pop(step, 0)
        for cohort in self._coming.pop(step, ()):
            self.on_the_way -= 1
            if self._pacing.answer_times.is_settled(cohort, now_ms):
                self.late += 1
            else:
                self._answer(now_ms, cohort)
        while self.late and self._taken(calls_open) < self._plan.capacity:
            self.late -= 1
            self._answer(now_ms, None)
        return self._enter(now_ms)

    def _taken(self, calls_open: int) -> int:
        return self.inside + len(self._turnstile) + calls_open

    def _answer(self, now_ms: int, cohort: Cohort | None) -> None:
        self._turnstile.append(self._pacing.answer(now_ms, cohort))
        self.claimed += 1

    def _enter(self, now_ms: int) -> int:
        bucket, entered = self._pacing.bucket, 0
        flowed = bucket.flow_at(now_ms) + bucket.rate * EARLY_MS
        while self._turnstile and self._turnstile[0] <= flowed:
            self._turnstile.popleft()
            entered += 1
            self._visit(now_ms)
        self.admitted += entered
        return entered

    def _visit(self, now_ms: int) -> None:
        """A fan is inside for a while, and takes seats unless the shop is out of order."""
        plan, rng = self._plan, self._rng
        self.inside += 1
        if rng.random() < plan.silent_part:
            visit_ms: float = plan.silent_ms
        else:
            visit_ms = min(plan.visit_ms_max, rng.expovariate(1 / plan.visit_mean_ms))
            if self.seats_left is not None and not plan.is_down(now_ms):
                self._take_seats()
        self._leaving[(now_ms + int(visit_ms)) // STEP_MS + 1] += 1

    def _take_seats(self) -> None:
        assert self.seats_left is not None
        # Two in three buy; the others leave with nothing.
        mean = self._plan.seats_per_fan / (1 - self._plan.silent_part)
        wished = self._rng.uniform(0, 2 * mean)
        seats = min(self._plan.seats_max, self.seats_left, round(wished))
        self.seats_left -= seats
        self.taken += seats

    def requests(self) -> int:
        """How many answers of the shop fans inside get in a step."""
        return self.inside * self._plan.requests_per_minute * STEP_MS // MINUTE_MS
