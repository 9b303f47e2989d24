"""How long the wait will be: a range for each distance, from the calls as measured, and its record.

The middle of a range is how long so many calls take at the rate of the last ones: of the last minute
for a fan near the front, of the last twenty for one who is hours away. Its width is how far such
estimates have strayed in this sale so far, and before anything was measured a wide guess.

Each lane has waits of its own: all calls take somebody off who is ahead, less those for fans who join a
lane that is called before theirs. So nobody slows down the first lane, and all others the general line.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

import msgspec

from gateway.waiting_room.call_history import WINDOW_MS_MAX, WINDOW_MS_MIN, CallHistory
from gateway.waiting_room.gaps import place_behind
from gateway.waiting_room.line_now import LaneNow, LineNow
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.promises import EtaKept, PromiseRecord, Promises

# Distances the wait is told for; browsers interpolate between them.
ETA_DISTANCES: Final = (
    1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000,
)  # fmt: skip
# Nobody is told less than this: a call, the cue and the press of a button take their time.
ETA_SECONDS_MIN: Final = 2
# What happens in the next hour is best told from the last half hour.
WINDOW_PART: Final = 0.5
# Lanes of precedence may bring as many fans as are called; even then somebody else moves at times.
HIGHER_PART_MAX: Final = 0.95


class Eta(msgspec.Struct, frozen=True):
    """The wait in seconds at one distance, at three likelihoods."""

    distance: int
    p10: int
    p50: int
    p90: int


class WaitsRecord(PromiseRecord, frozen=True):
    """What the waits of a sale go on from after a restart: the general line's record, and each lane's."""

    lanes: dict[str, PromiseRecord] = msgspec.field(default_factory=dict)


class Waits:
    """The waits of one sale: what is told of them, and whether it held, in each lane."""

    def __init__(self) -> None:
        self.history = CallHistory()
        # What was told in the general line.
        self.promises = Promises()
        # The same in the other lanes: waits in one stray otherwise than in another.
        self.lane_promises: dict[str, Promises] = {}
        self._asked = 0

    @property
    def kept(self) -> EtaKept:
        """Return how many ranges held so far, whatever lane they were told in."""
        records = [each.record for each in (self.promises, *self.lane_promises.values())]
        return EtaKept(
            sum(each.told for each in records),
            sum(each.kept for each in records),
            sum(each.set_aside for each in records),
        )

    def to_record(self) -> WaitsRecord:
        """Return what to keep over a restart."""
        lanes = {lane: promises.to_record() for lane, promises in self.lane_promises.items()}
        general = self.promises.to_record()
        return WaitsRecord(
            general.kept, general.scores, general.level_low, general.level_high, lanes
        )

    def restore(self, record: WaitsRecord | None) -> None:
        """Go on from a record, if there is one."""
        if record is not None:
            self.promises.restore(record)
            for lane, of_lane in record.lanes.items():
                self._promises_in(lane).restore(of_lane)

    def note(self, line: LineNow, asked: int) -> None:
        """Take in how the line stands; once a second is enough.

        What was told before the operator changed the rate, or stopped or resumed the calls, is
        neither kept nor broken.
        """
        # Who comes to an empty line is called as they come.
        is_over = asked != self._asked or line.limit == "demand"
        self._asked = asked
        self.history.note(line, asked)
        before = 0
        for lane in line.lanes:
            promises = self._promises_in(lane.lane)
            if is_over:
                promises.set_aside()
            promises.settle(line.now_ms, lane.serving)
            if asked:
                self._promise(promises, line.now_ms, lane, before)
            before += lane.waiting

    def table(self, line: LineNow, lane: str = GENERAL) -> list[Eta]:
        """Return a lane's waits up to just beyond its end, empty when nothing moves.

        Distances count all who are called before, also in lanes of precedence.
        """
        if self._asked == 0:
            return []
        furthest = line.waiting_before(lane) + line.lane(lane).waiting
        table: list[Eta] = []
        for distance in ETA_DISTANCES:
            eta = self._eta(distance, lane)
            if table:
                least = table[-1]
                eta = Eta(
                    distance,
                    max(least.p10, eta.p10),
                    max(least.p50, eta.p50),
                    max(least.p90, eta.p90),
                )
            table.append(eta)
            if distance >= furthest:
                break
        return table

    def lane_tables(self, line: LineNow) -> dict[str, list[Eta]]:
        """Return the waits of all lanes but the general line."""
        return {lane.lane: self.table(line, lane.lane) for lane in line.lanes[:-1]}

    def seconds(self, distance: int, lane: str = GENERAL) -> float:
        """Return how long it takes at the rate of the last calls until so many ahead are called."""
        rate = self._rate(WINDOW_MS_MIN, lane)
        window_ms = WINDOW_PART * (distance + 1) * 60_000 / rate
        window_ms = min(WINDOW_MS_MAX, max(WINDOW_MS_MIN, window_ms))
        return (distance + 1) * 60 / self._rate(window_ms, lane)

    def _rate(self, window_ms: float, lane: str) -> float:
        """Return the calls a minute that fans in a lane may count on."""
        called = self.history.per_minute(window_ms)
        return max(
            called - self.history.before_per_minute(window_ms, lane), called * (1 - HIGHER_PART_MAX)
        )

    def _promises_in(self, lane: str) -> Promises:
        return self.promises if lane == GENERAL else self.lane_promises.setdefault(lane, Promises())

    def _eta(self, distance: int, lane: str) -> Eta:
        seconds = self.seconds(distance, lane)
        low, middle, high = self._promises_in(lane).straying.factors(seconds)
        return Eta(
            distance,
            max(ETA_SECONDS_MIN, round(seconds * low)),
            max(ETA_SECONDS_MIN, round(seconds * middle)),
            max(ETA_SECONDS_MIN, round(seconds * high)),
        )

    def _promise(self, promises: Promises, now_ms: int, lane: LaneNow, before: int) -> None:
        for distance in takewhile(lambda each: each < lane.waiting, ETA_DISTANCES):
            if promises.is_due(distance, now_ms):
                seconds = self.seconds(distance + before, lane.lane)
                place = place_behind(lane.gaps, lane.serving, distance)
                promises.make(distance, now_ms, place, seconds)


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
