"""What pacing and the board go by besides the line itself: stock, the shop's health, measured waits.

Every process measures the waits, so that each can tell them alone; but what fans are told is what one
process measured, the worker, as long as it runs: two processes would tell a fan two ranges.
"""

from typing import Final

import structlog

from gateway import metrics
from gateway.origin.health import OriginHealth
from gateway.waiting_room.eta import Waits
from gateway.waiting_room.line_now import NO_ANSWERS, LineNow, OriginAnswers, StockLeft
from gateway.waiting_room.odds import Crowd, Odds, odds_of, seats_per_fan
from gateway.waiting_room.sales import Sale
from gateway.waiting_room.shared_waits import SharedWaits
from gateway.waiting_room.stock import StockNow
from gateway.waiting_room.stock_watch import StockWatch
from gateway.waiting_room.told import Told

log = structlog.get_logger()

# Measuring more often than the board is made shows nobody anything.
MEASURE_EVERY_MS: Final = 1_000


class SaleSenses:
    """What one process knows of one sale besides its line."""

    def __init__(self) -> None:
        self.stock = StockNow()
        self.waits = Waits()
        self.shared: Told | None = None
        self._measured_at_ms = 0

    def note(self, sale: Sale, line: LineNow) -> None:
        """Measure how the line moves."""
        if not 0 <= line.now_ms - self._measured_at_ms < MEASURE_EVERY_MS:
            self._measured_at_ms = line.now_ms
            self.waits.note(line, sale.rate_now(line.now_ms))

    def stock_left(self, sale: Sale, line: LineNow | None) -> StockLeft | None:
        """Return what pacing goes by; None when nobody knows, or the sale does not go by it."""
        crowd = self._crowd(line) if sale.stock_aware and line else None
        return StockLeft(crowd.left, seats_per_fan(crowd)) if crowd else None

    def odds(self, sale: Sale, line: LineNow) -> Odds | None:
        """Return the odds to tell; None when they are not known, or the sale does not tell them."""
        crowd = self._crowd(line) if sale.tells_odds else None
        return odds_of(crowd) if crowd else None

    def told(self, sale: Sale, line: LineNow) -> Told:
        """Return what the board tells besides the line."""
        reading = self.stock.reading
        waits = self.shared or Told(
            eta=self.waits.table(line),
            lane_eta=self.waits.lane_tables(line),
            eta_kept=self.waits.kept,
        )
        is_moving = bool(sale.rate_now(line.now_ms))
        return Told(
            eta=waits.eta if is_moving else [],
            lane_eta=waits.lane_eta if is_moving else {},
            eta_kept=waits.eta_kept if waits.eta_kept and waits.eta_kept.told else None,
            stock=reading.events if reading else None,
            odds=self.odds(sale, line),
        )

    def _crowd(self, line: LineNow) -> Crowd | None:
        reading = self.stock.reading
        if reading is None:
            return None
        return Crowd(
            left=reading.left,
            seats_max=reading.seats_max,
            taken=self.stock.taken,
            called=line.called,
            claimed=line.claimed,
            inside=line.inside + line.at_turnstile,
            open=line.calls_open + line.late,
        )


class Senses:
    """Keeps what is known of every sale fresh."""

    def __init__(
        self,
        watch: StockWatch | None = None,
        health: OriginHealth | None = None,
        waits: SharedWaits | None = None,
        *,
        is_telling: bool = False,
    ) -> None:
        self._watch = watch
        self._health = health
        self._waits = waits
        # Whether this process is the one whose measured waits are told.
        self._is_telling = is_telling

    def answers(self, sale_id: str) -> OriginAnswers:
        """Return what the shop answered to this process since the last time."""
        if self._health is None:
            return NO_ANSWERS
        counts = self._health.take(sale_id)
        return OriginAnswers(counts.good, counts.bad)

    async def look_at_stock(self, sale: Sale, senses: SaleSenses, *, is_quiet: bool) -> None:
        """Learn what the sale's shop has left; `is_quiet` says that nobody waits or shops there."""
        if self._watch is None:
            return
        before = senses.stock
        senses.stock = now = await self._watch.look(sale, is_quiet=is_quiet)
        if now.reading is not None:
            metrics.SEATS_LEFT.labels(sale.sale_id).set(now.reading.left)
        if now.is_sold_out != before.is_sold_out:
            log.info("sold out" if now.is_sold_out else "seats came back", sale=sale.sale_id)

    async def begin(self, sale: Sale, senses: SaleSenses) -> None:
        """Go on from the record of this sale that was kept last. Raises StoreUnavailable."""
        if self._waits is not None and self._is_telling:
            senses.waits.restore(await self._waits.read_record(sale.sale_id))

    async def share_waits(self, sale: Sale, senses: SaleSenses, line: LineNow) -> None:
        """Tell all processes the measured waits, or learn what they are told."""
        if self._waits is None:
            return
        if self._is_telling:
            record = senses.waits.kept
            metrics.ETA_TOLD.labels(sale.sale_id).set(record.told)
            metrics.ETA_KEPT.labels(sale.sale_id).set(record.kept)
            await self._waits.share(sale.sale_id, senses.waits, line)
        else:
            senses.shared = await self._waits.read(sale.sale_id)
