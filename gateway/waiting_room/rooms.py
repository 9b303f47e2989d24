"""The running waiting rooms of this process: it moves every line and keeps every board fresh."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import structlog

from gateway import metrics
from gateway.settings import GatewaySettings
from gateway.waiting_room.board import Board, render
from gateway.waiting_room.fan_in_line import FansSeen, Joined, SeenInside
from gateway.waiting_room.line import ENTRIES, PLACES_LEFT_MIN, Line
from gateway.waiting_room.line_now import LineNow
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.room import Room
from gateway.waiting_room.sales import Sale, SaleRecords
from gateway.waiting_room.senses import Senses
from gateway.waiting_room.stock_watch import LOOK_EVERY_MS
from groundwork.clock import Clock
from groundwork.errors import SaleNotFound, StoreUnavailable

# The board is at most so old: what fans see is never behind by more than a glance.
BOARD_EVERY_MS = 1_000
# An operator's change reaches every process within this.
SALES_EVERY_MS = 1_000
# Visits are kept by one call a sale and second, however many requests their fans make.
TOUCH_EVERY_MS = 1_000
# A millisecond's work, after which requests are answered: where many sales are on at once, a round over
# all of them takes as long as ten answers may.
ROOMS_AT_ONCE = 8

log = structlog.get_logger()


class Outlet(Protocol):
    """Where boards are shown."""

    def show(self, sale_id: str, board: Board) -> None:
        """Show this board from now on."""

    def take_down(self, sale_id: str) -> None:
        """Show no board of this sale any more."""


class WaitingRooms:
    """All sales this process knows, each with its line moving and its board fresh."""

    def __init__(
        self,
        line: Line,
        records: SaleRecords,
        clock: Clock,
        rng: random.Random,
        settings: GatewaySettings,
        senses: Senses | None = None,
    ) -> None:
        self.line = line
        self.records = records
        self._clock = clock
        self._rng = rng
        self._settings = settings
        self._senses = senses or Senses()
        self._rooms: dict[str, Room] = {}
        self._room_of: dict[str, Room] = {}
        self.outlets: list[Outlet] = []

    def room(self, sale_id: str) -> Room:
        """Return the sale's room. Raises SaleNotFound."""
        room = self._rooms.get(sale_id)
        if room is None:
            raise SaleNotFound
        return room

    def board(self, sale_id: str) -> Board:
        """Return the board, at most about a second old. Raises SaleNotFound, StoreUnavailable."""
        board = self.room(sale_id).board
        if board is None:
            raise StoreUnavailable(retry_after=1)
        return board

    def rooms(self) -> list[Room]:
        """Return the rooms of all sales."""
        return list(self._rooms.values())

    def sales(self) -> list[Sale]:
        """Return the sales as last read."""
        return [room.sale for room in self._rooms.values()]

    def sale_ids(self) -> list[str]:
        """Return what all sales are called."""
        return list(self._rooms)

    def sale_of(self, event_id: str) -> Sale | None:
        """Return the sale that puts the event on sale, if it is one of ours."""
        room = self._room_of.get(event_id)
        return room.sale if room else None

    def note_seen(self, sale_id: str, seen: SeenInside) -> None:
        """Remember that a fan inside made a request."""
        room = self._rooms.get(sale_id)
        if room is not None:
            room.fans_seen.seen.add(seen)

    def note_failed(self, sale_id: str, failed: SeenInside) -> None:
        """Remember that we gave a fan inside no answer, or none that is any use to them."""
        room = self._rooms.get(sale_id)
        if room is not None:
            room.fans_seen.failed.add(failed)

    def note_joined(self, sale_id: str, joined: Joined, lane: str = GENERAL) -> None:
        """Lease the next block beside the joins when places, or entry numbers, run short."""
        room = self.room(sale_id)
        if joined.left < PLACES_LEFT_MIN and (room.leasing is None or room.leasing.done()):
            room.leasing = asyncio.create_task(self._lease(sale_id, joined, lane))

    async def _lease(self, sale_id: str, joined: Joined, lane: str) -> None:
        with suppress(StoreUnavailable):  # the join that finds none left leases for itself
            if joined.place is None:
                await self.line.lease_more(sale_id, lane=ENTRIES)
            else:
                await self.line.lease_more(sale_id, joined.place, lane)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep every room going while the block runs."""
        await self._read_sales()
        loops = [
            asyncio.create_task(self._repeat(every_ms, work, name))
            for every_ms, work, name in (
                (SALES_EVERY_MS, self._read_sales, "read sales"),
                (self._settings.pacing_every_ms, self._call_places, "call places"),
                (LOOK_EVERY_MS, self._look_at_stock, "look at the stock"),
                (BOARD_EVERY_MS, self._share_waits, "share the waits"),
                (BOARD_EVERY_MS, self._render_boards, "render boards"),
                (TOUCH_EVERY_MS, self._touch_visits, "touch visits"),
            )
        ]
        try:
            yield
        finally:
            rooms = self._rooms.values()
            beside = [task for room in rooms for task in (room.leasing, room.looking) if task]
            for task in [*loops, *beside]:
                task.cancel()
            await asyncio.gather(*loops, *beside, return_exceptions=True)

    async def _repeat(self, every_ms: int, work: object, name: str) -> None:
        assert callable(work)
        while True:
            try:
                await work()
            except StoreUnavailable:
                log.warning("a store does not answer", work=name)
            except Exception:
                # One bad round must not stop a line for good; the next may go well.
                log.exception("a background round failed", work=name)
            # Several processes should not all call in the same instant.
            await self._clock.sleep_ms(every_ms * self._rng.uniform(0.9, 1.1))

    async def _read_sales(self) -> None:
        sales = await self.records.all()
        for sale in sales:
            room = self._rooms.get(sale.sale_id)
            if room is None:
                room = Room(sale)
                await self._senses.begin(sale, room.senses)
                self._rooms[sale.sale_id] = room
                metrics.expect_sale(sale.sale_id)
            else:
                room.follow(sale)
        for gone in self._rooms.keys() - {sale.sale_id for sale in sales}:
            room = self._rooms.pop(gone)
            if room.looking is not None:
                room.looking.cancel()
            for outlet in self.outlets:
                outlet.take_down(gone)
        # Every request is asked whose event it is about, and a catalogue has thousands.
        self._room_of = {
            event_id: room for room in self._rooms.values() for event_id in room.sale.event_ids
        }

    async def _call_places(self) -> None:
        with metrics.PACING_TICK_SECONDS.time():
            await self._for_all_alive(self._call_places_of, "a line could not be moved")

    async def _call_places_of(self, room: Room) -> None:
        stock = room.senses.stock_left(room.sale, room.line)
        if stock is not None:
            metrics.SEATS_PER_FAN.labels(room.sale.sale_id).set(stock.seats_per_fan)
        answers = self._senses.answers(room.sale.sale_id)
        line = await self.line.call_places(room.sale, self._clock.now_ms(), stock, answers)
        room.moved(line, self._clock.now_ms())
        room.senses.note(room.sale, line)
        metrics.CALLS.labels(room.sale.sale_id).inc(line.called_now)
        metrics.SECONDS_FROZEN.labels(room.sale.sale_id).inc(line.frozen_ms / 1000)
        # With the first tick of each second, so that all processes show its board at about one time
        # and no stream misses one.
        if room.board is None or room.board.document.seq != _second_of(line):
            self._render(room)

    async def _look_at_stock(self) -> None:
        """Look beside the rounds: a shop that takes its time holds up no other sale."""
        rooms = [room for room in self._rooms.values() if not room.is_over]
        for number, room in enumerate(rooms):
            if room.looking is not None and not room.looking.done():
                if room.is_quiet or not room.looks_quietly:
                    continue
                room.looking.cancel()  # there is a crowd now, which is not to wait for the slow one
            room.looks_quietly = room.is_quiet
            room.looking = asyncio.create_task(self._look(room, is_quiet=room.is_quiet))
            if number % ROOMS_AT_ONCE == ROOMS_AT_ONCE - 1:
                await self._clock.sleep_ms(0)

    async def _look(self, room: Room, *, is_quiet: bool) -> None:
        try:
            await self._senses.look_at_stock(room.sale, room.senses, is_quiet=is_quiet)
        except StoreUnavailable:
            return
        except Exception:
            log.exception("what is left of a sale is not known", sale=room.sale.sale_id)
            return
        room.follow(room.sale)

    async def _share_waits(self) -> None:
        async def share(room: Room) -> None:
            if room.line is not None:
                await self._senses.share_waits(room.sale, room.senses, room.line)

        await self._for_all_alive(share, "what is told of a sale's waits could not be shared")

    async def _for_all_alive(self, work: Callable[[Room], Awaitable[None]], complaint: str) -> None:
        """Do something for each sale that is not over; what fails for one stops no other."""
        rooms = [room for room in self._rooms.values() if not room.is_over]
        for start in range(0, len(rooms), ROOMS_AT_ONCE):
            some = rooms[start : start + ROOMS_AT_ONCE]
            results = await asyncio.gather(*map(work, some), return_exceptions=True)
            for room, result in zip(some, results, strict=True):
                if isinstance(result, BaseException) and not isinstance(result, StoreUnavailable):
                    log.error(complaint, sale=room.sale.sale_id, exc_info=result)

    async def _render_boards(self) -> None:
        """Render those that no tick has rendered: their sale is over, or the store is away."""
        for sale_id, room in list(self._rooms.items()):
            if self._clock.monotonic_ms() - room.rendered_at_ms < BOARD_EVERY_MS:
                continue
            if self._rooms.get(sale_id) is room:
                self._render(room)
            await self._clock.sleep_ms(0)  # requests are answered between two of them

    def _render(self, room: Room) -> None:
        if room.line is None:
            return
        # Counted by the clock all processes share, so that a fan who asks two of them sees it rise.
        seq = _second_of(room.line)
        told = room.senses.told(room.sale, room.line)
        board = render(room.sale, room.line, room.rate.per_minute(), seq, told)
        room.publish(board)
        room.rendered_at_ms = self._clock.monotonic_ms()
        # What is over does not grow old, so nobody is woken for it.
        age_ms = 0 if room.is_over else max(0, self._clock.now_ms() - room.line.now_ms)
        metrics.BOARD_AGE_SECONDS.labels(room.sale.sale_id).set(age_ms / 1000)
        for outlet in self.outlets:
            outlet.show(room.sale.sale_id, board)

    async def _touch_visits(self) -> None:
        for sale_id, room in list(self._rooms.items()):
            fans, room.fans_seen = room.fans_seen, FansSeen()
            if not fans.seen and not fans.failed:
                continue
            try:
                touched = await self.line.visits.touch(sale_id, fans)
            except StoreUnavailable:
                room.fans_seen.add(fans)  # an outage: whoever is inside stays in mind
                continue
            metrics.FAULT_CREDITS.labels(sale_id).inc(touched.faults)
            metrics.FAULT_SECONDS_GIVEN.labels(sale_id).inc(touched.given_ms / 1000)


def _second_of(line: LineNow) -> int:
    """Return the second of the store's clock in which the line stood so."""
    return line.now_ms // BOARD_EVERY_MS
