"""The calls of a sale as they were measured: how fast they come, and who joins before whom."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.waiting_room.line_now import LineNow

# A minute is little enough to follow a change, and twenty are as much as a sale stays like itself.
WINDOW_MS_MIN, WINDOW_MS_MAX = 60_000, 20 * 60_000
# Until so much was measured, the asked rate stands for what is missing.
PRIOR_MS: Final = 15_000
# At first many are called at once, so that some are always on their way: that says nothing of later.
# For so long they are counted as if all came: who does not is not known yet, and a wait that turns out
# shorter harms nobody.
FILLING_MS: Final = 60_000
# When nobody was called for long, the wait is not endless: somebody may be called any moment.
CALLED_MIN: Final = 0.5
# One mark a second for the shortest window, then one in ten seconds for the longest.
MARK_EVERY_MS: Final = 1_000
COARSE_EVERY_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Mark:
    """How many were called in so much time with somebody waiting, and how many joined before whom."""

    active_ms: float
    called: float
    # For each lane but the first, which nobody goes before: the joins into the lanes before it.
    before: Mapping[str, float]


class CallHistory:
    """The calls of the last twenty minutes in which fans waited and the sale was to move."""

    def __init__(self) -> None:
        first = _Mark(0.0, 0.0, {})
        self._fine: deque[_Mark] = deque([first], maxlen=WINDOW_MS_MIN // MARK_EVERY_MS + 1)
        self._coarse: deque[_Mark] = deque([first], maxlen=WINDOW_MS_MAX // COARSE_EVERY_MS + 1)
        self._last: LineNow | None = None
        self._now = first
        self._asked = 0

    def note(self, line: LineNow, asked: int) -> None:
        """Take in how the line stands. `asked` is the rate the operator asks for now, 0 when paused."""
        last, self._last = self._last, line
        if asked and asked != self._asked:
            self._follow(asked, line)
        if last is None or asked == 0 or line.limit in ("demand", "paused"):
            return  # what happened meanwhile says how many came, not how fast the line moves
        passed_ms, called = line.now_ms - last.now_ms, line.called - last.called
        if passed_ms <= 0 or called < 0:
            return  # a clock stepped back, or the count began anew with a new epoch
        now = self._now
        counted: float = called
        if now.active_ms < FILLING_MS and line.limit in ("rate", "health"):
            counted = passed_ms * line.rate_now / 60_000
        self._now = _Mark(
            now.active_ms + passed_ms, now.called + counted, self._joined_before(last, line)
        )
        if self._now.active_ms - self._fine[-1].active_ms >= MARK_EVERY_MS:
            self._fine.append(self._now)
        if self._now.active_ms - self._coarse[-1].active_ms >= COARSE_EVERY_MS:
            self._coarse.append(self._now)

    def _joined_before(self, last: LineNow, line: LineNow) -> Mapping[str, float]:
        """Return how many joined before each lane, now that the line stands so."""
        known = self._now.before
        if len(line.lanes) == 1:
            return known
        then = {lane.lane: lane.joined for lane in last.lanes}
        before: dict[str, float] = {}
        joined = 0
        for earlier, lane in pairwise(line.lanes):
            joined += max(0, earlier.joined - then.get(earlier.lane, earlier.joined))
            before[lane.lane] = known.get(lane.lane, 0.0) + joined
        return before

    def _follow(self, asked: int, line: LineNow) -> None:
        """Count past calls as they would have been at the rate that is asked for from now on.

        A line that was held by something else than its rate goes on as it went.
        """
        if self._asked and line.limit in ("rate", "health", "demand", "paused"):
            ratio = asked / self._asked
            for marks in (self._fine, self._coarse):
                scaled = [_Mark(each.active_ms, each.called * ratio, each.before) for each in marks]
                marks.clear()
                marks.extend(scaled)
            now = self._now
            self._now = _Mark(now.active_ms, now.called * ratio, now.before)
        self._asked = asked

    def per_minute(self, window_ms: float) -> float:
        """Return the calls a minute over about the last so many milliseconds with somebody waiting."""
        since = self._since(window_ms)
        active_ms = self._now.active_ms - since.active_ms
        called = max(CALLED_MIN, self._now.called - since.called)
        missing_ms = max(0.0, PRIOR_MS - self._now.active_ms)
        return (called * 60_000 + self._asked * missing_ms) / (active_ms + missing_ms)

    def before_per_minute(self, window_ms: float, lane: str) -> float:
        """Return how many a minute joined the lanes that are called before this one."""
        since = self._since(window_ms)
        active_ms = self._now.active_ms - since.active_ms
        missing_ms = max(0.0, PRIOR_MS - self._now.active_ms)
        joined = self._now.before.get(lane, 0.0) - since.before.get(lane, 0.0)
        return joined * 60_000 / (active_ms + missing_ms)

    def _since(self, window_ms: float) -> _Mark:
        begin = self._now.active_ms - window_ms
        marks = self._fine if begin >= self._fine[0].active_ms else self._coarse
        # Marks are evenly spaced, so the wanted one is found without a search.
        span = marks[-1].active_ms - marks[0].active_ms
        if span <= 0 or begin <= marks[0].active_ms:
            return marks[0]
        index = round((begin - marks[0].active_ms) / span * (len(marks) - 1))
        return marks[min(index, len(marks) - 1)]
