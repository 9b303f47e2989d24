"""Copies the hold log from Redis into PostgreSQL, each entry once, with its offset in the same commit."""

from dataclasses import dataclass

import msgspec
import psycopg
import structlog

from booking_core import metrics
from groundwork.clock import Clock
from groundwork.postgres import Pool, connection
from groundwork.redis_store import RedisStore
from lua.keys import event_log_key

# One commit takes so many entries at most: fifty milliseconds while everything is busy, for which the logs
# of other events may wait.
ENTRIES_MAX = 400
# Live seat maps read the log, too; a map further behind than this loads the snapshot anyway.
ENTRIES_KEPT = 5_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One change of one event, by its number."""

    seq: int
    kind: str
    reservation_id: str
    fan_id: str
    reservation: str
    at_ms: int


class _Owner(msgspec.Struct):
    fan_id: str


_OWNER = msgspec.json.Decoder(_Owner)


class Reconciler:
    """Reads each event's log from the offset PostgreSQL has, and moves the offset with the entries.

    The row of the offset is what makes one of them lead an event: it moves from what it was, or the commit
    is undone. Two of them at once do no harm.
    """

    def __init__(self, store: RedisStore, pool: Pool, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock

    async def reconcile(self, event_id: str, epoch: int) -> int:
        """Apply what is new in the log of an event's epoch; return how many entries were new.

        0 means that PostgreSQL has everything, whoever has put it there.
        """
        offset = await self._offset(event_id, epoch)
        key = event_log_key(event_id, epoch)
        entries = read_entries(
            await self._store.call("XRANGE", key, f"({offset}-1", "+", "COUNT", ENTRIES_MAX)
        )
        if not entries:
            metrics.RECONCILE_LAG_SECONDS.labels(event_id).set(0)
            return 0
        if not await self._apply(event_id, epoch, offset, entries):
            return len(entries)  # another one was quicker, and need not have seen the newest
        last = entries[-1]
        lag_ms = max(0, self._clock.now_ms() - last.at_ms)
        metrics.RECONCILE_LAG_SECONDS.labels(event_id).set(lag_ms / 1000)
        metrics.RECONCILE_APPLIED.inc(len(entries))
        # Only what PostgreSQL has committed may go.
        await self._store.call("XTRIM", key, "MINID", "~", f"{max(1, last.seq - ENTRIES_KEPT)}-1")
        return len(entries)

    async def _offset(self, event_id: str, epoch: int) -> int:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """INSERT INTO reconciled (event_id, epoch, seq) VALUES (%s, %s, 0)
                ON CONFLICT (event_id, epoch) DO UPDATE SET seq = reconciled.seq RETURNING seq""",
                (event_id, epoch),
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(str(row[0]))

    async def _apply(self, event_id: str, epoch: int, offset: int, entries: list[LogEntry]) -> bool:
        expected = offset + 1
        gaps: list[tuple[int, int]] = []
        for entry in entries:
            if entry.seq != expected:
                gaps.append((expected, entry.seq))
            expected = entry.seq + 1
        async with connection(self._pool) as open_connection, open_connection.transaction():
            moved = await open_connection.execute(
                """UPDATE reconciled SET seq = %s WHERE event_id = %s AND epoch = %s AND seq = %s""",
                (entries[-1].seq, event_id, epoch, offset),
            )
            if moved.rowcount != 1:
                return False  # another reconciler was here first
            await self._insert(open_connection, event_id, epoch, entries)
            for missing, found in gaps:
                metrics.RECONCILE_GAPS.inc()
                log.error(
                    "the hold log has a gap", event_id=event_id, expected=missing, found=found
                )
                await open_connection.execute(
                    """INSERT INTO reconcile_gaps (event_id, epoch, expected_seq, found_seq)
                    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING""",
                    (event_id, epoch, missing, found),
                )
        return True

    async def _insert(
        self,
        open_connection: psycopg.AsyncConnection[tuple[object, ...]],
        event_id: str,
        epoch: int,
        entries: list[LogEntry],
    ) -> None:
        await open_connection.execute(
            """INSERT INTO hold_log (event_id, epoch, seq, kind, reservation_id, fan_id, what, at)
            SELECT %s, %s, seq, kind, reservation_id, fan_id, what,
                to_timestamp(at_ms / 1000.0)
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::bigint[])
                AS entry (seq, kind, reservation_id, fan_id, what, at_ms)
            ON CONFLICT DO NOTHING""",
            (
                event_id,
                epoch,
                [entry.seq for entry in entries],
                [entry.kind for entry in entries],
                [entry.reservation_id for entry in entries],
                [entry.fan_id for entry in entries],
                [entry.reservation for entry in entries],
                [entry.at_ms for entry in entries],
            ),
        )


def read_entries(answer: object) -> list[LogEntry]:
    """Return the entries of an XRANGE answer, in either shape the protocol has."""
    assert isinstance(answer, list)
    entries: list[LogEntry] = []
    for entry_id, pairs in answer:
        fields = pairs
        if isinstance(pairs, list):
            fields = dict(zip(pairs[0::2], pairs[1::2], strict=True))
        entries.append(
            LogEntry(
                int(str(entry_id).partition("-")[0]),
                fields["kind"],
                fields["reservation_id"],
                _OWNER.decode(fields["reservation"]).fan_id,
                fields["reservation"],
                int(float(fields["at"])),
            )
        )
    return entries
