"""Rows that have done their work and are asked for no more: they go, a few at a time.

What was sold, held and paid stays. PostgreSQL refuses to delete what is younger, whoever asks.
"""

from typing import Final, LiteralString

from groundwork.postgres import Pool, connection

# A few milliseconds each.
ROWS_MAX: Final = 500
# Promises that were kept: whether one was is asked within days, and what it led to the order says. Looked
# at are the oldest by number, so that no index of the ends is needed: a sale would have to fill it.
FORGET_TOLD: Final[LiteralString] = """
DELETE FROM outbox WHERE id IN (SELECT id FROM (
        SELECT id, done_at, created_at FROM outbox ORDER BY id LIMIT %(rows_max)s) AS oldest
    WHERE done_at < now() - interval '30 days' AND created_at < now() - interval '30 days')"""
# What a provider told: a payment may be disputed for four months, and the answer takes weeks.
FORGET_WORDS: Final[LiteralString] = """
DELETE FROM webhook_events WHERE (provider, provider_event_id) IN (
    SELECT provider, provider_event_id FROM webhook_events
    WHERE received_at < now() - interval '180 days' LIMIT %(rows_max)s)"""


async def forget_old_rows(pool: Pool) -> int:
    """Delete some that are old enough; returns how many, 0 once there are none."""
    forgotten = 0
    for statement in (FORGET_TOLD, FORGET_WORDS):
        async with connection(pool) as open_connection:
            cursor = await open_connection.execute(statement, {"rows_max": ROWS_MAX})
            forgotten += cursor.rowcount
    return forgotten
