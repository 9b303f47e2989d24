"""What came of a simulated sale."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.simulation.plan import MINUTE_MS, STEP_MS

# What is promised of any minute in which nothing but the rate holds the calls.
DELIVERED_PART: Final = 0.02
STEPS_PER_MINUTE: Final = MINUTE_MS // STEP_MS


@dataclass(slots=True)
class Delivered:
    """Whether as many entered in every minute with demand as tokens were asked for."""

    minutes: int = 0
    kept: int = 0
    # The part by which the worst minute was off.
    worst: float = 0.0
    _steps: deque[tuple[int, float]] = field(default_factory=deque)
    _entered: int = 0
    _asked: float = 0.0

    def note(self, entered: int, rate_now: int, *, has_demand: bool) -> None:
        """Take in a step. Without demand a minute is begun anew."""
        if not has_demand:
            self._steps.clear()
            self._entered, self._asked = 0, 0.0
            return
        asked = rate_now * STEP_MS / MINUTE_MS
        self._steps.append((entered, asked))
        self._entered, self._asked = self._entered + entered, self._asked + asked
        if len(self._steps) > STEPS_PER_MINUTE:
            first_entered, first_asked = self._steps.popleft()
            self._entered, self._asked = self._entered - first_entered, self._asked - first_asked
        if len(self._steps) == STEPS_PER_MINUTE:
            off = abs(self._entered - self._asked)
            self.minutes += 1
            # A fan cannot come in parts.
            self.kept += off <= max(1.0, DELIVERED_PART * self._asked)
            self.worst = max(self.worst, off / max(1.0, self._asked))


@dataclass(frozen=True, slots=True)
class Followed:
    """One fan: what they were told when they came, and how long it took."""

    told_at_ms: int
    place: int
    p10: int
    p90: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class Moment:
    """How the sale stood at the end of a minute."""

    at_ms: int
    waiting: int
    inside: int
    entered: int
    asked: int


@dataclass(slots=True)
class Outcome:
    """The whole sale, when it is over."""

    over_at_ms: int = 0
    is_sold_out: bool = False
    called: int = 0
    admitted: int = 0
    waiting: int = 0
    seats_taken: int = 0
    inside_most: int = 0
    # How long each fan who was called waited since the opening, or since they came.
    waits_s: list[float] = field(default_factory=list)
    delivered: Delivered = field(default_factory=Delivered)
    ranges_told: int = 0
    ranges_kept: int = 0
    # For how many steps each limit held the calls.
    held_by: Counter[str] = field(default_factory=Counter)
    followed: list[Followed] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    def wait_s(self, part: float) -> float:
        """Return how long such a part of the called waited at most."""
        waits = sorted(self.waits_s)
        return waits[min(len(waits) - 1, int(part * len(waits)))] if waits else 0.0

    def waited_up_to(self, seconds: Sequence[float]) -> list[float]:
        """Return which part of the called waited no longer than each of these."""
        waits = sorted(self.waits_s)
        return [bisect_left(waits, each) / max(1, len(waits)) for each in seconds]
