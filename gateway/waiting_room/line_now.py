"""What the pacing goes by and how a line stands: the two sides of call_places.lua."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

import msgspec

from gateway.waiting_room.gaps import Gap, fans_between

# What holds the calls at a moment.
Limit = Literal["rate", "health", "capacity", "stock", "demand", "paused"]


@dataclass(frozen=True, slots=True)
class StockLeft:
    """What the shop still has, and how many seats a fan inside takes, as measured."""

    seats_left: int
    seats_per_fan: float


@dataclass(frozen=True, slots=True)
class OriginAnswers:
    """What the shop answered to this process's fans since it last moved the line."""

    good: int = 0
    bad: int = 0


NO_ANSWERS = OriginAnswers()


class RoomKept(msgspec.Struct, frozen=True, array_like=True):
    """Until when room is kept for the called places up to one, after those of the row before."""

    up_to: int
    # 0: for none of them any more.
    until_ms: int


class LaneNow(msgspec.Struct, frozen=True, array_like=True):
    """How one lane stands, in the order in which the script answers."""

    lane: str
    serving: int
    last_place: int
    # Those of the places yet to be called that were never given.
    gaps: tuple[Gap, ...]
    called: int
    # In order of places; for those beyond the last row none is kept.
    kept: tuple[RoomKept, ...] = ()

    @property
    def waiting(self) -> int:
        """How many places are given and not called."""
        return self.ahead_of(self.last_place + 1)

    def ahead_of(self, place: int) -> int:
        """Return how many of the lane are to be called before a place."""
        return fans_between(self.gaps, self.serving, place)

    def kept_until_ms(self, place: int) -> int:
        """Return until when room is kept for a called place; 0 when it is not any more."""
        row = bisect_left(self.kept, place, key=lambda each: each.up_to)
        return self.kept[row].until_ms if row < len(self.kept) else 0

    @property
    def joined(self) -> int:
        """How many have ever joined."""
        return self.called + self.waiting


class LineNow(msgspec.Struct, frozen=True, array_like=True):
    """How a line stands, in the order in which the script answers. Counts are fans."""

    now_ms: int
    inside: int
    calls_open: int
    called_now: int
    # All calls ever, and how many fans have answered.
    called: int
    claimed: int
    limit: Limit
    # Tokens a minute now: the asked rate times the health of the shop.
    rate_now: int
    no_show_thousandths: int
    health_thousandths: int
    # All who ever entered; how many wait for their token, and, having come late, for room.
    admitted: int
    at_turnstile: int
    late: int
    # In order of precedence, the general line last.
    lanes: tuple[LaneNow, ...]
    # How much later visits and calls end since this step, because an outage is over.
    frozen_ms: int = 0

    @property
    def no_show(self) -> float:
        """The part of calls that nobody answers, as measured: 0 to 1."""
        return self.no_show_thousandths / 1000

    @property
    def health(self) -> float:
        """How much of the asked rate the shop bears: 0 to 1."""
        return self.health_thousandths / 1000

    def lane(self, lane_id: str) -> LaneNow:
        """Return how one of the sale's lanes stands."""
        return next(lane for lane in self.lanes if lane.lane == lane_id)

    def waiting_before(self, lane_id: str) -> int:
        """Return how many wait in the lanes that are called before this one."""
        before = takewhile(lambda lane: lane.lane != lane_id, self.lanes)
        return sum(lane.waiting for lane in before)

    @property
    def general(self) -> LaneNow:
        """The general line."""
        return self.lanes[-1]

    @property
    def serving(self) -> int:
        """The general line's serving number."""
        return self.general.serving

    @property
    def last_place(self) -> int:
        """The general line's last place."""
        return self.general.last_place

    @property
    def waiting(self) -> int:
        """How many fans wait, in all lanes."""
        return sum(lane.waiting for lane in self.lanes)
