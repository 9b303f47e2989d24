"""The waiting room's work that no request waits for: make the line durable, and count it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from gateway.bot_checks.signal_notes import SignalNotes
from gateway.draw.parts import DrawParts
from gateway.draw.rounds import DrawRounds
from gateway.settings import GatewaySettings
from gateway.waiting_room.line import Line
from gateway.waiting_room.line_metrics import show_line
from gateway.waiting_room.room import Room
from gateway.waiting_room.rooms import WaitingRooms
from gateway.waiting_room.sales import SaleRecords
from gateway.waiting_room.senses import Senses
from gateway.waiting_room.shared_waits import SharedWaits
from gateway.waiting_room.stock_watch import StockWatch
from groundwork.clock import Clock, SystemTokenSource
from groundwork.errors import StoreUnavailable
from lua.epochs import Epochs

# After a Redis loss the line goes on from what was noted last; a second is what AOF may lose, too.
NOTE_EVERY_MS = 1_000
# What is kept for days may stay an hour longer.
FORGET_EVERY_MS = 60 * 60_000

log = structlog.get_logger()


class RoomWorker:
    """Keeps the lines moving even when no gateway runs, and notes how far they have come."""

    def __init__(self, epochs: Epochs, settings: GatewaySettings, clock: Clock) -> None:
        self._records = SaleRecords(epochs.pool)
        draws = DrawParts.made(epochs, settings, clock)
        line = Line(epochs, self._records, draws.entries, SystemTokenSource(), settings)
        # It has no door: gateways ask the shop, and it knows what they were told.
        senses = Senses(
            StockWatch(epochs, None, None), None, SharedWaits(epochs.store), is_telling=True
        )
        self.rooms = WaitingRooms(line, self._records, clock, random.Random(), settings, senses)  # noqa: S311
        self._draws = DrawRounds(draws.drawing, self.rooms.sales, clock, random.Random())  # noqa: S311
        self._notes = SignalNotes(epochs.pool)
        self._notes_kept_days = settings.signals_kept_days
        self._clock = clock

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep going while the block runs."""
        async with self.rooms.running(), self._draws.running():
            tasks = [asyncio.create_task(self._note()), asyncio.create_task(self._forget())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _forget(self) -> None:
        """Delete what was noticed of fans once nobody can appeal any more."""
        while True:
            try:
                if forgotten := await self._notes.forget_old(self._notes_kept_days):
                    log.info("old signals were deleted", notes=forgotten)
            except StoreUnavailable:
                log.warning("a store does not answer", work="delete old signals")
            await self._clock.sleep_ms(FORGET_EVERY_MS)

    async def _note(self) -> None:
        while True:
            try:
                for room in self.rooms.rooms():
                    await self._note_room(room)
            except StoreUnavailable:
                log.warning("a store does not answer", work="note lines")
            except Exception:
                log.exception("a round failed", work="note lines")
            await self._clock.sleep_ms(NOTE_EVERY_MS)

    async def _note_room(self, room: Room) -> None:
        line, sale_id = room.line, room.sale.sale_id
        if line is None:
            return
        for lane in line.lanes:
            if lane.last_place > 0:
                await self._records.note_progress(sale_id, lane.last_place, lane.serving, lane.lane)
        await self._records.note_inside(sale_id, line.inside)
        asked = room.sale.rate_now(self._clock.now_ms())
        show_line(sale_id, line, room.rate, room.entering, asked)
