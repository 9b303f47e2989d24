"""How many places of each tier of an event are left: the port, and the answer of the ledger."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from booking_core.catalog.remembered import Remembered
from groundwork.clock import Clock
from groundwork.postgres import Pool, connection
from groundwork.together import UNDER_WAY_MAX, Together

# Counting the claims of a sold-out arena takes some 10 ms; nobody needs that per request.
COUNT_AGE_MS: Final = 1_000
EVENTS_COUNTED_MAX: Final = 1_000
# Of one statement: of sold-out arenas it takes a fifth of a second.
EVENTS_COUNTED_TOGETHER: Final = 16
# What two statements count, of eight connections; who looks at more sees numbers some seconds old.
COUNTS_AT_ONCE: Final = UNDER_WAY_MAX * EVENTS_COUNTED_TOGETHER

# A claimed seat is as gone as a sold one: it comes back only when its checkout fails. So is one that
# is kept for a channel: not everybody can have it.
LEFT_BY_TIER: Final = """
SELECT t.event_id, t.tier, greatest(t.quantity - CASE
    WHEN t.is_stock THEN coalesce(s.used, 0)
    ELSE coalesce(c.gone, 0)
END, 0)::bigint
FROM price_tiers t
LEFT JOIN stock_claims s USING (event_id, tier)
LEFT JOIN (
    SELECT event_id, seats.tier, count(*) AS gone
    FROM (
        SELECT event_id, seat_id FROM seat_claims WHERE event_id = ANY (%(event_ids)s)
        UNION SELECT event_id, seat_id FROM seat_channels WHERE event_id = ANY (%(event_ids)s)
    ) AS away JOIN seats USING (event_id, seat_id)
    GROUP BY event_id, seats.tier
) c USING (event_id, tier)
WHERE t.event_id = ANY (%(event_ids)s)
"""


class AvailabilityReader(Protocol):
    """Says how much is left of an event."""

    async def available(self, event_id: str) -> Mapping[str, int]:
        """Return how many places are left, by tier; a tier left out counts as 0."""
        ...


class LedgerAvailability:
    """What is neither claimed nor sold, counted in PostgreSQL; held seats count as left."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._counts: Remembered[str, Mapping[str, int]] = Remembered(
            Together(self._count, questions_max=EVENTS_COUNTED_TOGETHER).ask,
            clock,
            size_max=EVENTS_COUNTED_MAX,
            age_ms=COUNT_AGE_MS,
            turns=COUNTS_AT_ONCE,
        )

    async def available(self, event_id: str) -> Mapping[str, int]:
        """Return how many places are left, by tier, at most a second old."""
        return await self._counts.get(event_id)

    async def _count(self, event_ids: Sequence[str]) -> list[Mapping[str, int]]:
        async with connection(self._pool) as database:
            cursor = await database.execute(LEFT_BY_TIER, {"event_ids": list(event_ids)})
            rows: list[tuple[str, str, int]] = await cursor.fetchall()  # type: ignore[assignment]
        left: dict[str, dict[str, int]] = {event_id: {} for event_id in event_ids}
        for event_id, tier, count in rows:
            left[event_id][tier] = count
        return [left[event_id] for event_id in event_ids]
