"""Orders in PostgreSQL: claim, authorise, sell, release. Each move is one statement that wins or loses.

What every order needs is done for many orders together: one statement and one commit, with one answer
for each of them.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import class_row

from booking_core.catalog.charges import ChargeLine
from booking_core.ledger.claim_refusals import raise_refusal
from booking_core.ledger.order import COLUMNS, Claim, IssuedTicket, Order, OrderLine, OrderState
from booking_core.seats.hold import Hold
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection
from groundwork.together import Together

# Cards tried for one reservation; each try keeps the seats from others for up to a payment's time.
ATTEMPTS_MAX = 5
# How long whoever carries an order may be silent before another takes it over: longer than the
# longest call to the provider with the statements around it.
CARRY_MS = 15_000


class Orders:
    """The orders of all events."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reads = Together(self._read_all)
        self._reads_by_key = Together(self._read_all_by_key)
        self._lines = Together(self._read_lines)
        self._tickets = Together(self._read_tickets)
        self._authorizing = Together(self._begin_all_authorizing, row=lambda move: move[0])
        self._sales = Together(self._sell_all, row=str)
        self._answers = Together(self._note_all_answers, row=lambda answer: answer[0])
        self._captures = Together(self._note_all_captured, row=str)

    async def claim(
        self,
        order_id: str,
        hold: Hold,
        seat_ids: Sequence[str],
        *,
        idempotency_key: str,
        body_hash: bytes,
        email: str,
        language: str,
        payment_method: str,
        epoch: int,
        payment_ms: int,
        seats_max: int,
    ) -> Claim:
        """Claim everything the hold promised, or raise and claim nothing. Safe to repeat.

        Raises SeatsTaken, SoldOut, OverSeatLimit, TooManyRequests (too many cards tried).
        """
        try:
            async with connection(self._pool) as open_connection:
                cursor = await open_connection.execute(
                    """SELECT outcome, found_order_id::text FROM claim_order_v2(
                        %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s, %s)""",
                    (order_id, hold.event_id, hold.fan_id, hold.reservation_id, idempotency_key,
                     body_hash, email, payment_method, epoch, payment_ms, CARRY_MS,
                     list(seat_ids), hold.tier, hold.quantity, ATTEMPTS_MAX, language),
                )  # fmt: skip
                row = await cursor.fetchone()
        except psycopg.errors.UniqueViolation as error:
            # Two repeats in the same instant: the other one has just won.
            raise StoreUnavailable(retry_after=1) from error
        except psycopg.Error as error:
            raise_refusal(error, seats_max)
            raise
        assert row is not None
        return Claim(str(row[0]), str(row[1]))

    async def read(self, order_id: str) -> Order | None:
        """Return an order, or None."""
        return await self._reads.ask(order_id)

    async def _read_all(self, order_ids: Sequence[str]) -> list[Order | None]:
        found = await self._orders("order_id = ANY (%s::uuid[])", list(order_ids))
        by_id = {order.order_id: order for order in found}
        return [by_id.get(order_id) for order_id in order_ids]

    async def by_key(self, fan_id: str, idempotency_key: str) -> Order | None:
        """Return the order this fan's key made, or None."""
        return await self._reads_by_key.ask((fan_id, idempotency_key))

    async def _read_all_by_key(self, asked: Sequence[tuple[str, str]]) -> list[Order | None]:
        found = await self._orders(
            "(fan_id, idempotency_key) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
            [fan_id for fan_id, _ in asked],
            [key for _, key in asked],
        )
        by_key = {(order.fan_id, order.idempotency_key): order for order in found}
        return [by_key.get(each) for each in asked]

    async def by_reservation(self, reservation_id: str, fan_id: str) -> Order | None:
        """Return the newest order of a reservation, or None."""
        return await self._one(
            "reservation_id = %s AND fan_id = %s ORDER BY created_at DESC LIMIT 1",
            reservation_id,
            fan_id,
        )

    async def _one(self, where: str, *values: object) -> Order | None:
        found = await self._orders(where, *values)
        return found[0] if found else None

    async def _orders(self, where: str, *values: object) -> list[Order]:
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(Order))
            await cursor.execute(f"SELECT {COLUMNS} FROM orders WHERE {where}", values)  # noqa: S608 (our own text)
            return await cursor.fetchall()

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

    async def note_payment(self, order_id: str, payment_id: str) -> None:
        """Store the payment of an order that is to be cancelled."""
        await self._change(
            "UPDATE orders SET payment_id = %s WHERE order_id = %s AND payment_id IS NULL",
            payment_id, order_id,
        )  # fmt: skip

    async def note_next_action(self, order_id: str, url: str) -> None:
        """Store where the buyer has to confirm."""
        await self._change(
            "UPDATE orders SET next_action_url = %s WHERE order_id = %s", url, order_id
        )

    async def begin_authorizing(self, order_id: str, payment_id: str) -> bool:
        """Store the payment and move CLAIMED to AUTHORIZING, as one, while there is time.

        Says whether this call did it: only then may the payment be tried.
        """
        return await self._authorizing.ask((order_id, payment_id))

    async def _begin_all_authorizing(self, moves: Sequence[tuple[str, str]]) -> list[bool]:
        rows = await self._rows(
            """UPDATE orders o SET state = 'AUTHORIZING', payment_id = made.payment_id
            FROM unnest(%s::uuid[], %s::text[]) AS made (order_id, payment_id)
            WHERE o.order_id = made.order_id AND o.state = 'CLAIMED' AND o.deadline > now()
            RETURNING o.order_id::text""",
            [order_id for order_id, _ in moves],
            [payment_id for _, payment_id in moves],
        )
        moved = {row[0] for row in rows}
        return [order_id in moved for order_id, _ in moves]

    async def begin_expiring(self, order_id: str, reason: str, decline_reason: str = "") -> bool:
        """Move an unsettled order to EXPIRING: from now on no payment attempt can begin."""
        return await self._change(
            """UPDATE orders SET state = 'EXPIRING', release_reason = %s, decline_reason = %s
            WHERE order_id = %s AND state IN ('CLAIMED', 'AUTHORIZING')""",
            reason, decline_reason, order_id,
        )  # fmt: skip

    async def sell(self, order_id: str) -> OrderState:
        """Make the order a sale (the COMMIT is the sale); returns the state it has then."""
        return await self._sales.ask(order_id)

    async def _sell_all(self, order_ids: Sequence[str]) -> list[OrderState]:
        rows = await self._rows(
            """SELECT order_id::text, sell_order_v1(order_id, '{CLAIMED,AUTHORIZING}')
            FROM unnest(%s::uuid[]) AS order_id""",
            list(order_ids),
        )
        by_id = dict(rows)
        assert None not in by_id.values(), f"some are no orders: {by_id}"
        return [OrderState(by_id[order_id]) for order_id in order_ids]

    async def sell_late(self, order_id: str) -> OrderState:
        """Make an expiring order a sale, because the provider says the money was taken."""
        return await self._settle("SELECT sell_order_v1(%s, '{EXPIRING}')", order_id)

    async def release(self, order_id: str) -> OrderState:
        """Give an expiring order's claims back; only after its payment is provably dead."""
        return await self._settle("SELECT release_order_v2(%s)", order_id)

    async def carry(self, order_id: str) -> bool:
        """Take the order on, unless somebody is at it; says whether it is ours."""
        return await self._change(
            """UPDATE orders SET carried_until = now() + %s * interval '1 millisecond'
            WHERE order_id = %s AND coalesce(carried_until <= now(), true)""",
            CARRY_MS, order_id,
        )  # fmt: skip

    async def put_down(self, order_id: str) -> None:
        """Let others carry the order."""
        await self._change("UPDATE orders SET carried_until = NULL WHERE order_id = %s", order_id)

    async def note_answer(self, order_id: str, status: int, body: bytes) -> None:
        """Keep the first final answer for repeats of the request."""
        await self._answers.ask((order_id, status, body))

    async def _note_all_answers(self, answers: Sequence[tuple[str, int, bytes]]) -> list[None]:
        await self._change(
            """UPDATE orders o SET answer_status = given.status, answer_body = given.body,
                carried_until = NULL
            FROM unnest(%s::uuid[], %s::int[], %s::bytea[]) AS given (order_id, status, body)
            WHERE o.order_id = given.order_id AND o.answer_body IS NULL""",
            [order_id for order_id, _, _ in answers],
            [status for _, status, _ in answers],
            [body for _, _, body in answers],
        )
        return [None] * len(answers)

    async def note_captured(self, order_id: str) -> None:
        """Note that the money was taken."""
        await self._captures.ask(order_id)

    async def _note_all_captured(self, order_ids: Sequence[str]) -> list[None]:
        await self._change(
            """UPDATE orders SET captured_at = now()
            WHERE order_id = ANY (%s::uuid[]) AND captured_at IS NULL""",
            list(order_ids),
        )
        return [None] * len(order_ids)

    async def unattended(self, limit: int) -> list[str]:
        """Return unsettled orders nobody carries: crashed, waiting for the bank, or past deadline."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """(SELECT order_id::text FROM orders
                WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING')
                    AND coalesce(carried_until <= now(), true)
                ORDER BY deadline LIMIT %s)
                UNION ALL (SELECT order_id::text FROM orders
                WHERE state IN ('AWAITED', 'OFFERED') AND look_after <= now()
                    AND coalesce(carried_until <= now(), true)
                ORDER BY look_after LIMIT %s)""",
                (limit, limit),
            )
            return [str(row[0]) for row in await cursor.fetchall()]

    async def count_overdue(self) -> int:
        """Return how many orders are past their deadline and not settled."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT count(*) FROM orders
                WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING') AND deadline <= now()"""
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(str(row[0]))

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(statement, values)
            return await cursor.fetchall()

    async def _change(self, statement: str, *values: object) -> bool:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(statement, values)
            return cursor.rowcount == 1

    async def _settle(self, statement: str, order_id: str) -> OrderState:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(statement, (order_id,))
            row = await cursor.fetchone()
        assert row is not None
        assert row[0] is not None, f"there is no order {order_id}"
        return OrderState(str(row[0]))
