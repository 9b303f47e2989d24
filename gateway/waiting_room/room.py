"""One sale's waiting room in one process: what it knows, and its newest board."""

import asyncio
import math
from dataclasses import replace

from gateway.waiting_room.board import Board, RateMeter
from gateway.waiting_room.fan_in_line import FansSeen
from gateway.waiting_room.line_now import LineNow
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.sales import Sale
from gateway.waiting_room.senses import SaleSenses

# An outage of this length is made good (lua/includes/frozen.lua): from then on room may be kept for
# longer than is known here.
LINE_KNOWN_MS = 3_000


class Room:
    """One sale's waiting room in this process."""

    def __init__(self, sale: Sale) -> None:
        self.sale = sale
        self.rate = RateMeter()
        self.entering = RateMeter()
        self.line: LineNow | None = None
        # When this process was told so, by its own clock.
        self.line_at_ms = 0
        self.board: Board | None = None
        # When it was rendered, by the monotonic clock; any time before the first.
        self.rendered_at_ms = -math.inf
        self.fans_seen = FansSeen()
        # Closed, and everybody who looks can know it: then nothing is looked at any more.
        self.is_over = False
        self.leasing: asyncio.Task[None] | None = None
        self.looking: asyncio.Task[None] | None = None
        # Whether that look began while nobody waited or shopped.
        self.looks_quietly = True
        self.senses = SaleSenses()

    @property
    def is_quiet(self) -> bool:
        """Whether nobody waits or shops, as far as is known."""
        line = self.line
        if line is None:
            return True
        here = (line.waiting, line.calls_open, line.late, line.at_turnstile, line.inside)
        return not any(here)

    def follow(self, sale: Sale) -> None:
        """Take in the sale as it is set now; what the shop has left, nobody sets."""
        is_sold_out = sale.stock_aware and self.senses.stock.is_sold_out
        self.sale = replace(sale, is_sold_out=is_sold_out)

    def moved(self, line: LineNow, now_ms: int) -> None:
        """Take in how the line stands, as was told at this moment of the process's clock."""
        self.line, self.line_at_ms = line, now_ms
        self.rate.note(line.now_ms, line.called)
        self.entering.note(line.now_ms, line.admitted)

    def claim_within_ms(self, place: int, lane_id: str | None, now_ms: int) -> int | None:
        """Return how much longer room is kept for a called place: 0 when it is not any more.

        None before the call, and while nobody knows. The lane None is the general line.
        """
        line, age_ms = self.line, max(0, now_ms - self.line_at_ms)
        if line is None or age_ms >= LINE_KNOWN_MS:
            return None
        lane = next((lane for lane in line.lanes if lane.lane == (lane_id or GENERAL)), None)
        if lane is None or place > lane.serving:
            return None
        # Each clock is compared with itself only: the store's may show another time than ours.
        return max(0, lane.kept_until_ms(place) - line.now_ms - age_ms)

    def publish(self, board: Board) -> None:
        """Put up a new board."""
        # A board with the number of the one before is news to nobody who has seen that.
        is_news = self.board is None or self.board.document.seq != board.document.seq
        self.is_over = board.document.phase == "closed" and (is_news or self.is_over)
        self.board = board

    def after(self, cursor: int) -> tuple[bytes, int]:
        """Return the newest board as a stream's event, unless its number is the cursor.

        Who missed some boards has lost nothing: each says everything.
        """
        if self.board is None or self.board.document.seq == cursor:
            return b"", cursor
        return self.board.stream_event, self.board.document.seq
