"""Orders in PostgreSQL: claim, authorise, sell, release. Each move is one statement that wins or loses.

What every order needs is done for many orders together: one statement and one commit, with one answer
for each of them.
"""

from collections.abc import Sequence

import psycopg

from booking_core.ledger.claims import Claims, WantedClaim
from booking_core.ledger.order import COLUMNS, Claim, Order, OrderState, order_of
from booking_core.ledger.order_reader import OrderReader
from booking_core.seats.hold import Hold
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection
from groundwork.together import Together

# Cards tried for one reservation; each try keeps the seats from others for up to a payment's time.
ATTEMPTS_MAX = 5
# How long whoever carries an order may be silent before another takes it over: longer than the
# longest call to the provider with the statements around it.
CARRY_MS = 15_000
# An order is looked at again after an eighth of its age: what has taken a minute takes seconds more. While
# its buyer may be waiting for us, and we for a webhook that is lost, a bit sooner than afterwards.
LOOKS_PER_AGE = 8
LOOK_SECONDS_MIN = 2
LOOK_SECONDS_IN_TIME = 10
LOOK_SECONDS_MAX = 30


class Orders(OrderReader):
    """The orders of all events."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._claims = Claims(pool)
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
        wanted = WantedClaim(
            order_id=order_id,
            event_id=hold.event_id,
            fan_id=hold.fan_id,
            reservation_id=hold.reservation_id,
            key=idempotency_key,
            body_hash=body_hash.hex(),
            email=email,
            language=language,
            payment_method=payment_method,
            epoch=epoch,
            payment_ms=payment_ms,
            lease_ms=CARRY_MS,
            seat_ids=seat_ids,
            tier=hold.tier,
            quantity=hold.quantity,
            attempts_max=ATTEMPTS_MAX,
        )
        try:
            return await self._claims.claim(wanted, seats_max)
        except psycopg.errors.UniqueViolation as error:
            # Two repeats in the same instant: the other one has just won.
            raise StoreUnavailable(retry_after=1) from error

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

    async def sell(self, order_id: str) -> Order:
        """Make the order a sale (the COMMIT is the sale); returns it as it is then."""
        return await self._sales.ask(order_id)

    async def sell_late(self, order_id: str) -> Order:
        """Make an expiring order a sale, because the provider says the money was taken."""
        [order] = await self._sell_all([order_id], "EXPIRING")
        return order

    async def _sell_all(self, order_ids: Sequence[str], *states: str) -> list[Order]:
        # The state comes first: `onsale prove` knows a sale's answer on the wire by it.
        rows = await self._rows(
            f"SELECT state, {COLUMNS} FROM sell_orders_v1(%s::uuid[], %s::text[])",  # noqa: S608 (our own text)
            list(order_ids),
            list(states or ("CLAIMED", "AUTHORIZING")),
        )
        by_id = {order.order_id: order for order in (order_of(row[1:]) for row in rows)}
        return [by_id[order_id] for order_id in order_ids]

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

    async def take_unattended(self, limit: int) -> list[str]:
        """Take on unsettled orders nobody carries: crashed, waiting for the bank, or past deadline.

        Who waits longest to be looked at comes first, so that those which cannot move starve no other.
        """
        rows = await self._rows(
            """UPDATE orders SET carried_until = now() + %s * interval '1 millisecond',
                look_after = now() + greatest(%s * interval '1 second', least(
                    (now() - created_at) / %s,
                    CASE WHEN deadline > now() THEN least(deadline - now(), %s * interval '1 second')
                    ELSE %s * interval '1 second' END))
            WHERE order_id IN (SELECT order_id FROM orders
                WHERE state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING', 'AWAITED', 'OFFERED')
                    AND coalesce(look_after, created_at) <= now()
                    AND coalesce(carried_until <= now(), true)
                ORDER BY coalesce(look_after, created_at) LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING order_id::text""",
            CARRY_MS, LOOK_SECONDS_MIN, LOOKS_PER_AGE, LOOK_SECONDS_IN_TIME, LOOK_SECONDS_MAX, limit,
        )  # fmt: skip
        return [str(row[0]) for row in rows]

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
