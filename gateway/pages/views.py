"""What the templates of the front tier are given: `waiting_room.html` gets a WaitingPage."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

# What the waiting page shows; the browser switches between the same names.
Stage = Literal[
    "before",  # the sale has not opened, the fan has not joined
    "entered",  # the sale has not opened, the fan has an entry number
    "open",  # the sale is open, the fan has not joined
    "drawing",  # the sale is open, the fan has an entry number whose place is not known yet
    "waiting",  # the fan has a place in line that was not called
    "called",  # it is the fan's turn
    "inside",  # the fan has an admission pass
    "refused",  # a bot check failed
    "full",  # draining: nobody new is taken in
    "sold_out",
    "closed",
]
Phase = Literal["before", "open", "paused", "draining", "sold_out", "closed"]


# How long the page with the join form stands still without JavaScript: long enough to read it.
RELOAD_JOIN_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEvent:
    """One event of the sale. `starts_at` is an aware datetime."""

    event_id: str
    name: str
    venue: str
    city: str
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """How long the wait will still be, in whole seconds, at three likelihoods (10, 50, 90 %)."""

    p10: int
    p50: int
    p90: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPage:
    """The waiting page of one sale, for one fan (template waiting_room.html).

    From the sale and its status board: `sale_id` (slug), `name`, `phase`, `opens_at` (aware
    datetime), `serving` and `last_place` (places in line, 0 before the first), `waiting` (fans),
    `rate_per_minute` (fans admitted per minute, as measured), `message` and `pause_reason` (plain
    text of the operator, "" for none), `at_ms` (when the board was made, milliseconds since 1970),
    `board_json` (the status board exactly as GET status answers it, as text).

    From the fan's ticket: `entry_number` (before the draw) and `place` (both None without a
    ticket), `serving_at_join` (the serving number when the fan joined; 0 if not known), `eta`
    (None if not known). `ahead` is computed: fans to be called before this one.

    From the fan's pass: `go_to` is the path to the seats while a pass is valid, else "".

    `now_ms` is the server's time (ms since 1970). `wait_token` is the value of the hidden field of
    the form that joins without JavaScript. `refusal` is the `reason` of a failed bot check, "" for
    none. `claim_within_ms` is how long a called place stays claimable from now on (None: unknown).
    `refresh_after_seconds` is how often the page of a waiting fan loads itself again without
    JavaScript. `event_id` is the event the fan came for (`?event=`), "" for none: it goes along to
    the admission, which leads to that event's seats.
    `wants_access_code` shows a field for an access code in the join form.
    """

    sale_id: str
    name: str
    phase: Phase
    opens_at: datetime
    now_ms: int
    at_ms: int
    board_json: str
    wait_token: str
    serving: int = 0
    last_place: int = 0
    waiting: int = 0
    rate_per_minute: float = 0.0
    message: str = ""
    pause_reason: str = ""
    entry_number: int | None = None
    place: int | None = None
    serving_at_join: int = 0
    eta: Eta | None = None
    go_to: str = ""
    refusal: str = ""
    claim_within_ms: int | None = None
    refresh_after_seconds: int = 20
    wants_access_code: bool = False
    event_id: str = ""
    events: tuple[RoomEvent, ...] = ()

    @property
    def opens_in_ms(self) -> int:
        """Milliseconds until the sale opens, 0 once it has."""
        return max(0, round(self.opens_at.timestamp() * 1000) - self.now_ms)

    @property
    def ahead(self) -> int | None:
        """Fans to be called before this one; None without a place."""
        return None if self.place is None else max(0, self.place - self.serving - 1)

    @property
    def progress(self) -> float:
        """How far the line has come towards this fan's place, 0 to 1."""
        if self.place is None:
            return 0.0
        length = self.place - self.serving_at_join
        return 1.0 if length <= 0 else min(1.0, (self.serving - self.serving_at_join) / length)

    @property
    def reload_after_seconds(self) -> int:
        """When the page loads itself again without JavaScript; 0 for never."""
        if self.stage in ("entered", "drawing", "waiting"):
            return self.refresh_after_seconds
        if self.stage in ("before", "open", "full"):
            # The join form needs its page to stand still for the ten seconds of its check.
            if not 0 < self.opens_in_ms < RELOAD_JOIN_SECONDS * 1000:
                return RELOAD_JOIN_SECONDS
            return max(self.refresh_after_seconds, self.opens_in_ms // 1000 + 1)
        return 0

    @property
    def stage(self) -> Stage:
        """Which part of the page is shown."""
        if self.go_to:
            return "inside"
        if self.phase == "closed" or self.phase == "sold_out":
            return self.phase
        if self.refusal:
            return "refused"
        if self.place is not None:
            return "called" if self.place <= self.serving else "waiting"
        if self.entry_number is not None:
            return "entered" if self.phase == "before" else "drawing"
        if self.phase == "draining":
            return "full"
        return "before" if self.phase == "before" else "open"
