"""Refunds in PostgreSQL: asked for by an operator, given by the worker, each amount of an order once."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from groundwork.errors import OrderNotFound, RequestInvalid
from groundwork.postgres import Pool, connection

# A worker that dies leaves a refund to others after this: longer than the call to the provider takes.
LEASE_SECONDS = 30
# Tried again after 1, 2, 4 … seconds, at most so many apart.
BACKOFF_SECONDS_MAX = 300
# Given at once; operators seldom ask for more in a second.
BATCH_MAX = 20
REASON_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back, or to be; `done_at` is None until the provider has said that it is."""

    amount_cents: int
    reason: str
    asked_at: datetime
    attempts: int
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenRefund:
    """A refund that is ours to give."""

    order_id: str
    payment_id: str
    amount_cents: int
    attempts: int


class Refunds:
    """The refunds of all orders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, order_id: str, amount_cents: int | None, reason: str) -> int:
        """See to it that an amount, or all that is left, is given back; returns how much.

        Asked again for the same amount, it is the same refund. Raises OrderNotFound when nothing
        was sold under that name, RequestInvalid for more than is left.
        """
        if not 1 <= len(reason) <= REASON_CHARACTERS_MAX or not reason.isprintable():
            raise RequestInvalid("reason", f"must be 1 to {REASON_CHARACTERS_MAX} characters")
        if amount_cents is not None and amount_cents <= 0:
            raise RequestInvalid("amount", "must be more than nothing")
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT outcome, amount FROM ask_refund_v1(%s, %s, %s)",
                (order_id, amount_cents, reason),
            )
            row = await cursor.fetchone()
        assert row is not None
        match row[0]:
            case "not-sold":
                raise OrderNotFound
            case "nothing-left":
                raise RequestInvalid("amount", "all of it has been given back")
            case "too-much" if amount_cents is None:
                raise RequestInvalid("amount", "name a part: this much was given back once already")
            case "too-much":
                raise RequestInvalid("amount", "is more than is left")
        return int(str(row[1]))

    async def of(self, order_id: str) -> list[Refund]:
        """Return the refunds of an order, oldest first."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(Refund))
            await cursor.execute(
                """SELECT amount_cents, reason, asked_at, attempts, done_at FROM refunds
                WHERE order_id = %s ORDER BY asked_at""",
                (order_id,),
            )
            return await cursor.fetchall()

    async def take(self) -> list[OpenRefund]:
        """Return refunds that are due; nobody else gets them for a while.

        Only of orders whose money was taken: what is merely reserved cannot be given back.
        """
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(OpenRefund))
            await cursor.execute(
                """UPDATE refunds r SET attempts = r.attempts + 1,
                    not_before = now() + %s * interval '1 second'
                FROM (SELECT order_id, refunds.amount_cents, o.payment_id
                      FROM refunds JOIN orders o USING (order_id)
                      WHERE done_at IS NULL AND not_before <= now() AND o.captured_at IS NOT NULL
                      ORDER BY not_before LIMIT %s FOR UPDATE OF refunds SKIP LOCKED) AS due
                WHERE r.order_id = due.order_id AND r.amount_cents = due.amount_cents
                RETURNING r.order_id::text, due.payment_id, r.amount_cents, r.attempts""",
                (LEASE_SECONDS, BATCH_MAX),
            )
            return await cursor.fetchall()

    async def note_done(self, refund: OpenRefund) -> None:
        """Note that the provider has given the money back."""
        await self._change("done_at = coalesce(done_at, now())", refund)

    async def note_failed(self, refund: OpenRefund) -> None:
        """Try it again later, later each time."""
        seconds = min(BACKOFF_SECONDS_MAX, 2 ** min(refund.attempts - 1, 10))
        await self._change(f"not_before = now() + interval '{seconds:d} seconds'", refund)

    async def _change(self, what: str, refund: OpenRefund) -> None:
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                f"UPDATE refunds SET {what} WHERE order_id = %s AND amount_cents = %s",  # noqa: S608 (our own text)
                (refund.order_id, refund.amount_cents),
            )


def refunded_cents(refunds: list[Refund]) -> int:
    """Return how much was given back."""
    return sum(refund.amount_cents for refund in refunds if refund.done_at is not None)
