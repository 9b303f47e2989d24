"""Counts that are told to the file the processes share once a second: a thousand cost no more than one."""

import asyncio
import time
from bisect import bisect_right
from typing import Final

from prometheus_client import Counter, Histogram

# No scrape comes more often than this.
TOLD_EVERY_SECONDS: Final = 1.0


class Observed:
    """Values that a histogram is told of later: any number of them at the cost of a few."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        # The library has no public names for these; tests hold this to what `observe` does.
        self._bounds = histogram._upper_bounds  # noqa: SLF001
        self._values: list[float] = []

    def add(self, value: float) -> None:
        """Take in a value. Needs a running loop."""
        if not self._values:
            _waiting.see_to_it()
        self._values.append(value)

    def hand_over(self) -> None:
        """Tell the histogram."""
        values, self._values = self._values, []
        if not values:
            return
        values.sort()
        self._histogram._sum.inc(sum(values))  # noqa: SLF001
        told = 0
        for bound, bucket in zip(self._bounds, self._histogram._buckets, strict=True):  # noqa: SLF001
            upto = bisect_right(values, bound)
            if upto > told:
                bucket.inc(upto - told)
                told = upto


def observe_many(histogram: Histogram, value: float, count: int) -> None:
    """Observe the same value so many times, at the cost of once."""
    histogram._sum.inc(value * count)  # noqa: SLF001
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):  # noqa: SLF001
        if value <= bound:
            bucket.inc(count)
            return


class CountedSoon:
    """A count of which a counter is told within TOLD_EVERY_SECONDS; adding to it needs a running loop."""

    __slots__ = ("_count", "_counter")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._count = 0

    def add(self, by: int = 1) -> None:
        """Count one, or so many."""
        if not self._count and by:
            _waiting.counted.append(self)
            _waiting.see_to_it()
        self._count += by

    def hand_over(self) -> None:
        """Tell the counter."""
        count, self._count = self._count, 0
        self._counter.inc(count)


Labels = tuple[str, ...]


class _Waiting:
    """What this process has counted and not told yet."""

    def __init__(self) -> None:
        self.counts: dict[tuple[Counter, Labels], CountedSoon] = {}
        self.counted: list[CountedSoon] = []
        self.observed: dict[tuple[Histogram, Labels], Observed] = {}
        # On which loop telling is due; a loop that was closed before tells nothing.
        self.loop: asyncio.AbstractEventLoop | None = None
        self.timer: asyncio.TimerHandle | None = None

    def see_to_it(self) -> None:
        # Asking for the running loop costs a call of the kernel, so it is not asked for each count.
        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.get_running_loop()
            self.timer = self.loop.call_later(TOLD_EVERY_SECONDS, tell_counts)


_waiting: Final = _Waiting()


def count_soon(counter: Counter, *labels: str, by: int = 1) -> None:
    """Count within TOLD_EVERY_SECONDS. Needs a running loop."""
    counted = _waiting.counts.get((counter, labels))
    if counted is None:
        child = counter.labels(*labels) if labels else counter
        counted = _waiting.counts[counter, labels] = CountedSoon(child)
    counted.add(by)


def observe_soon(histogram: Histogram, *labels: str, value: float) -> None:
    """Observe a value within TOLD_EVERY_SECONDS. Needs a running loop."""
    observed_soon(histogram, *labels).add(value)


def observed_soon(histogram: Histogram, *labels: str) -> Observed:
    """Return where values wait until they are told together with what is counted soon."""
    observed = _waiting.observed.get((histogram, labels))
    if observed is None:
        child = histogram.labels(*labels) if labels else histogram
        observed = _waiting.observed[histogram, labels] = Observed(child)
    return observed


class TimedSoon:
    """Observes within TOLD_EVERY_SECONDS how many seconds a block took, however it ended."""

    __slots__ = ("_began", "_observed")

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._observed.add(time.perf_counter() - self._began)


def tell_counts() -> None:
    """Count what waits now: before a scrape, and when the process stops."""
    if _waiting.timer is not None:
        _waiting.timer.cancel()
    _waiting.timer = _waiting.loop = None
    # Taken first: what cannot be told once is not told twice either. The rest is told the next time.
    counted, _waiting.counted = _waiting.counted, []
    while counted:
        try:
            counted.pop().hand_over()
        except BaseException:
            _waiting.counted += counted
            raise
    for observed in _waiting.observed.values():
        observed.hand_over()
