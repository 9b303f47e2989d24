"""What payment providers have told, as it came: kept for audits, and a hint to look at an order."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_core.ledger.order import OrderState
from groundwork.postgres import Pool, connection
from groundwork.together import Together


@dataclass(frozen=True, slots=True)
class ProviderWord:
    """What a provider has told about a payment; "" when it names none."""

    provider: str
    provider_event_id: str
    payload: bytes
    payment_id: str


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """An order whose payment was told about, as far as it says whether to look at it."""

    payment_id: str
    order_id: str
    state: OrderState
    is_carried: bool


class WebhookEvents:
    """Keeps what was told; what comes at one time is one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        # Told twice at once it is one event: not in one statement, or each would wait for the other's.
        self._notes = Together(self._note_all, row=lambda word: word.provider_event_id)

    async def note(self, word: ProviderWord) -> ToldOrder | None:
        """Store what a provider told, and return the order of the payment it is about, or None.

        Not flushed to the disk: who asks for a payment's state asks the provider, and the worker
        does so whether a webhook came or not.
        """
        return await self._notes.ask(word)

    async def _note_all(self, words: Sequence[ProviderWord]) -> list[ToldOrder | None]:
        payment_ids = [word.payment_id for word in words]
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """WITH stored AS (
                    INSERT INTO webhook_events (provider, provider_event_id, payload, payment_id)
                    SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[])
                    WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
                    ON CONFLICT DO NOTHING)
                SELECT payment_id, order_id::text, state, coalesce(carried_until > now(), false)
                FROM orders WHERE payment_id = ANY (%s::text[]) AND payment_id <> ''""",
                (
                    [word.provider for word in words],
                    [word.provider_event_id for word in words],
                    [word.payload for word in words],
                    payment_ids,
                    payment_ids,
                ),
            )
            rows = await cursor.fetchall()
        told = {
            str(payment_id): ToldOrder(
                str(payment_id), str(order_id), OrderState(str(state)), is_carried=bool(is_carried)
            )
            for payment_id, order_id, state, is_carried in rows
        }
        return [told.get(payment_id) for payment_id in payment_ids]
