"""Claims of orders in PostgreSQL: each for itself all or nothing, and many of them in one commit."""

from collections.abc import Sequence

import msgspec

from booking_core.ledger.claim_refusals import refusal_of
from booking_core.ledger.order import COLUMNS, Claim, Order, order_of
from groundwork.postgres import Pool, connection
from groundwork.together import Together


class WantedClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What a new order is to have, as claim_orders_v1 reads it; `body_hash` is in hex."""

    order_id: str
    event_id: str
    fan_id: str
    reservation_id: str
    key: str
    body_hash: str
    email: str
    language: str
    payment_method: str
    epoch: int
    payment_ms: int
    lease_ms: int
    seat_ids: Sequence[str]
    tier: str
    quantity: int
    attempts_max: int

    @property
    def buyer(self) -> str:
        """Who claims for which event: of one buyer, orders are claimed one after the other."""
        return f"{self.event_id} {self.fan_id}"


# The outcome, why it is none, and the order as it is now; without an order it was refused.
Answer = tuple[str, str, Order | None]


class Claims:
    """Claims for all events."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._claims = Together(self._claim_all, row=lambda wanted: wanted.buyer)

    async def claim(self, wanted: WantedClaim, seats_max: int) -> Claim:
        """Claim all of it, or raise and claim nothing. Safe to repeat.

        Raises SeatsTaken, SoldOut, OverSeatLimit (of `seats_max`), TooManyRequests.
        """
        outcome, detail, order = await self._claims.ask(wanted)
        if order is None:
            refusal = refusal_of(outcome, detail, seats_max)
            assert refusal is not None, outcome
            raise refusal
        return Claim(outcome, order)

    async def _claim_all(self, wanted: Sequence[WantedClaim]) -> list[Answer]:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                f"""SELECT outcome, detail, {COLUMNS} FROM claim_orders_v1(%s::jsonb) AS claims,
                LATERAL (SELECT (claims.its_order).*) AS its_order""",  # noqa: S608 (our own text)
                (msgspec.json.encode(wanted).decode(),),
            )
            rows = await cursor.fetchall()
        return [
            (str(outcome), str(detail), order_of(columns) if columns[0] is not None else None)
            for outcome, detail, *columns in rows
        ]
