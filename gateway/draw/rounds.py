"""Looks after the draws of all sales of this process, and tells operators how they go."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

import structlog

from gateway.draw import metrics
from gateway.draw.draw import Draw
from gateway.draw.drawing import Drawing
from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable

# Entries are at most so old when they become durable, and a sale opens at most so late.
ATTEND_EVERY_MS: Final = 500

log = structlog.get_logger()


class SaleWithDraw(Protocol):
    """What is looked at of a sale."""

    @property
    def sale_id(self) -> str:
        """Its name."""

    @property
    def opens_at_ms(self) -> int:
        """Its opening."""

    @property
    def draw(self) -> Draw | None:
        """Its draw as last read, if it has one."""


class DrawRounds:
    """Attends to every draw that is not made, again and again."""

    def __init__(
        self,
        drawing: Drawing,
        sales: Callable[[], Sequence[SaleWithDraw]],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._drawing = drawing
        self._sales = sales
        self._clock = clock
        self._rng = rng

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep going while the block runs."""
        task = asyncio.create_task(self._repeat())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _repeat(self) -> None:
        while True:
            await self.attend_all()
            # Several processes should not all try in the same instant.
            await self._clock.sleep_ms(ATTEND_EVERY_MS * self._rng.uniform(0.9, 1.1))

    async def attend_all(self) -> None:
        """Attend to each draw once; one that fails disturbs no other."""
        for sale in self._sales():
            if sale.draw is None:
                continue
            draw: Draw | None = sale.draw
            if sale.draw.state != "drawn":
                try:
                    draw = await self._drawing.attend(sale.sale_id, sale.opens_at_ms)
                except StoreUnavailable:
                    log.warning("a store does not answer", work="draws")
                except Exception:
                    log.exception("a draw could not be taken further", sale=sale.sale_id)
            if draw is not None:
                metrics.tell(sale.sale_id, draw, sale.opens_at_ms, self._clock.now_ms())
