"""What payment providers have told, as it came: kept for audits, and a hint to look at an order."""

from psycopg.rows import class_row

from booking_core.ledger.order import COLUMNS, Order
from groundwork.postgres import Pool, connection


async def note_webhook(
    pool: Pool, provider: str, provider_event_id: str, payload: bytes, payment_id: str
) -> Order | None:
    """Store what a provider told, and return the order of the payment it is about, or None.

    Not flushed to the disk: who asks for a payment's state asks the provider, and the worker
    does so whether a webhook came or not.
    """
    async with connection(pool) as open_connection:
        cursor = open_connection.cursor(row_factory=class_row(Order))
        await cursor.execute(
            f"""WITH stored AS (
                INSERT INTO webhook_events (provider, provider_event_id, payload, payment_id)
                SELECT %s, %s, %s, %s
                WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
                ON CONFLICT DO NOTHING)
            SELECT {COLUMNS} FROM orders WHERE payment_id = nullif(%s, '')""",  # noqa: S608 (our own text)
            (provider, provider_event_id, payload, payment_id, payment_id),
        )
        return await cursor.fetchone()
