"""Orders in PostgreSQL: claim, authorise, sell, release. Each move is one statement that wins or loses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg.rows import class_row

from booking_core.catalog.charges import ChargeLine
from booking_core.ledger.claim_refusals import raise_refusal
from booking_core.seats.hold import Hold
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection

# Cards tried for one reservation; each try keeps the seats from others for up to a payment's time.
ATTEMPTS_MAX = 5
# How long whoever carries an order may be silent before another takes it over: longer than the
# longest call to the provider with the statements around it.
CARRY_MS = 15_000


class OrderState(StrEnum):
    """The steps of an order; the last three are final, but that what is sold may be cancelled."""

    CLAIMED = "CLAIMED"
    AUTHORIZING = "AUTHORIZING"
    EXPIRING = "EXPIRING"
    AWAITED = "AWAITED"  # its places are on sale again, and the bank may still pay
    OFFERED = "OFFERED"  # it was paid late, and other places are kept for the buyer to decide
    SOLD = "SOLD"
    RELEASED = "RELEASED"
    CANCELLED = "CANCELLED"


FINAL = frozenset({OrderState.SOLD, OrderState.RELEASED, OrderState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt to buy, as PostgreSQL has it. Amounts are minor units."""

    order_id: str
    event_id: str
    fan_id: str
    reservation_id: str
    idempotency_key: str
    body_hash: bytes
    email: str
    language: str
    state: OrderState
    release_reason: str
    decline_reason: str
    amount_cents: int
    currency: str
    payment_method: str
    payment_id: str | None
    next_action_url: str | None
    deadline: datetime
    is_past_deadline: bool
    is_carried: bool
    sold_at: datetime | None
    is_let_go: bool
    lost_seats: list[str]
    answer_status: int | None
    answer_body: bytes | None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One seat, or a quantity of stock, at the price it was sold for."""

    tier: str
    seat_id: str | None
    quantity: int
    price_cents: int


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A ticket of a sold order."""

    ticket_id: str
    tier: str
    seat_id: str | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What asking to claim led to: `outcome` is 'claimed', 'repeated' or 'busy'."""

    outcome: str
    order_id: str


COLUMNS = """order_id::text, event_id, fan_id, reservation_id, idempotency_key, body_hash, email,
    language, state, release_reason,
    decline_reason, amount_cents, currency, payment_method, payment_id, next_action_url, deadline,
    deadline <= now() AS is_past_deadline, coalesce(carried_until > now(), false) AS is_carried,
    sold_at, is_let_go, lost_seats, answer_status, answer_body"""


class Orders:
    """The orders of all events."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

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
        return await self._one("order_id = %s", order_id)

    async def by_key(self, fan_id: str, idempotency_key: str) -> Order | None:
        """Return the order this fan's key made, or None."""
        return await self._one("fan_id = %s AND idempotency_key = %s", fan_id, idempotency_key)

    async def by_reservation(self, reservation_id: str, fan_id: str) -> Order | None:
        """Return the newest order of a reservation, or None."""
        return await self._one(
            "reservation_id = %s AND fan_id = %s ORDER BY created_at DESC LIMIT 1",
            reservation_id,
            fan_id,
        )

    async def _one(self, where: str, *values: object) -> Order | None:
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(Order))
            await cursor.execute(f"SELECT {COLUMNS} FROM orders WHERE {where}", values)  # noqa: S608 (our own text)
            return await cursor.fetchone()

    async def lines(self, order_id: str) -> list[OrderLine]:
        """Return what an order is for."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(OrderLine))
            await cursor.execute(
                """SELECT tier, seat_id, quantity, price_cents FROM order_lines
                WHERE order_id = %s ORDER BY line""",
                (order_id,),
            )
            return await cursor.fetchall()

    async def charges(self, order_id: str) -> list[ChargeLine]:
        """Return an order's fees and taxes."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(ChargeLine))
            columns = "SELECT name, kind, value, amount_cents FROM order_charges"
            await cursor.execute(columns + " WHERE order_id = %s ORDER BY line", (order_id,))
            return await cursor.fetchall()

    async def tickets(self, order_id: str) -> list[IssuedTicket]:
        """Return the tickets of a sold order, in order."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(IssuedTicket))
            await cursor.execute(
                """SELECT ticket_id::text, tier, seat_id, issued_at FROM tickets
                WHERE order_id = %s ORDER BY position""",
                (order_id,),
            )
            return await cursor.fetchall()

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
        return await self._change(
            """UPDATE orders SET state = 'AUTHORIZING', payment_id = %s
            WHERE order_id = %s AND state = 'CLAIMED' AND deadline > now()""",
            payment_id, order_id,
        )  # fmt: skip

    async def begin_expiring(self, order_id: str, reason: str, decline_reason: str = "") -> bool:
        """Move an unsettled order to EXPIRING: from now on no payment attempt can begin."""
        return await self._change(
            """UPDATE orders SET state = 'EXPIRING', release_reason = %s, decline_reason = %s
            WHERE order_id = %s AND state IN ('CLAIMED', 'AUTHORIZING')""",
            reason, decline_reason, order_id,
        )  # fmt: skip

    async def sell(self, order_id: str) -> OrderState:
        """Make the order a sale (the COMMIT is the sale); returns the state it has then."""
        return await self._settle("SELECT sell_order_v1(%s, '{CLAIMED,AUTHORIZING}')", order_id)

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
        await self._change(
            """UPDATE orders SET answer_status = %s, answer_body = %s, carried_until = NULL
            WHERE order_id = %s AND answer_body IS NULL""",
            status, body, order_id,
        )  # fmt: skip

    async def note_captured(self, order_id: str) -> None:
        """Note that the money was taken."""
        await self._change(
            "UPDATE orders SET captured_at = coalesce(captured_at, now()) WHERE order_id = %s",
            order_id,
        )

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
