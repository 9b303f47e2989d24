"""Drafts of events, a clock that stands still, a hall of six seats."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from plan_files import raw, whole_plan

from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.pretix_plan import import_pretix
from booking_core.catalog.seat_plan import SeatPlan

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
HALL_PRICES = {"Gold": 9_000, "Silver": 4_500}
STANDING = StockTier("standing", "Standing", 3_000, 100, "#336699")

_DRAFT = EventDraft(
    event_id="concert",
    sale_id="tour",
    name="The Concert",
    venue="Old Hall",
    city="Wien",
    category="Concert",
    description="One evening.",
    starts_at=datetime(2027, 5, 31, 20, tzinfo=UTC),
    currency="EUR",
)


class StandingClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.passed_ms = 0.0

    def now_ms(self) -> int:
        return int(NOW.timestamp() * 1000 + self.passed_ms)

    def monotonic_ms(self) -> float:
        return self.passed_ms

    async def sleep_ms(self, duration_ms: float) -> None:
        self.passed_ms += duration_ms


def draft(event_id: str = "concert", **changes: Any) -> EventDraft:
    return replace(_DRAFT, event_id=event_id, **changes)


def hall() -> SeatPlan:
    """Four gold seats in one row, two silver ones behind."""
    return import_pretix(raw(whole_plan()))[0]
