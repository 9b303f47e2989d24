"""The status board: one document for everybody who waits, made once a second, served as ready bytes."""

import hashlib
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from gateway.draw.draw import BoardDraw
from gateway.waiting_room.eta import Eta
from gateway.waiting_room.gaps import Gap, fans_between
from gateway.waiting_room.line_now import LineNow
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.odds import Odds
from gateway.waiting_room.promises import EtaKept
from gateway.waiting_room.sales import Phase, Sale
from gateway.waiting_room.stock import EventStock
from gateway.waiting_room.told import NOTHING_TOLD, Told

# The rate is measured over this long: short enough to follow a change, long enough to be calm.
RATE_WINDOW_MS = 60_000
# Before this much was measured, the asked rate is the better guess.
RATE_WINDOW_MIN_MS = 5_000
# What the general line is called beside other lanes; pages say it in the fan's language.
GENERAL_NAME = "General"
# Polls: often when a call may come soon, seldom when there is nothing to see.
POLL_FLOOR_MS, POLL_CEILING_MS = 3_000, 30_000
# A fan polls about so many times on the way to the front.
POLLS_PER_WAIT = 30
# Spread, so that fans who came together do not ask together for ever.
POLL_JITTER_PART = 0.3


class Poll(msgspec.Struct, frozen=True):
    """When to ask again: after so long, plus a random part of the jitter."""

    after_ms: int
    jitter_ms: int


