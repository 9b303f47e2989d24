"""Counts over the record of sales: what is sold, and whether anything is sold that is not there."""

from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.postgres import Pool, connection


@dataclass(frozen=True, slots=True)
class EventCounts:
    """One event: tickets issued, and sales beyond what there is (anything but 0 is a disaster)."""

    event_id: str
    sold: int
    oversold: int


async def count_events(pool: Pool, event_ids: Sequence[str]) -> list[EventCounts]:
    """Return the counts of these events, and note for the search what nobody can have any more.

    Oversold are tickets for a seat that another ticket has, too, and stock beyond its capacity:
    counted from the tickets themselves, not from the keys that should make it impossible.
    """
    if not event_ids:
        return []
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """WITH issued AS (
                SELECT t.event_id, count(*) AS sold,
                    count(t.seat_id) - count(DISTINCT t.seat_id) AS doubled
                FROM tickets t WHERE t.event_id = ANY (%s::text[]) AND NOT EXISTS (
                    SELECT FROM orders o WHERE o.order_id = t.order_id AND o.state = 'CANCELLED')
                GROUP BY t.event_id),
            stock AS (
                SELECT p.event_id, greatest(0, count(t.ticket_id) - p.quantity) AS beyond
                FROM price_tiers p LEFT JOIN tickets t ON t.event_id = p.event_id AND t.tier = p.tier
                    AND NOT EXISTS (SELECT FROM orders o
                        WHERE o.order_id = t.order_id AND o.state = 'CANCELLED')
                WHERE p.event_id = ANY (%s::text[]) GROUP BY p.event_id, p.tier, p.quantity),
            noted AS (
                INSERT INTO availability (event_id, sold)
                SELECT e, coalesce(issued.sold, 0) + kept.count FROM unnest(%s::text[]) AS e
                LEFT JOIN issued ON issued.event_id = e
                LEFT JOIN availability a ON a.event_id = e,
                LATERAL (SELECT count(*) FROM seat_channels k
                    LEFT JOIN seat_claims c USING (event_id, seat_id)
                    WHERE k.event_id = e AND c.seat_id IS NULL) AS kept
                WHERE issued.sold > 0 OR kept.count > 0 OR a.sold > 0
                ON CONFLICT (event_id) DO UPDATE SET sold = excluded.sold
                WHERE availability.sold <> excluded.sold)
            SELECT e, coalesce(max(issued.sold), 0),
                coalesce(max(issued.doubled), 0) + coalesce(sum(stock.beyond), 0)
            FROM unnest(%s::text[]) AS e
            LEFT JOIN issued ON issued.event_id = e LEFT JOIN stock ON stock.event_id = e
            GROUP BY e""",
            (list(event_ids),) * 4,
        )
        rows = await cursor.fetchall()
    return [EventCounts(str(e), int(str(sold)), int(str(over))) for e, sold, over in rows]


async def events_on_sale(pool: Pool) -> list[str]:
    """Return the events whose sale is not closed, or that have orders which are not settled."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """SELECT event_id FROM events JOIN sales USING (sale_id) WHERE state <> 'closed'
            UNION SELECT event_id FROM orders
                WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING')
            UNION SELECT event_id FROM orders WHERE state IN ('AWAITED', 'OFFERED')
            ORDER BY event_id"""
        )
        return [str(row[0]) for row in await cursor.fetchall()]
