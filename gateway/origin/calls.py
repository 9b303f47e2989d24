"""Requests under way at the shop, watched together: who waits too long, and whose fan has left.

One look over all of them a few times a second costs less than a timer for each step of each.
"""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Final

from aiohttp import web

from gateway.origin.upstream import Upstream
from groundwork.clock import Clock

# Limits are seconds; a quarter more is not felt.
LOOK_EVERY_MS: Final = 250


class Wait(Enum):
    """What a request waits for."""

    ANSWER = auto()
    SHOP = auto()
    FAN = auto()
    NOTHING = auto()


class Cut(Enum):
    """Why a request was ended from outside."""

    NO_ANSWER = auto()
    SHOP_SILENT = auto()
    FAN_SLOW = auto()
    FAN_LEFT = auto()
    STOPPING = auto()
    SERVER_LOST = auto()


CUT_OF: Final = {Wait.ANSWER: Cut.NO_ANSWER, Wait.SHOP: Cut.SHOP_SILENT, Wait.FAN: Cut.FAN_SLOW}


class Call:
    """One request on its way. `cut` says why it was cancelled by the watch, if it was."""

    __slots__ = (
        "_clock", "_task", "asked", "cut", "is_safe", "is_stream", "limit_ms", "request", "since_ms", "wait"
    )  # fmt: skip

    def __init__(self, request: web.Request, clock: Clock, *, is_safe: bool) -> None:
        task = asyncio.current_task()
        assert task is not None, "a request is handled by a task"
        self._task = task
        self._clock = clock
        self.request = request
        # Nobody misses the answer to a safe request once the fan has left; another one may have
        # bought something.
        self.is_safe = is_safe
        # It lasts as long as somebody listens, and says nothing by ending.
        self.is_stream = False
        self.cut: Cut | None = None
        # The server that is asked at this moment, or was last.
        self.asked: Upstream | None = None
        self.waits_for(Wait.NOTHING, 0)

    def waits_for(self, wait: Wait, limit_ms: float) -> None:
        """Begin to wait for something, at most so long."""
        self.wait = wait
        self.limit_ms = limit_ms
        self.since_ms = self._clock.monotonic_ms()

    def end(self, cut: Cut) -> None:
        """Cancel what it is doing; it finds the reason in `cut`."""
        if self.cut is None:
            self.cut = cut
            self._task.cancel()

    def was_cut(self) -> Cut | None:
        """Return why the cancellation that was just caught came, None when it came from elsewhere."""
        if self.cut is not None:
            self._task.uncancel()
        return self.cut

    def goes_on(self) -> bool:
        """Live on after a cancellation that was just caught; says whether it may: nobody else has one."""
        self.cut = None
        return self._task.uncancel() == 0


class CallWatch:
    """All requests under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: set[Call] = set()

    @contextmanager
    def watching(self, call: Call) -> Iterator[None]:
        """Watch the request while the block runs."""
        self._calls.add(call)
        try:
            yield
        finally:
            self._calls.discard(call)

    def look(self) -> None:
        """End requests that waited too long and safe ones whose fan has left."""
        now_ms = self._clock.monotonic_ms()
        for call in self._calls:
            if call.is_safe and call.request.transport is None:
                call.end(Cut.FAN_LEFT)
            elif call.wait is not Wait.NOTHING and now_ms - call.since_ms > call.limit_ms:
                call.end(CUT_OF[call.wait])

    def give_up(self, lost: Collection[Upstream]) -> None:
        """Wait no longer for the answers of these servers where another one may be asked."""
        for call in self._calls:
            if call.is_safe and call.wait is Wait.ANSWER and call.asked in lost:
                call.end(Cut.SERVER_LOST)

    def end_streams(self) -> None:
        """End what would last for ever: its fans come back to another process."""
        for call in self._calls:
            if call.is_stream:
                call.end(Cut.STOPPING)
