"""The status board as the waiting page reads it: the same bytes, and the same rules as in board.js.

What a sale does not tell is null or not there at all; the page is right either way.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.waiting_room.gaps import Gap, fans_between

# The names of the phases a board may tell.
Phase = Literal["before", "open", "paused", "draining", "sold_out", "closed"]
# How likely it is that there will be something left for a fan.
Chance = Literal["likely", "uncertain", "unlikely"]

# Fewer estimates than this say little: one fan more or less would move their share by percents.
ESTIMATES_TOLD_MIN: Final = 20
# So long a change of the pace explains why an estimate moved; later everybody sees a calm one.
RATE_CHANGE_SHOWN_MS: Final = 15 * 60_000
# Boards are made every second. An older one is shown as what it is: the last one there was.
STALE_AFTER_MS: Final = 15_000
# At this few a tier is said to be nearly gone.
FEW_LEFT: Final = 50
# The lane of everybody who is in no group.
GENERAL: Final = "general"


class Eta(msgspec.Struct, frozen=True):
    """The wait in seconds with so many ahead, at three likelihoods (10, 50, 90 %)."""

    distance: float
    p10: float
    p50: float
    p90: float


class Lane(msgspec.Struct, frozen=True):
    """One lane: who waits in it and how many it has called."""

    lane: str
    name: str
    waiting: int = 0
    called: int = 0
    serving: int | None = None
    # Places that nobody has, first and last.
    gaps: tuple[Gap, ...] = ()
    # The waits in this lane; empty: those of the board.
    eta: tuple[Eta, ...] = ()


class TierLeft(msgspec.Struct, frozen=True):
    """What is left of one price tier."""

    tier: str
    name: str
    price_cents: int
    available: int


class EventLeft(msgspec.Struct, frozen=True):
    """What is left of one event."""

    event: str
    name: str
    currency: str
    available: int
    tiers: tuple[TierLeft, ...] = ()

    @property
    def price_range(self) -> tuple[int, int] | None:
        """The lowest and the highest price still to be had."""
        prices = [tier.price_cents for tier in self.tiers if tier.available > 0]
        return (min(prices), max(prices)) if prices else None


class Odds(msgspec.Struct, frozen=True):
    """With fewer than `likely` ahead a fan is likely to be served, with fewer than `uncertain` maybe."""

    likely: int
    uncertain: int

    def at(self, ahead: int) -> Chance:
        """Return the chance of a fan with so many ahead."""
        if ahead < self.likely:
            return "likely"
        return "uncertain" if ahead < self.uncertain else "unlikely"


class EtaKept(msgspec.Struct, frozen=True):
    """How many of the estimates told so far turned out right."""

    told: int
    kept: int

    @property
    def is_telling(self) -> bool:
        """Whether there are enough to speak of a share."""
        return self.told >= ESTIMATES_TOLD_MIN

    @property
    def share(self) -> float:
        """The part of them that held, cut down to whole percent: never more than is true."""
        return (100 * self.kept // self.told) / 100


class RateChanged(msgspec.Struct, frozen=True):
    """The last time somebody changed the pace, and to what."""

    at: datetime
    per_minute: float


class BeaconTold(msgspec.Struct, frozen=True):
    """The public randomness that the draw waits for, and for how long."""

    wait_seconds: int = 0


class DrawTold(msgspec.Struct, frozen=True):
    """What is known of the draw so far."""

    state: str
    commitment: str = ""
    count: int | None = None
    beacon: BeaconTold | None = None


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody who waits is told."""

    name: str
    phase: Phase
    opens_at: datetime
    at_ms: int
    serving: int = 0
    last_place: int = 0
    gaps: tuple[Gap, ...] = ()
    waiting: int = 0
    rate_per_minute: float = 0.0
    message: str = ""
    pause_reason: str = ""
    eta: tuple[Eta, ...] = ()
    draw: DrawTold | None = None
    lanes: tuple[Lane, ...] = ()
    stock: tuple[EventLeft, ...] | None = None
    odds: Odds | None = None
    eta_kept: EtaKept | None = None
    rate_changed: RateChanged | None = None

    def estimate(self, ahead: int, lane_name: str | None = None) -> Eta | None:
        """Return the wait with so many ahead: straight lines between the rows of the lane's table."""
        lane = self.lane(lane_name)
        told = lane.eta if lane and lane.eta else self.eta
        rows = sorted(told, key=lambda row: row.distance)
        if not rows:
            return None
        below = Eta(0, 0, 0, 0)
        for row in rows:
            if row.distance >= ahead:
                span = row.distance - below.distance
                return _between(below, row, (ahead - below.distance) / span if span else 1.0)
            below = row
        return _between(Eta(0, 0, 0, 0), below, ahead / below.distance if below.distance else 1.0)

    def lane(self, name: str | None) -> Lane | None:
        """Return the lane of that name, if the sale has lanes."""
        return next((lane for lane in self.lanes if lane.lane == (name or GENERAL)), None)

    def serving_in(self, lane_name: str | None) -> int:
        """Return how far a lane was called."""
        lane = None if lane_name in (None, GENERAL) else self.lane(lane_name)
        if lane is None:
            return self.serving
        return lane.called if lane.serving is None else lane.serving

    def ahead_of(self, place: int, lane_name: str | None) -> int:
        """Return how many are to be called before a place, in lanes of precedence, too."""
        lane = None if lane_name in (None, GENERAL) else self.lane(lane_name)
        gaps = lane.gaps if lane else self.gaps
        return fans_between(gaps, self.serving_in(lane_name), place) + self.waiting_before(
            lane_name
        )

    def waiting_before(self, lane_name: str | None) -> int:
        """Return how many wait in the lanes that are called before this one."""
        names = [lane.lane for lane in self.lanes]
        name = lane_name or GENERAL
        position = names.index(name) if name in names else 0
        return sum(lane.waiting for lane in self.lanes[:position])

    def stock_of(self, event_id: str) -> EventLeft | None:
        """Return what is left of an event, if the shop tells."""
        return next((left for left in self.stock or () if left.event == event_id), None)

    @property
    def is_pace_news(self) -> bool:
        """Whether the pace changed so lately that it explains an estimate."""
        if self.rate_changed is None:
            return False
        return self.at_ms - self.rate_changed.at.timestamp() * 1000 < RATE_CHANGE_SHOWN_MS


def _between(below: Eta, above: Eta, share: float) -> Eta:
    def line(low: float, high: float) -> float:
        return low + (high - low) * share

    return Eta(
        line(below.distance, above.distance),
        line(below.p10, above.p10),
        line(below.p50, above.p50),
        line(below.p90, above.p90),
    )


BOARD: Final = msgspec.json.Decoder(BoardView)
