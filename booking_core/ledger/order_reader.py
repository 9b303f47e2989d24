"""Reads orders, their lines, charges and tickets; what many ask at one time is one statement."""

from collections.abc import Sequence
from typing import Any

from psycopg.rows import class_row

from booking_core.catalog.charges import ChargeLine
from booking_core.ledger.order import COLUMNS, IssuedTicket, Order, OrderLine
from groundwork.postgres import Pool, connection
from groundwork.together import Together


class OrderReader:
    """The orders of all events, as they are now."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reads = Together(self._read_all)
        self._reads_by_key = Together(self._read_all_by_key)
        self._lines = Together(self._read_lines)
        self._tickets = Together(self._read_tickets)

    async def read(self, order_id: str) -> Order | None:
        """Return an order, or None."""
        return await self._reads.ask(order_id)

    async def _read_all(self, order_ids: Sequence[str]) -> list[Order | None]:
        found = await self._select("orders WHERE order_id = ANY (%s::uuid[])", list(order_ids))
        by_id = {order.order_id: order for order in found}
        return [by_id.get(order_id) for order_id in order_ids]

    async def by_key(self, fan_id: str, idempotency_key: str) -> Order | None:
        """Return the order this fan's key made, or None."""
        return await self._reads_by_key.ask((fan_id, idempotency_key))

    async def _read_all_by_key(self, asked: Sequence[tuple[str, str]]) -> list[Order | None]:
        found = await self._select(
            "orders WHERE (fan_id, idempotency_key) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
            [fan_id for fan_id, _ in asked],
            [key for _, key in asked],
        )
        by_key = {(order.fan_id, order.idempotency_key): order for order in found}
        return [by_key.get(each) for each in asked]

    async def by_reservation(self, reservation_id: str, fan_id: str) -> Order | None:
        """Return the newest order of a reservation, or None."""
        found = await self._select(
            "orders WHERE reservation_id = %s AND fan_id = %s ORDER BY created_at DESC LIMIT 1",
            reservation_id,
            fan_id,
        )
        return found[0] if found else None

    async def _select(self, source: str, *values: object) -> list[Order]:
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(Order))
            await cursor.execute(f"SELECT {COLUMNS} FROM {source}", values)  # noqa: S608 (our own text)
            return await cursor.fetchall()

    async def is_sale_told(self, order_id: str) -> bool:
        """Say whether an order's sale is in Redis already, as far as the outbox knows."""
        found = await self._rows(
            """SELECT FROM outbox WHERE order_id = %s AND kind = 'project_sold'
                AND done_at IS NULL""",
            order_id,
        )
        return not found

    async def lines(self, order_id: str) -> list[OrderLine]:
        """Return what an order is for."""
        return await self._lines.ask(order_id)

    async def _read_lines(self, order_ids: Sequence[str]) -> list[list[OrderLine]]:
        rows = await self._rows(
            """SELECT order_id::text, tier, seat_id, quantity, price_cents FROM order_lines
            WHERE order_id = ANY (%s::uuid[]) ORDER BY line""",
            list(order_ids),
        )
        by_id: dict[str, list[OrderLine]] = {order_id: [] for order_id in order_ids}
        for order_id, *line in rows:
            by_id[order_id].append(OrderLine(*line))
        return [by_id[order_id] for order_id in order_ids]

    async def charges(self, order_id: str) -> list[ChargeLine]:
        """Return an order's fees and taxes."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(ChargeLine))
            columns = "SELECT name, kind, value, amount_cents FROM order_charges"
            await cursor.execute(columns + " WHERE order_id = %s ORDER BY line", (order_id,))
            return await cursor.fetchall()

    async def tickets(self, order_id: str) -> list[IssuedTicket]:
        """Return the tickets of a sold order, in order."""
        return await self._tickets.ask(order_id)

    async def _read_tickets(self, order_ids: Sequence[str]) -> list[list[IssuedTicket]]:
        rows = await self._rows(
            """SELECT order_id::text, ticket_id::text, tier, seat_id, issued_at FROM tickets
            WHERE order_id = ANY (%s::uuid[]) ORDER BY position""",
            list(order_ids),
        )
        by_id: dict[str, list[IssuedTicket]] = {order_id: [] for order_id in order_ids}
        for order_id, *ticket in rows:
            by_id[order_id].append(IssuedTicket(*ticket))
        return [by_id[order_id] for order_id in order_ids]

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(statement, values)
            return await cursor.fetchall()
