"""Answers kept for a while in this process: bounded, and asked for once however many want them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import nullcontext
from typing import Generic, TypeVar

from groundwork.clock import Clock
from groundwork.turns import Turns

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, at most `size_max` of them, each believed for `age_ms` (None: for good).

    The values that nobody asked for longest go first. Failures are not remembered, and neither
    are values that `is_worth` says no to. Many who ask at once for the same key make one call; one
    who gives up does not end it for the others.

    What anybody may ask for under any name takes `turns`, so many calls at once: a flood of made-up
    names leaves the database's other connections to those who buy.
    """

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        clock: Clock,
        *,
        size_max: int,
        age_ms: int | None,
        is_worth: Callable[[V], bool] = lambda _: True,
        turns: int | None = None,
    ) -> None:
        assert size_max > 0
        self._ask = ask
        self._clock = clock
        self._size_max = size_max
        self._age_ms = age_ms
        self._is_worth = is_worth
        self._turns = Turns(turns) if turns is not None else None
        self._known: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """Return the value of the key, at most `age_ms` old; an older one while others have all turns.

        Raises StoreUnavailable when it is not known and there was no turn for too long.
        """
        known = self._known.get(key)
        if known is not None and not self._is_stale(known[0]):
            self._known.move_to_end(key)
            return known[1]
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._learn(key))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._answered(key, done))
        if known is not None and self._turns is not None and self._turns.are_taken:
            return known[1]
        return await asyncio.shield(task)

    def known(self, key: K) -> V | None:
        """Return the value if it need not be asked for, else None."""
        known = self._known.get(key)
        if known is None or self._is_stale(known[0]):
            return None
        self._known.move_to_end(key)
        return known[1]

    def forget(self, key: K) -> None:
        """Ask anew the next time; what is being asked right now is not remembered either."""
        self._known.pop(key, None)
        self._asking.pop(key, None)

    def _is_stale(self, learned_at: float) -> bool:
        return self._age_ms is not None and self._clock.monotonic_ms() - learned_at >= self._age_ms

    async def _learn(self, key: K) -> V:
        async with self._turns.turn() if self._turns is not None else nullcontext():
            asked_at = self._clock.monotonic_ms()
            value = await self._ask(key)
        if self._asking.get(key) is asyncio.current_task() and self._is_worth(value):
            self._known[key] = (asked_at, value)
            self._known.move_to_end(key)
            while len(self._known) > self._size_max:
                self._known.popitem(last=False)
        return value

    def _answered(self, key: K, task: asyncio.Task[V]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen here, in case everybody who asked has given up
