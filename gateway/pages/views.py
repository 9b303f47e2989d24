"""What the templates of the front tier are given: `waiting_room.html` gets a WaitingPage."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Literal

from gateway.pages.board_view import (
    BOARD,
    FEW_LEFT,
    GENERAL,
    STALE_AFTER_MS,
    BoardView,
    Chance,
    Eta,
    Lane,
    Phase,
)

# What the waiting page shows; the browser switches between the same names.
Stage = Literal[
    "before",  # the sale has not opened, the fan has not joined
    "entered",  # the sale has not opened, the fan has an entry number
    "open",  # the sale is open, the fan has not joined
    "drawing",  # it is past the opening, the fan has an entry number whose place is not known yet
    "waiting",  # the fan has a place in line that was not called
    "called",  # it is the fan's turn
    "inside",  # the fan has an admission pass
    "moved",  # the place went on to another device
    "refused",  # a bot check failed, of a fan who is not in line
    "full",  # draining: nobody new is taken in
    "sold_out",
    "closed",
]

# Whether a sale asks for mailboxes: not at all, of this browser, or this one has confirmed one.
MailboxState = Literal["", "wanted", "confirmed"]
# How long the page with the join form stands still without JavaScript: long enough to read it.
RELOAD_JOIN_SECONDS: Final = 60
# The stages of a fan who has something to keep, and may send an access code.
IN_LINE: Final[tuple[Stage, ...]] = ("entered", "drawing", "waiting")
# The steps of a fan, and which of them each stage is in.
STEP_OF: Final[dict[Stage, str]] = {
    "before": "join",
    "open": "join",
    "refused": "join",
    "entered": "draw",
    "drawing": "draw",
    "waiting": "wait",
    "called": "turn",
    "inside": "choose",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEvent:
    """One event of the sale. `starts_at` is an aware datetime, told in the clock of `time_zone`."""

    event_id: str
    name: str
    venue: str
    city: str
    starts_at: datetime
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of the sale's brand: its address and its size in pixels."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandView:
    """How a sale looks: a stylesheet with its colours, a logo, a picture; "" and None: ours."""

    stylesheet_url: str = ""
    logo: Picture | None = None
    image: Picture | None = None


@dataclass(frozen=True, kw_only=True)
class WaitingPage:
    """The waiting page of one sale, for one fan (template waiting_room.html).

    `board_json` is the status board exactly as GET status answers it, as text; `board` is read out
    of it, so that the page and its scripts start from the same bytes. `sale_id` is a slug.

    From the fan's ticket: `entry_number` (before the draw) and `place` (both None without a
    ticket), `lane` (None: the general line), `serving_at_join` (0 if not known).
    `is_from_draw` says that the place came out of the draw. `ahead` is computed: fans to be called
    before this one, those in lanes of precedence, too.

    From the fan's pass: `go_to` is the path to the seats while a pass is valid, else "".

    `now_ms` is the server's time (ms since 1970). `wait_token` is the value of the hidden field of
    the form that joins without JavaScript. `refusal` is the `reason` of a failed bot check, "" for
    none. `answer_ms` is how long room is kept for a called fan; `claim_within_ms` how much of that
    is left to this one (0: it is not kept any more, None: unknown). `refresh_after_seconds` is how
    often the page of a waiting fan loads itself again without JavaScript. `event_id` is the event
    the fan came for (`?event=`), "" for none: it goes along to the admission, which leads to that
    event's seats.
    `is_moved` tells a device that its place is another's by now.
    `wants_access_code` shows a field for an access code in the join form. `mailbox` is "wanted" where
    nobody joins before they have confirmed one.
    """

    sale_id: str
    now_ms: int
    board_json: str
    wait_token: str
    entry_number: int | None = None
    place: int | None = None
    lane: str | None = None
    is_from_draw: bool = False
    is_moved: bool = False
    serving_at_join: int = 0
    go_to: str = ""
    refusal: str = ""
    answer_ms: int = 0
    claim_within_ms: int | None = None
    refresh_after_seconds: int = 20
    wants_access_code: bool = False
    mailbox: MailboxState = ""
    event_id: str = ""
    events: tuple[RoomEvent, ...] = ()
    brand: BrandView = BrandView()

    @cached_property
    def board(self) -> BoardView:
        """The status board."""
        return BOARD.decode(self.board_json)

    @property
    def phase(self) -> Phase:
        """Where the sale stands."""
        return self.board.phase

    @property
    def opens_in_ms(self) -> int:
        """Milliseconds until the sale opens, 0 once it has."""
        return max(0, round(self.board.opens_at.timestamp() * 1000) - self.now_ms)

    @property
    def is_stale(self) -> bool:
        """Whether the board is one of before: then the page says so instead of promising."""
        return self.phase != "closed" and self.now_ms - self.board.at_ms > STALE_AFTER_MS

    @property
    def few_left(self) -> int:
        """At fewer a tier is said to be nearly gone."""
        return FEW_LEFT

    @property
    def serving(self) -> int:
        """How far the fan's lane was called."""
        return self.board.serving_in(self.lane)

    @property
    def ahead(self) -> int | None:
        """Fans to be called before this one, in lanes of precedence, too; None without a place."""
        if self.place is None:
            return None
        return self.board.ahead_of(self.place, self.lane)

    @property
    def eta(self) -> Eta | None:
        """How long the wait will still be; None if that is not known."""
        return None if self.ahead is None else self.board.estimate(self.ahead, self.lane)

    @property
    def chance(self) -> Chance | None:
        """How likely it is that there will be something left; None if nobody knows."""
        if self.board.odds is None or self.ahead is None:
            return None
        return self.board.odds.at(self.ahead)

    @property
    def in_priority_lane(self) -> Lane | None:
        """The lane of a fan who is called before the general line."""
        return None if self.lane in (None, GENERAL) else self.board.lane(self.lane)

    @property
    def progress(self) -> float:
        """How far the line has come towards this fan's place, 0 to 1."""
        if self.place is None:
            return 0.0
        length = self.place - self.serving_at_join
        return 1.0 if length <= 0 else min(1.0, (self.serving - self.serving_at_join) / length)

    @property
    def has_draw_step(self) -> bool:
        """Whether a draw lies before this fan: who comes after the opening joins the end."""
        is_early = self.phase == "before" or self.entry_number is not None
        return self.board.draw is not None and is_early

    @property
    def step(self) -> str:
        """The step the fan is at, "" when the way has ended."""
        return STEP_OF.get(self.stage, "")

    @property
    def is_refused_in_line(self) -> bool:
        """Whether a bot check failed of a fan who keeps what they have: it is told beside that."""
        return bool(self.refusal) and self.stage in IN_LINE

    @property
    def is_turn(self) -> bool:
        """Whether the fan may go in: in a pause, and until a postponed opening, nobody may."""
        return self.stage == "called" and self.phase in ("open", "draining")

    @property
    def heading(self) -> str:
        """The stage, or what keeps a called fan out, as the page's title and heading name it."""
        if self.stage != "called" or self.is_turn:
            return self.stage
        return "paused" if self.phase == "paused" else "before"

    @property
    def reload_after_seconds(self) -> int:
        """When the page loads itself again without JavaScript; 0 for never."""
        is_kept_out = self.stage == "called" and not self.is_turn
        if self.stage in ("entered", "drawing", "waiting") or is_kept_out:
            return self.refresh_after_seconds
        if self.stage == "called" and self.claim_within_ms:
            # The clock moves by that alone, and in its end it says so.
            return min(self.refresh_after_seconds, self.claim_within_ms // 1000 + 1)
        if self.stage in ("before", "open", "full"):
            # The join form needs its page to stand still for the ten seconds of its check.
            if not 0 < self.opens_in_ms < RELOAD_JOIN_SECONDS * 1000:
                return RELOAD_JOIN_SECONDS
            return max(self.refresh_after_seconds, self.opens_in_ms // 1000 + 1)
        return RELOAD_JOIN_SECONDS if self.stage == "sold_out" else 0  # places may come back

    @property
    def stage(self) -> Stage:
        """Which part of the page is shown."""
        if self.go_to:
            return "inside"
        if self.is_moved:
            return "moved"
        if self.phase == "closed" or self.phase == "sold_out":
            return self.phase
        if self.place is not None:
            return "called" if self.place <= self.serving else "waiting"
        if self.entry_number is not None:
            return "entered" if self.phase == "before" and self.opens_in_ms else "drawing"
        if self.refusal:
            return "refused"
        if self.phase == "draining":
            return "full"
        return "before" if self.phase == "before" else "open"