class BoardLane(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many wait in a lane and how many it has called, so that everybody sees who goes first."""

    lane: str
    name: str
    waiting: int
    called: int
    # How far it was called: a fan of this lane compares their place with it.
    serving: int
    # Places yet to be called that nobody has, the first and the last of each gap.
    gaps: tuple[Gap, ...] = ()
    # The waits of this lane, where they are told apart from those of the general line.
    eta: list[Eta] | msgspec.UnsetType = msgspec.UNSET


class RateChanged(msgspec.Struct, frozen=True):
    """The operator's last change of the rate, so that everybody sees why an estimate moved."""

    at: str
    per_minute: int


class BoardDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What everybody who waits is told: `GET /api/sales/{sale}/status`."""

    sale: str
    name: str
    phase: Phase
    opens_at: str
    serving: int
    last_place: int
    # As a lane's, of the general line.
    gaps: tuple[Gap, ...] = ()
    waiting: int
    inside: int
    rate_per_minute: float
    message: str
    pause_reason: str
    # In order of precedence, the general line last; empty when there is no other lane.
    lanes: list[BoardLane]
    # None when there is nothing to draw.
    draw: BoardDraw | None
    # Distances count all who are called before, in lanes of precedence, too. For lanes without their own.
    eta: list[Eta]
    eta_kept: EtaKept | None
    stock: list[EventStock] | None
    odds: Odds | None
    rate_changed: RateChanged | None
    poll: Poll
    events: list[str]
    seq: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Board:
    """A rendered status board: the document, its bytes, and the bytes of the stream's event."""

    document: BoardDocument
    body: bytes
    stream_event: bytes
    etag: str


def serving_in(document: BoardDocument, lane_id: str | None) -> int:
    """Return how far a lane was called; None is the general line."""
    lanes = (lane.serving for lane in document.lanes if lane.lane == lane_id)
    return next(lanes, document.serving)


def eta_in(document: BoardDocument, lane_id: str | None) -> list[Eta]:
    """Return the waits that are told in a lane; None is the general line."""
    own = (lane.eta for lane in document.lanes if lane.lane == lane_id)
    return next(own, msgspec.UNSET) or document.eta


def ahead_in(document: BoardDocument, lane_id: str | None, place: int) -> int:
    """Return how many are to be called before a place, in lanes of precedence, too."""
    gaps = (lane.gaps for lane in document.lanes if lane.lane == lane_id)
    in_lane = fans_between(next(gaps, document.gaps), serving_in(document, lane_id), place)
    return in_lane + before_lane(document, lane_id)


def before_lane(document: BoardDocument, lane_id: str | None) -> int:
    """Return how many wait in the lanes that are called before this one; None is the general line."""
    before = 0
    for lane in document.lanes:
        if lane.lane == (lane_id or GENERAL):
            break
        before += lane.waiting
    return before


class RateMeter:
    """Measures how many places a minute are really called."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def note(self, now_ms: int, called: int) -> None:
        """Take in how many were called so far."""
        if self._seen and called < self._seen[-1][1]:
            self._seen.clear()  # the count began anew with a new epoch
        self._seen.append((now_ms, called))
        while self._seen[0][0] < now_ms - RATE_WINDOW_MS:
            self._seen.popleft()

    def per_minute(self) -> float | None:
        """Return the measured rate, or None before enough was seen."""
        if not self._seen:
            return None
        (first_ms, first), (last_ms, last) = self._seen[0], self._seen[-1]
        if last_ms - first_ms < RATE_WINDOW_MIN_MS:
            return None
        return (last - first) * 60_000 / (last_ms - first_ms)


def expected_rate(measured: float | None, asked: int, waiting: int) -> float:
    """Return the fans per minute to expect.

    Without a crowd the measured rate says how few came, not how fast the line would move.
    """
    if measured is None or waiting == 0:
        return float(asked)
    return min(float(asked), measured)


def poll_policy(phase: Phase, waiting: int, rate_per_minute: float) -> Poll:
    """Return how often to ask: a part of the average wait, between floor and ceiling."""
    if phase in ("closed", "sold_out"):
        after_ms = POLL_CEILING_MS
    elif rate_per_minute <= 0:
        after_ms = 2 * POLL_FLOOR_MS
    else:
        wait_ms = waiting / 2 * 60_000 / rate_per_minute
        after_ms = round(min(POLL_CEILING_MS, max(POLL_FLOOR_MS, wait_ms / POLLS_PER_WAIT)))
    return Poll(after_ms, round(after_ms * POLL_JITTER_PART))


def board_lanes(sale: Sale, line: LineNow, told: Told) -> list[BoardLane]:
    """Return what is published of each lane, or nothing when there is but the general line."""
    if not sale.lanes:
        return []
    names = {lane.lane: lane.name for lane in sale.lanes}
    return [
        BoardLane(
            lane=lane.lane,
            name=names.get(lane.lane, GENERAL_NAME),
            waiting=lane.waiting,
            called=lane.called,
            serving=lane.serving,
            gaps=lane.gaps,
            eta=told.lane_eta.get(lane.lane) or msgspec.UNSET,
        )
        for lane in line.lanes
    ]


def rate_changed(sale: Sale) -> RateChanged | None:
    """Return when the asked rate was last changed, and to what."""
    if sale.rate_changed_at is None:
        return None
    return RateChanged(moment_text(sale.rate_changed_at), sale.rate_per_minute)


def render(
    sale: Sale, line: LineNow, measured: float | None, seq: int, told: Told = NOTHING_TOLD
) -> Board:
    """Return the board for this moment."""
    phase = sale.phase(line.now_ms)
    rate = expected_rate(measured, sale.rate_now(line.now_ms), line.waiting)
    document = BoardDocument(
        sale=sale.sale_id,
        name=sale.name,
        phase=phase,
        opens_at=moment_text(sale.opens_at),
        serving=line.serving,
        last_place=line.last_place,
        gaps=line.general.gaps,
        waiting=line.waiting,
        inside=line.inside,
        rate_per_minute=round(rate, 1),
        message=sale.message,
        pause_reason=sale.pause_reason if phase == "paused" else "",
        lanes=board_lanes(sale, line, told),
        draw=sale.draw.on_board(sale.opens_at_ms) if sale.draw else None,
        eta=told.eta,
        eta_kept=told.eta_kept,
        stock=told.stock,
        odds=told.odds,
        rate_changed=rate_changed(sale),
        poll=poll_policy(phase, line.waiting, rate),
        events=sale.event_ids,
        seq=seq,
        at_ms=line.now_ms,
    )
    body = msgspec.json.encode(document)
    return Board(
        document,
        body,
        b"event: board\nid: %d\ndata: %b\n\n" % (seq, body),
        f'"{hashlib.sha256(body).hexdigest()[:16]}"',
    )


def moment_text(at: datetime) -> str:
    """Return a moment as API answers write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
