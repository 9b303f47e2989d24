"""Which places were moved, as this process knows it: looking at a place asks no store."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import structlog

from gateway.waiting_room.line_records import GENERAL
from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable, TicketMoved
from groundwork.redis_store import RedisStore
from lua.keys import sale_keys

# A fan who has moved their place sees so on the old device with its next board.
LOOK_EVERY_MS = 1_000
# As many fields as one answer carries well; a sale has a few moved places for each thousand fans.
FIELDS_AT_ONCE = 1_000
# Whoever moves places by the thousand makes every process read them: no more than a thousand a second.
REST_MS_A_FIELD = 1

log = structlog.get_logger()


def field_of(fan_id: str, lane: str | None) -> str:
    """Return what a fan's place in a lane is called in the hash `moved`."""
    return f"{lane or GENERAL}/{fan_id}"


class MovedPlaces:
    """Whose places were moved, of all sales. What was moved stays so: only new ones are read.

    For what is shown. Entering and moving ask the scripts.
    """

    def __init__(self, store: RedisStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._moved: dict[str, dict[str, str]] = {}
        # When a sale's may be read again, by the monotonic clock.
        self._rests_until_ms: dict[str, float] = {}

    def moved_to(self, sale_id: str, fan_id: str, lane: str | None) -> str | None:
        """Return whose the fan's place in the lane is by now; None if it was not moved."""
        return self._moved.get(sale_id, {}).get(field_of(fan_id, lane))

    def refuse_moved(self, sale_id: str, fan_id: str, lane: str | None) -> None:
        """Raise TicketMoved if the fan's place in the lane is another's by now."""
        if self.moved_to(sale_id, fan_id, lane) is not None:
            raise TicketMoved

    def note(self, sale_id: str, fan_id: str, lane: str | None, to_fan_id: str) -> None:
        """Take in a move that this process has made."""
        self._moved.setdefault(sale_id, {})[field_of(fan_id, lane)] = to_fan_id

    async def look(self, sale_ids: Iterable[str]) -> None:
        """Learn what was moved in these sales since the last time. Raises StoreUnavailable."""
        sales = list(sale_ids)
        for gone in self._moved.keys() - set(sales):
            del self._moved[gone]
        counts = await asyncio.gather(
            *(self._store.call("HLEN", sale_keys(sale_id)["moved"]) for sale_id in sales)
        )
        now_ms = self._clock.monotonic_ms()
        for sale_id, count in zip(sales, counts, strict=True):
            known = self._moved.setdefault(sale_id, {})
            if count > len(known) and self._rests_until_ms.get(sale_id, 0) <= now_ms:
                await self._read(sale_id, known)
                self._rests_until_ms[sale_id] = now_ms + REST_MS_A_FIELD * count

    async def _read(self, sale_id: str, known: dict[str, str]) -> None:
        cursor = 0
        while True:
            cursor, found = await self._store.call(
                "HSCAN", sale_keys(sale_id)["moved"], cursor, "COUNT", FIELDS_AT_ONCE
            )
            known.update(found)
            if cursor == 0:
                return

    @asynccontextmanager
    async def following(self, sale_ids: Callable[[], Iterable[str]]) -> AsyncIterator[None]:
        """Keep up with the sales while the block runs."""
        await self._look_once(sale_ids)
        task = asyncio.create_task(self._follow(sale_ids))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self, sale_ids: Callable[[], Iterable[str]]) -> None:
        while True:
            # Several processes should not all ask in the same instant.
            await self._clock.sleep_ms(LOOK_EVERY_MS * random.uniform(0.9, 1.1))  # noqa: S311
            await self._look_once(sale_ids)

    async def _look_once(self, sale_ids: Callable[[], Iterable[str]]) -> None:
        try:
            await self.look(sale_ids())
        except StoreUnavailable:
            return  # everybody sees their place meanwhile
        except Exception:
            log.exception("which places were moved is not known")
