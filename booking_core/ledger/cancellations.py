"""Sales that are cancelled: the seats free, the tickets void, all of the money on its way back."""

from collections.abc import Sequence

from groundwork.cancel_errors import CancelRefused
from groundwork.errors import OrderNotFound, RequestInvalid
from groundwork.postgres import Pool, connection

REASON_CHARACTERS_MAX = 200
BY_BUYER = "Cancelled by the buyer"


class Cancellations:
    """The one way out of a sale. Cancelled again, it is the same cancellation."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def by_buyer(self, order_id: str, fan_ids: Sequence[str]) -> None:
        """Cancel an order of one of these fans, as far as its event lets them.

        Raises OrderNotFound (also for another's), CancelRefused.
        """
        await self._cancel(order_id, list(fan_ids), BY_BUYER)

    async def by_organiser(self, order_id: str, reason: str) -> None:
        """Cancel an order whenever it is. Raises OrderNotFound, CancelRefused, RequestInvalid."""
        if not 1 <= len(reason) <= REASON_CHARACTERS_MAX or not reason.isprintable():
            raise RequestInvalid("reason", f"must be 1 to {REASON_CHARACTERS_MAX} characters")
        await self._cancel(order_id, None, reason)

    async def _cancel(self, order_id: str, fan_ids: list[str] | None, reason: str) -> None:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT cancel_order_v1(%s, %s::text[], %s)", (order_id, fan_ids, reason)
            )
            row = await cursor.fetchone()
        assert row is not None
        match str(row[0]):
            case "cancelled" | "repeated":
                return
            case "not-found":
                raise OrderNotFound
            case refused:
                raise CancelRefused(refused)

    async def note_voided(self, order_id: str) -> None:
        """Note that nothing has to go back: the money was only reserved, and that was let go."""
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                """UPDATE refunds SET done_at = now() WHERE order_id = %s AND done_at IS NULL
                    AND (SELECT o.captured_at IS NULL FROM orders o
                         WHERE o.order_id = refunds.order_id)""",
                (order_id,),
            )
