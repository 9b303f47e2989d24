"""Orders whose bank took too long, in PostgreSQL: let go, paid after all, offered others, or repaid."""

from collections.abc import Sequence

import psycopg

from booking_core.ledger.claim_refusals import refusal_of
from booking_core.ledger.order import OrderState
from groundwork.errors import RequestInProgress
from groundwork.postgres import Pool, connection

# Why an order ends that was paid when its places were gone.
LATE_PAYMENT = "late-payment"
# A bank that has taken a quarter of an hour is not hurried by being asked more often; its webhook
# comes at once.
LOOK_EVERY_SECONDS = 60


class LateOrders:
    """The moves of orders between AWAITED, OFFERED and their ends; each one wins or loses."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def let_go(self, order_id: str, patience_ms: int) -> OrderState:
        """Put an expiring order's places on sale again, if its deadline is long enough ago."""
        return await self._settle("SELECT let_order_go_v1(%s, %s)", order_id, patience_ms)

    async def look_later(self, order_id: str) -> None:
        """Leave an awaited order alone for a while."""
        await self._change(
            """UPDATE orders SET look_after = now() + %s * interval '1 second'
            WHERE order_id = %s AND state = 'AWAITED'""",
            LOOK_EVERY_SECONDS, order_id,
        )  # fmt: skip

    async def retake(
        self,
        order_id: str,
        reservation_id: str,
        seat_ids: Sequence[str],
        seats_max: int,
        offer_ms: int | None = None,
    ) -> OrderState:
        """Claim places for an awaited order: a sale, or for `offer_ms` an offer; returns its state.

        Raises SeatsTaken, SoldOut, OverSeatLimit, or RequestInProgress (another order of the buyer's is for
        this reservation), and has claimed nothing then.
        """
        try:
            return await self._settle(
                "SELECT retake_order_v1(%s, %s, %s::text[], %s)",
                order_id, reservation_id, list(seat_ids), offer_ms,
            )  # fmt: skip
        except psycopg.errors.UniqueViolation as error:
            # They hold the places again, and pay for them anew: that payment decides.
            raise RequestInProgress(LOOK_EVERY_SECONDS) from error
        except psycopg.Error as error:
            refusal = refusal_of(error.sqlstate, error.diag.message_detail, seats_max)
            if refusal is None:
                raise
            raise refusal from error

    async def sell_offered(self, order_id: str) -> OrderState:
        """Make the offered places a sale; returns the state the order has then."""
        return await self._settle("SELECT sell_order_v1(%s, '{OFFERED}')", order_id)

    async def begin_ending(self, order_id: str, reason: str) -> bool:
        """Move an awaited or offered order to EXPIRING: from now on it gets no places any more."""
        return await self._change(
            """UPDATE orders SET state = 'EXPIRING', release_reason = %s
            WHERE order_id = %s AND state IN ('AWAITED', 'OFFERED')""",
            reason, order_id,
        )  # fmt: skip

    async def repay(self, order_id: str, amount_cents: int) -> OrderState:
        """End an expiring order whose money was taken, and see to it that it goes back."""
        return await self._settle("SELECT repay_order_v1(%s, %s)", order_id, amount_cents)

    async def released_with(self, payment_id: str) -> str | None:
        """Return the released order that a payment was for, or None."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT order_id::text FROM orders WHERE payment_id = %s AND state = 'RELEASED'",
                (payment_id,),
            )
            row = await cursor.fetchone()
        return str(row[0]) if row else None

    async def _change(self, statement: str, *values: object) -> bool:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(statement, values)
            return cursor.rowcount == 1

    async def _settle(self, statement: str, *values: object) -> OrderState:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(statement, values)
            row = await cursor.fetchone()
        assert row is not None
        assert row[0] is not None, f"there is no order {values[0]}"
        return OrderState(str(row[0]))
