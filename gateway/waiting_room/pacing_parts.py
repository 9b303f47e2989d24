"""What the pacing model is made of: cohorts, answer times, the bucket and the shop's health.

Each is what the include of lua/includes that is named beside its constants says, number by number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.waiting_room.line_now import OriginAnswers

# lua/includes/tokens.lua
TOKEN_UNITS: Final = 60_000
FLOW_MS_MAX: Final = 1_000
EARLY_MS: Final = 100
# lua/includes/cohorts.lua
COHORTS: Final = 120
# lua/includes/answers.lua
BINS: Final = 10
PRIOR_CALLS: Final = 20
PRIOR_HUNDREDTHS: Final = (10, 15, 20, 20, 15, 10, 5, 2, 0, 0)
MEMORY_CALLS: Final = 1_000
SHOW_MIN: Final = 0.1
# lua/includes/health.lua
HEALTH_PERIOD_MS: Final = 5_000
HEALTH_ANSWERS_MIN: Final = 50
HEALTH_BAD_PART_MAX: Final = 0.02
HEALTH_STEP_UP: Final = 50
HEALTH_TENTHS_LEFT: Final = 7
HEALTH_MIN: Final = 50


@dataclass(slots=True)
class Cohort:
    """Calls of a short while, and how many of them have been claimed."""

    began_ms: int
    called: int = 0
    claimed: int = 0
    passed: int = 0
    counted: int = 0

    @property
    def unclaimed(self) -> int:
        """How many of those called have not answered."""
        return self.called - self.claimed


@dataclass(slots=True)
class Health:
    """How much of the asked rate the shop bears, in thousandths: up by steps, down by a factor."""

    thousandths: int = 1_000
    at_ms: int | None = None
    good: int = 0
    bad: int = 0

    def judge(self, now_ms: int, answers: OriginAnswers) -> int:
        """Take in answers; when a period is over, judge it and return the health from now on."""
        self.good, self.bad = self.good + answers.good, self.bad + answers.bad
        if self.at_ms is None or now_ms < self.at_ms:
            self.at_ms = now_ms
        elif now_ms - self.at_ms >= HEALTH_PERIOD_MS:
            self.at_ms = now_ms
            seen = self.good + self.bad
            if seen >= HEALTH_ANSWERS_MIN and self.bad > HEALTH_BAD_PART_MAX * seen:
                lowered = math.floor(self.thousandths * HEALTH_TENTHS_LEFT / 10)
                self.thousandths = max(HEALTH_MIN, lowered)
                self.good = self.bad = 0
            elif self.bad == 0 or seen >= HEALTH_ANSWERS_MIN:
                self.thousandths = min(1_000, self.thousandths + HEALTH_STEP_UP)
                self.good = self.bad = 0
        return self.thousandths


class AnswerTimes:
    """When called fans answer, if they do, measured in bins of age that double."""

    def __init__(self, answer_ms: int) -> None:
        self.answer_ms = answer_ms
        self.span_ms = math.ceil(answer_ms / COHORTS)
        self._ends = [answer_ms / 2 ** (BINS - number) for number in range(1, BINS + 1)]
        self._passed: list[float] = [PRIOR_CALLS] * BINS
        self._claimed = [PRIOR_CALLS * hundredths / 100 for hundredths in PRIOR_HUNDREDTHS]
        self.show, self.lead_ms = 0.0, 0.0
        self._by: list[float] = []
        self._sum_up()

    def grow_older(self, cohorts: Sequence[Cohort], now_ms: int) -> None:
        """Count the cohorts in the bins they have passed by now."""
        for cohort in cohorts:
            # A clock stepped back: what was called later was called by now.
            cohort.began_ms = min(cohort.began_ms, now_ms)
            age_ms = now_ms - cohort.began_ms
            while cohort.passed < BINS and age_ms >= self._ends[cohort.passed] + self.span_ms:
                self._count(cohort)
        self._sum_up()

    def _count(self, cohort: Cohort) -> None:
        number = cohort.passed
        cohort.passed += 1
        passed = self._passed[number] + cohort.called
        claimed = self._claimed[number] + cohort.claimed - cohort.counted
        cohort.counted = cohort.claimed
        if passed > MEMORY_CALLS:
            claimed, passed = claimed * (MEMORY_CALLS / passed), MEMORY_CALLS
        self._passed[number], self._claimed[number] = passed, claimed

    def _sum_up(self) -> None:
        show = weighted = before = 0.0
        self._by = []
        for ends, passed, claimed in zip(self._ends, self._passed, self._claimed, strict=True):
            part = claimed / passed
            show += part
            weighted += part * (before + ends) / 2
            before = ends
            self._by.append(show)
        self.lead_ms = weighted / show if show > 0 else 0.0
        self.show = max(SHOW_MIN, min(1, show))

    def still_comes(self, age_ms: float) -> float:
        """Return how likely a fan still comes who has not for so long."""
        before = came = 0.0
        for ends, by in zip(self._ends, self._by, strict=True):
            if age_ms <= ends:
                came = came + (by - came) * ((age_ms - before) / (ends - before))
                break
            before, came = ends, by
        return max(0, min(1, (self._by[-1] - came) / max(0.001, 1 - came)))

    def is_settled(self, cohort: Cohort, now_ms: int) -> bool:
        """Say whether all fans of a cohort had the whole answering time."""
        return now_ms - cohort.began_ms >= self.span_ms + self.answer_ms


@dataclass(slots=True)
class Bucket:
    """Tokens in whole units: what has flowed in, and what has been taken, which may be more."""

    flow: int = 0
    spent: int = 0
    at_ms: int | None = None
    rate: int = 0
    burst: int = 0
    elapsed_ms: int = 0

    def flow_at(self, now_ms: int) -> int:
        """Return what will have flowed in by a moment after the last step."""
        elapsed = 0 if self.at_ms is None else now_ms - self.at_ms
        return self.flow + min(FLOW_MS_MAX, max(0, elapsed)) * self.rate

    def paused_ms(self, now_ms: int) -> int:
        """Return how long nothing has been to flow: so long the clock of the called stands still."""
        return 0 if self.at_ms is None or self.rate else now_ms - self.at_ms

    def step(self, now_ms: int, rate: int, burst: int, given_back: int) -> None:
        """Let flow in what the old rate gave, and go on with the new one."""
        elapsed = 0 if self.at_ms is None else now_ms - self.at_ms
        self.elapsed_ms = min(FLOW_MS_MAX, max(0, elapsed))
        self.flow += self.elapsed_ms * self.rate
        self._spill()
        self.spent -= given_back * TOKEN_UNITS
        if self.at_ms is None:
            self.spent = self.flow - burst * TOKEN_UNITS
        self.at_ms, self.rate, self.burst = now_ms, rate, burst
        self._spill()

    def take(self, now_ms: int, tokens: int = 1) -> int:
        """Take tokens; returns the last one's number in units of flow."""
        self.spent = max(self.spent, self.flow_at(now_ms) - self.burst * TOKEN_UNITS)
        self.spent += tokens * TOKEN_UNITS
        return self.spent

    def _spill(self) -> None:
        self.spent = max(self.spent, self.flow - self.burst * TOKEN_UNITS)
