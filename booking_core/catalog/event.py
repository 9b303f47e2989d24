"""What the catalogue knows of an event, and what somebody must say to put one on sale."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from babel.numbers import is_currency

from booking_core.catalog.charges import Charge, charge_problems
from booking_core.catalog.refusals import EventRefused
from groundwork.zones import is_time_zone

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CURRENCY: Final = re.compile(r"[A-Z]{3}")
COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
NAME_LENGTH_MAX: Final = 200  # one line on a ticket
DESCRIPTION_LENGTH_MAX: Final = 10_000  # a page; all of it is searched
PRICE_MAX: Final = 1_000_000_000  # ten million of a currency with cents: a slipped digit, no price
STOCK_MAX: Final = 1_000_000
STOCK_TIERS_MAX: Final = 64
TIER_LENGTH_MAX: Final = 64
SEATS_MAX_MAX: Final = 100  # as in events.seats_max
YEARS: Final = (2000, 2200)  # what a form can mean, and a page can show
CANCEL_MINUTES_MAX: Final = 5_256_000  # ten years, as in events.cancel_minutes
STOCK_COLOR: Final = "#6b7280"
# When so little of the whole is left, a fan is told that it is few.
FEW_SHARE: Final = 0.1

Availability = Literal["available", "few", "sold_out"]


@dataclass(frozen=True, slots=True)
class StockTier:
    """Places that are not told apart: how many, and the price of one in minor units."""

    tier: str
    name: str
    price: int
    quantity: int
    color: str = STOCK_COLOR


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """What an event is made from. `starts_at` is an aware datetime, `currency` ISO 4217.

    With the orphan rule, nobody may leave a single seat alone if the row offers another choice. Until
    `cancel_minutes` before it begins fans may cancel what they bought; None: never. Pages, mails and
    tickets tell its beginning in the clock of `time_zone`, a name of IANA.
    """

    event_id: str
    sale_id: str
    name: str
    starts_at: datetime
    currency: str
    venue: str = ""
    city: str = ""
    category: str = ""
    description: str = ""
    seats_max: int = 8
    has_orphan_rule: bool = False
    cancel_minutes: int | None = None
    time_zone: str = "UTC"
    charges: tuple[Charge, ...] = ()
    stock: tuple[StockTier, ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    """A price tier of an event; `quantity` is all of its places, sold or not."""

    tier: str
    name: str
    price: int
    color: str
    quantity: int
    is_stock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it is on sale; its tiers in the order they are shown."""

    event_id: str
    sale_id: str
    name: str
    venue: str
    city: str
    category: str
    description: str
    starts_at: datetime
    currency: str
    seats_max: int
    has_orphan_rule: bool
    is_seated: bool
    tiers: tuple[Tier, ...]
    cancel_minutes: int | None = None
    time_zone: str = "UTC"
    charges: tuple[Charge, ...] = ()
    # Of one place of each tier, in minor units.
    prices: Mapping[str, int] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prices", {tier.tier: tier.price for tier in self.tiers})

    @property
    def cancel_until(self) -> datetime | None:
        """Until when fans may cancel by themselves, None for never."""
        if self.cancel_minutes is None:
            return None
        return self.starts_at - timedelta(minutes=self.cancel_minutes)

    @property
    def price_min(self) -> int:
        """The lowest price in minor units, 0 without any tier."""
        return min((tier.price for tier in self.tiers), default=0)

    @property
    def price_max(self) -> int:
        """The highest price in minor units, 0 without any tier."""
        return max((tier.price for tier in self.tiers), default=0)

    @property
    def quantity(self) -> int:
        """All places, sold or not."""
        return sum(tier.quantity for tier in self.tiers)


def availability_of(available: int, quantity: int) -> Availability:
    """Return the word for so many left of so many."""
    if available <= 0:
        return "sold_out"
    return "few" if available <= quantity * FEW_SHARE else "available"


