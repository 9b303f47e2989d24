"""What was noticed of fans, in PostgreSQL: written when it is noticed, kept for appeals, then deleted."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection
from groundwork.turns import Turns

# As many as one statement carries well. Beyond the second number notes are dropped: a flood of odd
# joins must not use up memory.
NOTES_AT_ONCE: Final = 500
NOTES_WAITING_MAX: Final = 20_000
# Everybody with a ticket may ask to be let in as often as they like, and each time it is read what was
# noted of them: so many of a process's eight connections at most, so that buyers have theirs.
READ_AT_ONCE: Final = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Note:
    """One signal of a fan, and when it was first seen."""

    fan_id: str
    code: str
    noted_at: datetime


class SignalNotes:
    """Writes notes by one connection, those of a moment together, so that others have theirs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[tuple[str, str, str], asyncio.Future[None]]] = []
        self._something = asyncio.Event()
        self._turns = Turns(READ_AT_ONCE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while the block runs."""
        task = asyncio.create_task(self._write())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def note(self, sale_id: str, fan_id: str, codes: Collection[str]) -> None:
        """Return when the signals are written down; at once when nobody can write just now.

        A fan is not kept waiting for what speaks against them: without a database they go on.
        """
        if not codes or len(self._waiting) >= NOTES_WAITING_MAX:
            return
        loop = asyncio.get_running_loop()
        written = [loop.create_future() for _ in codes]
        rows = [(sale_id, fan_id, code) for code in codes]
        self._waiting += zip(rows, written, strict=True)
        self._something.set()
        await asyncio.gather(*written)

    async def of(self, sale_id: str, *fan_ids: str) -> frozenset[str]:
        """Return all signals noted of a fan, under any of these names. Raises StoreUnavailable."""
        async with self._turns.turn(), connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT code FROM fan_signals WHERE sale_id = %s AND fan_id = ANY(%s)",
                (sale_id, list(fan_ids)),
            )
            return frozenset(str(code) for (code,) in await cursor.fetchall())

    async def history(self, sale_id: str, fan_id: str) -> list[Note]:
        """Return what was noted of a fan, in the order in which it was, for an appeal."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT fan_id, code, noted_at FROM fan_signals
                WHERE sale_id = %s AND fan_id = %s ORDER BY noted_at, code""",
                (sale_id, fan_id),
            )
            return [Note(*row) for row in await cursor.fetchall()]  # type: ignore[arg-type]

    async def forget_old(self, kept_days: int) -> int:
        """Delete what is older than this, and return how many notes that were."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "DELETE FROM fan_signals WHERE noted_at < now() - make_interval(days => %s)",
                (kept_days,),
            )
            return cursor.rowcount

    async def _write(self) -> None:
        while True:
            await self._something.wait()
            notes = self._waiting[:NOTES_AT_ONCE]
            del self._waiting[:NOTES_AT_ONCE]
            if not self._waiting:
                self._something.clear()
            try:
                await self._insert([row for row, _ in notes])
            except StoreUnavailable:
                log.warning("a store does not answer", work="note signals", notes=len(notes))
            except Exception:
                log.exception("signals were not noted", notes=len(notes))
            finally:
                for _, written in notes:
                    if not written.done():
                        written.set_result(None)

    async def _insert(self, rows: list[tuple[str, str, str]]) -> None:
        sale_ids, fan_ids, codes = zip(*rows, strict=True)
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                """INSERT INTO fan_signals (sale_id, fan_id, code)
                SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING""",
                (list(sale_ids), list(fan_ids), list(codes)),
            )
