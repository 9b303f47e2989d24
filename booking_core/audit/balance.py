"""The balance of the shop: seats, orders and money, as PostgreSQL has them and Redis shows them."""

from dataclasses import dataclass

from groundwork.postgres import Pool, connection


@dataclass(frozen=True, slots=True)
class EventBalance:
    """One event: everything there is, and who has it."""

    event_id: str
    capacity: int
    sold: int
    claimed: int
    tickets: int


@dataclass(frozen=True, slots=True)
class MoneyBalance:
    """One currency: what orders were sold for, and what of it was noted as taken."""

    currency: str
    orders_sold: int
    sold_cents: int
    captured_cents: int


async def read_events(pool: Pool) -> list[EventBalance]:
    """Return the balance of every event."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """SELECT e.event_id, coalesce(p.capacity, 0),
                coalesce(l.sold, 0), coalesce(l.claimed, 0), coalesce(t.issued, 0)
            FROM events e
            LEFT JOIN (SELECT event_id, sum(quantity)::int AS capacity FROM price_tiers
                       GROUP BY event_id) AS p USING (event_id)
            LEFT JOIN (SELECT event_id,
                         sum(quantity) FILTER (WHERE state = 'SOLD')::int AS sold,
                         sum(quantity) FILTER (WHERE state <> 'SOLD')::int AS claimed
                       FROM orders JOIN order_lines USING (order_id)
                       WHERE state NOT IN ('RELEASED', 'CANCELLED') AND NOT is_let_go
                       GROUP BY event_id) AS l USING (event_id)
            LEFT JOIN (SELECT event_id, count(*)::int AS issued FROM tickets
                       WHERE NOT EXISTS (SELECT FROM orders o
                           WHERE o.order_id = tickets.order_id AND o.state = 'CANCELLED')
                       GROUP BY event_id) AS t USING (event_id)
            ORDER BY e.event_id"""
        )
        rows = await cursor.fetchall()
    return [
        EventBalance(str(name), *(int(str(count)) for count in counts)) for name, *counts in rows
    ]


async def read_orders(pool: Pool) -> dict[str, int]:
    """Return how many orders stand in each state."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            "SELECT state, count(*) FROM orders GROUP BY state ORDER BY state"
        )
        return {str(state): int(str(count)) for state, count in await cursor.fetchall()}


async def read_money(pool: Pool) -> list[MoneyBalance]:
    """Return what was sold in each currency."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """SELECT currency, count(*), sum(amount_cents),
                coalesce(sum(amount_cents) FILTER (WHERE captured_at IS NOT NULL), 0)
            FROM orders WHERE state = 'SOLD' GROUP BY currency ORDER BY currency"""
        )
        rows = await cursor.fetchall()
    return [MoneyBalance(str(name), *(int(str(value)) for value in rest)) for name, *rest in rows]