def check_draft(draft: EventDraft) -> None:
    """Raise EventRefused naming every field of the draft that breaks a rule."""
    problems = [
        *_draft_problems(draft), *charge_problems(draft.charges), *_stock_problems(draft.stock),
    ]  # fmt: skip
    if problems:
        raise EventRefused(*problems)


def price_problem(price: int) -> str | None:
    """Return what is wrong with a price, None when nothing is."""
    if isinstance(price, bool) or not isinstance(price, int):
        return "must be a whole number of minor units"
    if not 0 <= price <= PRICE_MAX:
        return f"must be 0 to {PRICE_MAX} minor units, is {price}"
    return None


def time_zone_problem(name: str) -> str | None:
    """Return what is wrong with the name of a time zone, None when nothing is."""
    if is_time_zone(name):
        return None
    return f"must be a time zone of IANA such as Europe/Berlin, is {name!r}"


def _draft_problems(draft: EventDraft) -> Iterator[tuple[str, str]]:
    for field in ("event_id", "sale_id"):
        if not SLUG.fullmatch(getattr(draft, field)):
            yield field, "must be 1 to 63 small letters, digits and hyphens, not a hyphen first"
    if not draft.name.strip():
        yield "name", "must not be empty"
    for field in ("name", "venue", "city", "category"):
        text = getattr(draft, field)
        if len(text) > NAME_LENGTH_MAX or (text and not text.isprintable()):
            yield field, f"must be at most {NAME_LENGTH_MAX} printable characters"
    if len(draft.description) > DESCRIPTION_LENGTH_MAX or "\0" in draft.description:
        yield "description", f"must be at most {DESCRIPTION_LENGTH_MAX} characters of text"
    if draft.starts_at.utcoffset() is None:
        yield "starts_at", "must say its time zone"
    elif not YEARS[0] <= draft.starts_at.year <= YEARS[1]:
        yield "starts_at", f"must be in the years {YEARS[0]} to {YEARS[1]}"
    if problem := time_zone_problem(draft.time_zone):
        yield "time_zone", problem
    if not CURRENCY.fullmatch(draft.currency) or not is_currency(draft.currency):
        yield "currency", f"must be an ISO 4217 code such as EUR, is {draft.currency!r}"
    if draft.cancel_minutes is not None and not 0 <= draft.cancel_minutes <= CANCEL_MINUTES_MAX:
        yield "cancel_minutes", f"must be 0 to {CANCEL_MINUTES_MAX}, is {draft.cancel_minutes}"
    if not 1 <= draft.seats_max <= SEATS_MAX_MAX:
        yield "seats_max", f"must be 1 to {SEATS_MAX_MAX}, is {draft.seats_max}"


def _stock_problems(stock: tuple[StockTier, ...]) -> Iterator[tuple[str, str]]:
    if len(stock) > STOCK_TIERS_MAX:
        yield "stock", f"must be at most {STOCK_TIERS_MAX} tiers"
    seen: set[str] = set()
    for index, tier in enumerate(stock):
        field = f"stock[{index}]"
        if tier.tier in seen:
            yield f"{field}.tier", f"repeats the tier {tier.tier!r}"
        seen.add(tier.tier)
        for label, text in (("tier", tier.tier), ("name", tier.name)):
            if not 1 <= len(text) <= TIER_LENGTH_MAX or not text.isprintable():
                yield f"{field}.{label}", f"must be 1 to {TIER_LENGTH_MAX} printable characters"
        if problem := price_problem(tier.price):
            yield f"{field}.price", problem
        if not 0 <= tier.quantity <= STOCK_MAX:
            yield f"{field}.quantity", f"must be 0 to {STOCK_MAX}, is {tier.quantity}"
        if not COLOR.fullmatch(tier.color):
            yield f"{field}.color", "must be a colour such as #1f6feb"


def starts_at_text(starts_at: datetime) -> str:
    """Return the moment as RFC 3339 in UTC, to the second."""
    utc = starts_at - (starts_at.utcoffset() or timedelta())
    return utc.replace(tzinfo=None, microsecond=0).isoformat() + "Z"
