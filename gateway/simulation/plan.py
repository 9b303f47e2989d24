"""What is simulated: the sale, its fans, and what goes wrong."""

from dataclasses import dataclass
from typing import Final

MINUTE_MS: Final = 60_000
# Twice a second: each step costs the same however many fans there are, and processes take
# theirs four times a second, so that what is seen here is a bit rougher than what comes.
STEP_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the shop answers nobody well, from so long after the opening."""

    begins_ms: int
    lasts_ms: int

    def covers(self, at_ms: int) -> bool:
        """Say whether it goes on at a moment."""
        return self.begins_ms <= at_ms < self.begins_ms + self.lasts_ms


@dataclass(frozen=True, slots=True)
class RateChange:
    """The operator asks for another rate; 0 is a pause."""

    at_ms: int
    per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One sale. Moments are milliseconds after the opening."""

    fans: int
    rate_per_minute: int
    capacity: int
    no_show: float = 0.3
    # How many seats there are; None: as many as anybody wants.
    seats: int | None = None
    # Of what fans inside take, those counted who buy nothing.
    seats_per_fan: float = 1.4
    seats_max: int = 8
    outages: tuple[Outage, ...] = ()
    rate_changes: tuple[RateChange, ...] = ()
    # Who is there before the opening; the others come after it, fewer and fewer.
    early_part: float = 0.6
    late_mean_ms: int = 15 * MINUTE_MS
    # How long a called fan takes to come in: most look at the page every few seconds.
    claim_mean_ms: int = 20_000
    # How long a visit lasts that ends by buying or leaving, and how long any may last.
    visit_mean_ms: int = 3 * MINUTE_MS
    visit_ms_max: int = 15 * MINUTE_MS
    # Who closes the tab without a word is inside until the silence is long enough.
    silent_part: float = 0.1
    silent_ms: int = 5 * MINUTE_MS
    answer_ms: int = 2 * MINUTE_MS
    # How many requests of the shop a fan inside makes a minute.
    requests_per_minute: int = 6

    def rate_at(self, at_ms: int) -> int:
        """Return what the operator asks for at a moment."""
        rate = self.rate_per_minute
        for change in self.rate_changes:
            if change.at_ms <= at_ms:
                rate = change.per_minute
        return rate

    @property
    def rate_changes_end_well(self) -> bool:
        """Whether the last rate lets anybody in."""
        return not self.rate_changes or self.rate_changes[-1].per_minute > 0

    def is_down(self, at_ms: int) -> bool:
        """Say whether the shop is out of order at a moment."""
        return any(outage.covers(at_ms) for outage in self.outages)
