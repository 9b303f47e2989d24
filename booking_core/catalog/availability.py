"""How many places of each tier of an event are left: the port, and the answer of the ledger."""

from collections.abc import Mapping
from typing import Final, Protocol

from booking_core.catalog.remembered import Remembered
from groundwork.clock import Clock
from groundwork.postgres import Pool, connection

# Counting the claims of a sold-out arena takes some 10 ms; nobody needs that per request.
COUNT_AGE_MS: Final = 1_000
EVENTS_COUNTED_MAX: Final = 1_000
# Who looks at a thousand events in a second sees numbers some seconds old.
COUNTS_AT_ONCE: Final = 1

# A claimed seat is as gone as a sold one: it comes back only when its checkout fails. So is one that
# is kept for a channel: not everybody can have it.
LEFT_BY_TIER: Final = """
SELECT t.tier, greatest(t.quantity - CASE
    WHEN t.is_stock THEN coalesce(s.used, 0)
    ELSE coalesce(c.gone, 0)
END, 0)::bigint
FROM price_tiers t
LEFT JOIN stock_claims s USING (event_id, tier)
LEFT JOIN (
    SELECT seats.tier, count(*) AS gone
    FROM (
        SELECT seat_id FROM seat_claims WHERE event_id = %(event_id)s
        UNION SELECT seat_id FROM seat_channels WHERE event_id = %(event_id)s
    ) AS away JOIN seats ON seats.event_id = %(event_id)s AND seats.seat_id = away.seat_id
    GROUP BY seats.tier
) c ON c.tier = t.tier
WHERE t.event_id = %(event_id)s
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
            self._count,
            clock,
            size_max=EVENTS_COUNTED_MAX,
            age_ms=COUNT_AGE_MS,
            turns=COUNTS_AT_ONCE,
        )

    async def available(self, event_id: str) -> Mapping[str, int]:
        """Return how many places are left, by tier, at most a second old."""
        return await self._counts.get(event_id)

    async def _count(self, event_id: str) -> Mapping[str, int]:
        async with connection(self._pool) as database:
            cursor = await database.execute(LEFT_BY_TIER, {"event_id": event_id})
            rows: list[tuple[str, int]] = await cursor.fetchall()  # type: ignore[assignment]
            return dict(rows)
