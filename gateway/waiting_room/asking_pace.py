"""How often a shop is asked about the events of some sales: in turns, the less often the more there are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.waiting_room.sales import Sale

A = TypeVar("A")


class AskingPace:
    """At most so many questions under way at once, and so many in a second.

    `every_ms` says how old an answer may become, so that those of all sales that were noted can be asked
    for at that pace; never less than `least_ms` nor more than `most_ms`.
    """

    def __init__(self, at_once: int, a_second: float, least_ms: int, most_ms: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._turn_seconds = at_once / a_second
        self._a_second = a_second
        self._least_ms = least_ms
        self._most_ms = most_ms
        # How many events the sales have that were noted, in this round over all of them and in the last.
        self._events_of: dict[str, int] = {}
        self._in_last_round = 0

    def note(self, sale: Sale) -> None:
        """Count a sale's events: who comes again begins the next round."""
        if sale.sale_id in self._events_of:
            self._in_last_round = sum(self._events_of.values())
            self._events_of.clear()
        self._events_of[sale.sale_id] = len(sale.event_ids)

    @property
    def every_ms(self) -> int:
        """How old an answer may become."""
        events = max(self._in_last_round, sum(self._events_of.values()))
        return min(max(self._least_ms, round(events * 1_000 / self._a_second)), self._most_ms)

    async def in_turn(self, ask: Callable[[], Awaitable[A]]) -> A:
        """Ask when there is a turn: it lasts its time, however soon the answer comes."""
        await self._turns.acquire()
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._turn_seconds
        try:
            return await ask()
        finally:
            loop.call_at(max(ends_at, loop.time()), self._turns.release)
