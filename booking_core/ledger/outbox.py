"""The outbox: what a commit promised to tell others, told at least once, however often we crash."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from booking_core import metrics
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection

# A worker that dies leaves its entries to others after this: longer than any single task takes.
LEASE_MS = 30_000
# Taken at once; small enough that a dead worker holds up little.
BATCH_MAX = 50
# Failing entries are tried again after 1, 2, 4 … seconds, at most this many apart.
BACKOFF_SECONDS_MAX = 60

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One thing to tell about one order."""

    id: int
    kind: str
    order_id: str
    attempts: int


Handler = Callable[[str], Awaitable[None]]


class Outbox:
    """Works the outbox with one handler for each kind; a handler gets the order's id.

    Handlers are safe to repeat: an entry may be worked twice, never not at all.
    """

    def __init__(self, pool: Pool, handlers: Mapping[str, Handler]) -> None:
        self._pool = pool
        self._handlers = handlers

    async def work(self, *kinds: str) -> int:
        """Work what is due, all at once, and return how many entries were taken.

        Of these kinds, or of all. An entry that takes long holds up the next ones of its round: what
        asks somebody else is worked in a round of its own.
        """
        entries = await self._take(kinds or tuple(self._handlers))
        told = await asyncio.gather(*map(self._tell, entries), return_exceptions=True)
        done = [entry for entry, is_done in zip(entries, told, strict=True) if is_done is True]
        if done:
            async with connection(self._pool) as open_connection:
                await open_connection.execute(
                    "UPDATE outbox SET done_at = now() WHERE id = ANY(%s)",
                    ([entry.id for entry in done],),
                )
            for entry in done:
                metrics.OUTBOX_DONE.labels(entry.kind, "done").inc()
        for error in told:
            if isinstance(error, BaseException):
                raise error
        return len(entries)

    async def _take(self, kinds: Sequence[str]) -> list[OutboxEntry]:
        # By what is undone, never by "id above the last": ids do not commit in order. Kind by kind, as the
        # index has it: asked for all at once, the whole backlog would be sorted for each few.
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """UPDATE outbox SET attempts = attempts + 1,
                    not_before = now() + %s * interval '1 millisecond'
                WHERE id IN (SELECT due.id FROM unnest(%s::text[]) AS asked (kind), LATERAL (
                        SELECT o.id, o.not_before FROM outbox o
                        WHERE o.done_at IS NULL AND o.kind = asked.kind AND o.not_before <= now()
                        ORDER BY o.not_before LIMIT %s FOR UPDATE SKIP LOCKED) AS due
                    ORDER BY due.not_before LIMIT %s)
                RETURNING id, kind, order_id::text, attempts""",
                (LEASE_MS, list(kinds), BATCH_MAX, BATCH_MAX),
            )
            rows = await cursor.fetchall()
        return [OutboxEntry(int(str(i)), str(k), str(o), int(str(a))) for i, k, o, a in rows]

    async def _tell(self, entry: OutboxEntry) -> bool:
        """Tell one, and say whether it is done; else it is due again later."""
        try:
            await self._handlers[entry.kind](entry.order_id)
        except StoreUnavailable:
            await self._later(entry, "unavailable")
        except Exception:
            log.exception("an outbox entry failed", kind=entry.kind, order=entry.order_id)
            await self._later(entry, "failed")
        else:
            return True
        return False

    async def _later(self, entry: OutboxEntry, outcome: str) -> None:
        metrics.OUTBOX_DONE.labels(entry.kind, outcome).inc()
        seconds = min(BACKOFF_SECONDS_MAX, 2 ** min(entry.attempts - 1, 10))
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                "UPDATE outbox SET not_before = now() + %s * interval '1 second' WHERE id = %s",
                (seconds, entry.id),
            )


async def open_entries(pool: Pool) -> tuple[int, float]:
    """Return how many entries are open and the age in seconds of the oldest."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)
            FROM outbox WHERE done_at IS NULL"""
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(str(row[0])), float(str(row[1]))
