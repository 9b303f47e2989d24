"""How long the wait will be: a range for each distance, from the calls as measured, and its record.

The middle of a range is how long so many calls take at the rate of the last ones: of the last minute
for a fan near the front, of the last twenty for one who is hours away. Its width is how far such
estimates have strayed in this sale so far, and before anything was measured a wide guess.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.waiting_room.line_now import LineNow
from gateway.waiting_room.promises import Promises

# Distances the wait is told for; browsers interpolate between them.
ETA_DISTANCES: Final = (
    1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000,
)  # fmt: skip
# Nobody is told less than this: a call, the cue and the press of a button take their time.
ETA_SECONDS_MIN: Final = 2
# What happens in the next hour is best told from the last half hour; a minute is little enough to
# follow a change, and twenty are as much as a sale stays like itself.
WINDOW_PART: Final = 0.5
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
# Lanes of precedence may bring as many fans as are called; even then somebody else moves at times.
HIGHER_PART_MAX: Final = 0.95


class Eta(msgspec.Struct, frozen=True):
    """The wait in seconds at one distance, at three likelihoods."""

    distance: int
    p10: int
    p50: int
    p90: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """How many were called, and joined lanes of precedence, in so much time with somebody waiting."""

    active_ms: float
    called: float
    higher: float


class CallHistory:
    """The calls of the last twenty minutes in which fans waited and the sale was to move."""

    def __init__(self) -> None:
        first = _Mark(0.0, 0.0, 0.0)
        self._fine: deque[_Mark] = deque([first], maxlen=WINDOW_MS_MIN // MARK_EVERY_MS + 1)
        self._coarse: deque[_Mark] = deque([first], maxlen=WINDOW_MS_MAX // COARSE_EVERY_MS + 1)
        self._last: tuple[int, int, int] | None = None
        self._now = first
        self._asked = 0

    def note(self, line: LineNow, asked: int) -> None:
        """Take in how the line stands. `asked` is the rate the operator asks for now, 0 when paused."""
        higher = sum(lane.called + lane.waiting for lane in line.lanes[:-1])
        last, self._last = self._last, (line.now_ms, line.called, higher)
        if asked and asked != self._asked:
            self._follow(asked, line)
        if last is None or asked == 0 or line.limit in ("demand", "paused"):
            return  # what happened meanwhile says how many came, not how fast the line moves
        passed_ms, called, joined = (now - then for now, then in zip(self._last, last, strict=True))
        if passed_ms <= 0 or called < 0:
            return  # a clock stepped back, or the count began anew with a new epoch
        now = self._now
        counted: float = called
        if now.active_ms < FILLING_MS and line.limit in ("rate", "health"):
            counted = passed_ms * line.rate_now / 60_000
        self._now = _Mark(
            now.active_ms + passed_ms, now.called + counted, now.higher + max(0, joined)
        )
        if self._now.active_ms - self._fine[-1].active_ms >= MARK_EVERY_MS:
            self._fine.append(self._now)
        if self._now.active_ms - self._coarse[-1].active_ms >= COARSE_EVERY_MS:
            self._coarse.append(self._now)

    def _follow(self, asked: int, line: LineNow) -> None:
        """Count past calls as they would have been at the rate that is asked for from now on.

        A line that was held by something else than its rate goes on as it went.
        """
        if self._asked and line.limit in ("rate", "health", "demand", "paused"):
            ratio = asked / self._asked
            for marks in (self._fine, self._coarse):
                scaled = [_Mark(each.active_ms, each.called * ratio, each.higher) for each in marks]
                marks.clear()
                marks.extend(scaled)
            now = self._now
            self._now = _Mark(now.active_ms, now.called * ratio, now.higher)
        self._asked = asked

    def per_minute(self, window_ms: float) -> float:
        """Return the calls a minute over about the last so many milliseconds with somebody waiting."""
        since = self._since(window_ms)
        active_ms = self._now.active_ms - since.active_ms
        called = max(CALLED_MIN, self._now.called - since.called)
        missing_ms = max(0.0, PRIOR_MS - self._now.active_ms)
        return (called * 60_000 + self._asked * missing_ms) / (active_ms + missing_ms)

    def higher_per_minute(self, window_ms: float) -> float:
        """Return how many a minute came into lanes of precedence."""
        since = self._since(window_ms)
        active_ms = self._now.active_ms - since.active_ms
        missing_ms = max(0.0, PRIOR_MS - self._now.active_ms)
        return (self._now.higher - since.higher) * 60_000 / (active_ms + missing_ms)

    def _since(self, window_ms: float) -> _Mark:
        begin = self._now.active_ms - window_ms
        marks = self._fine if begin >= self._fine[0].active_ms else self._coarse
        # Marks are evenly spaced, so the wanted one is found without a search.
        span = marks[-1].active_ms - marks[0].active_ms
        if span <= 0 or begin <= marks[0].active_ms:
            return marks[0]
        index = round((begin - marks[0].active_ms) / span * (len(marks) - 1))
        return marks[min(index, len(marks) - 1)]


class Waits:
    """The waits of one sale: what is told of them, and whether it held."""

    def __init__(self) -> None:
        self.history = CallHistory()
        self.promises = Promises()
        self._asked = 0

    def note(self, line: LineNow, asked: int) -> None:
        """Take in how the line stands; once a second is enough.

        What was told before the operator changed the rate, or stopped or resumed the calls, is
        neither kept nor broken.
        """
        if asked != self._asked:
            self.promises.set_aside()
        self._asked = asked
        self.history.note(line, asked)
        if line.limit == "demand":
            self.promises.set_aside()  # who comes to an empty line is called as they come
        self.promises.settle(line.now_ms, line.serving)
        if asked:
            self._promise(line)

    def table(self, line: LineNow) -> list[Eta]:
        """Return the waits up to just beyond the end of the line, empty when nothing moves.

        Distances count all who are called before, also in lanes of precedence.
        """
        if self._asked == 0:
            return []
        table: list[Eta] = []
        for distance in ETA_DISTANCES:
            eta = self._eta(distance)
            if table:
                least = table[-1]
                eta = Eta(
                    distance,
                    max(least.p10, eta.p10),
                    max(least.p50, eta.p50),
                    max(least.p90, eta.p90),
                )
            table.append(eta)
            if distance >= line.waiting:
                break
        return table

    def seconds(self, distance: int) -> float:
        """Return how long so many calls take at the rate of the last ones."""
        rate = self._rate(WINDOW_MS_MIN)
        window_ms = WINDOW_PART * (distance + 1) * 60_000 / rate
        window_ms = min(WINDOW_MS_MAX, max(WINDOW_MS_MIN, window_ms))
        return (distance + 1) * 60 / self._rate(window_ms)

    def _rate(self, window_ms: float) -> float:
        """Return the calls a minute that fans in the general line may count on."""
        called = self.history.per_minute(window_ms)
        return max(
            called - self.history.higher_per_minute(window_ms), called * (1 - HIGHER_PART_MAX)
        )

    def _eta(self, distance: int) -> Eta:
        seconds = self.seconds(distance)
        low, middle, high = self.promises.straying.factors(seconds)
        return Eta(
            distance,
            max(ETA_SECONDS_MIN, round(seconds * low)),
            max(ETA_SECONDS_MIN, round(seconds * middle)),
            max(ETA_SECONDS_MIN, round(seconds * high)),
        )

    def _promise(self, line: LineNow) -> None:
        before = line.waiting - line.general.waiting
        for distance in ETA_DISTANCES:
            if distance >= line.general.waiting:
                return
            if self.promises.is_due(distance, line.now_ms):
                seconds = self.seconds(distance + before)
                self.promises.make(distance, line.now_ms, line.serving + 1 + distance, seconds)


def eta_at(table: Sequence[Eta], distance: int) -> Eta | None:
    """Return the wait of a fan with so many ahead: straight lines between the table's rows.

    None when the table says nothing.
    """
    if not table:
        return None
    below = Eta(0, 0, 0, 0)
    for row in table:
        if row.distance >= distance:
            part = (distance - below.distance) / max(1, row.distance - below.distance)
            return _between(below, row, part, distance)
        below = row
    return _between(Eta(0, 0, 0, 0), below, distance / below.distance, distance)


def _between(below: Eta, above: Eta, part: float, distance: int) -> Eta:
    p10, p50, p90 = (
        max(ETA_SECONDS_MIN, round(low + (high - low) * part))
        for low, high in ((below.p10, above.p10), (below.p50, above.p50), (below.p90, above.p90))
    )
    return Eta(distance, p10, p50, p90)
