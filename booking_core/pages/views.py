"""What the templates of the shop are given, one dataclass per page.

Prices and totals are integers in minor units (cents) of `currency` (ISO 4217). Points in time are
aware datetimes; `..._ms` fields are lengths in milliseconds. Texts are plain text, never HTML.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from booking_core.catalog.charges import Charge, ChargeLine

Availability = Literal["available", "few", "sold_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHead:
    """What every page of an event says about it. `category` is a plain word, "" for none.

    `time_zone` is the IANA name of the one in whose clock its beginning is told.
    """

    event_id: str
    sale_id: str
    name: str
    venue: str
    city: str
    category: str
    starts_at: datetime
    currency: str
    time_zone: str = "UTC"

    @property
    def waiting_room_url(self) -> str:
        """The waiting page of the event's sale, which then leads to this event's seats."""
        return f"/sales/{self.sale_id}?event={self.event_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCard:
    """One event in the list: prices of its cheapest and dearest tier, places left."""

    event: EventHead
    price_min: int
    price_max: int
    available: int
    availability: Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSalePage:
    """What is on sale (template on_sale.html): one page of search results.

    `query`, `city`, `category`, `date` (YYYY-MM-DD) and `price_max` (whole currency units, as
    typed) are the search as asked, "" for not asked. `cities` and `categories` are the choices.
    `page` counts from 1; `total` is how many events were found on all `pages`.
    """

    cards: tuple[EventCard, ...]
    total: int
    page: int = 1
    pages: int = 1
    query: str = ""
    city: str = ""
    category: str = ""
    date: str = ""
    price_max: str = ""
    cities: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def is_search(self) -> bool:
        """Whether anything was asked for."""
        return any((self.query, self.city, self.category, self.date, self.price_max))


@dataclass(frozen=True, slots=True, kw_only=True)
class TierLine:
    """A price tier. `color` is #rrggbb, `quantity` all places of it, `available` the free ones.

    `is_stock` is whether its places have no seats (standing), even where others have.
    """

    tier: str
    name: str
    price: int
    color: str
    quantity: int
    available: int
    is_stock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """One event (template event.html).

    `page_url` is the absolute address of this page, for the structured data of search engines.
    `seats_url` is set when the fan has a valid pass already and may go straight to the seats.
    """

    event: EventHead
    description: str
    is_seated: bool
    seats_max: int
    tiers: tuple[TierLine, ...]
    price_min: int
    price_max: int
    available: int
    availability: Availability
    page_url: str
    charges: tuple[Charge, ...] = ()
    seats_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBar:
    """What the fan holds while they look at the seats: so many places, for so long from now on."""

    reservation_id: str
    places: int
    total: int
    expires_in_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatsPage:
    """The seat picker (template seats.html).

    `plan_url` and `seats_url` are None for an event that has stock only. `seats_max` is how many
    places one fan may have. `notice` is the code of a refusal that led back here (`seats-taken`,
    `sold-out`, `over-seat-limit`, `held-long-enough`, `hold-lost`, `request-invalid`,
    `too-many-cards`), "" for none; `is_after_paying` says that it came instead of a payment.
    `quantity` and `tier` are what was asked before ("" for any tier). `held` is what the fan
    holds of this event.
    """

    event: EventHead
    tiers: tuple[TierLine, ...]
    seats_max: int
    plan_url: str | None
    seats_url: str | None
    notice: str = ""
    is_after_paying: bool = False
    quantity: int = 2
    tier: str = ""
    held: HeldBar | None = None
    charges: tuple[Charge, ...] = ()

    @property
    def charges_json(self) -> str:
        """The fees and taxes for the scripts of the page."""
        return json.dumps([asdict(charge) for charge in self.charges])

    @property
    def is_seated(self) -> bool:
        """Whether there are named seats to choose."""
        return self.plan_url is not None

    @property
    def tiers_json(self) -> str:
        """The tiers for the scripts of the page."""
        return json.dumps([asdict(tier) for tier in self.tiers])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """One line of a hold or an order. `price` is for one; seats have quantity 1 and a number.

    `tier` is the tier's name as shown; `section`, `row` and `number` are "" for stock.
    """

    tier: str
    price: int
    quantity: int = 1
    section: str = ""
    row: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPage:
    """Paying for what is held (template checkout.html).

    `charges` are the fees and taxes that `total` has in it.

    `expires_in_ms` is how long the hold lasts from now on by the server's clock, 0 when it is over
    (the page then says so). `is_extendable` is whether "more time" may still be asked for.
    `payment_methods` are the names of the payment interface; the template explains those of the
    practice provider. `idempotency_key` is the value of the hidden field for paying without
    JavaScript: new for each rendering after a decline, the same otherwise. `decline_reason` is set
    when the last attempt was declined; `problem` is the code of another refusal ("" for none).
    `now_ms` is the server's time (ms since 1970): proofs of the device key carry it. `mails_tickets`
    says that whoever gives an address gets the tickets there, too.
    """

    event: EventHead
    reservation_id: str
    lines: tuple[HeldLine, ...]
    total: int
    expires_in_ms: int
    is_extendable: bool
    payment_methods: tuple[str, ...]
    idempotency_key: str
    charges: tuple[ChargeLine, ...] = ()
    email: str = ""
    mails_tickets: bool = False
    payment_method: str = ""
    decline_reason: str = ""
    problem: str = ""
    is_practice: bool = True
    now_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLine:
    """One ticket. `code` is what the QR code says; `qr_url` the path of its SVG image."""

    ticket_id: str
    tier: str
    code: str
    qr_url: str
    section: str = ""
    row: str = ""
    number: str = ""


# "open": on its way; "refused": there is no such mailbox.
MailState = Literal["", "open", "sent", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """An order and its tickets (template order.html).

    `awaited`: the places went back on sale, and the bank may still pay. `offered`: it did, and `lines`
    are other places to decide on until `held_until`; `lost` are the ones they would be instead of.
    `release_reason` (released only) is one of the ledger's: `payment-declined`, `deadline`,
    `provider-error`, `abandoned`, `late-payment`. `next_action_url` is where the bank wants the buyer
    to confirm, "" for none. `pdf_url` is the path of all tickets in one file, "" before they exist.
    `refunded` is how much was given back. `is_card_asked` says that what is missing is a card, typed
    at `next_action_url`. `held_until` is when the payment must be done. `checkout_url` is where the
    same places may be paid another way, "" when they are held no more. `cancel_until` is set while the
    buyer may cancel, and until when. `refresh_after_seconds` is how
    often a pending order looks again without JavaScript. `mail` is what becomes of the tickets by
    e-mail, "" where none are sent.
    """

    event: EventHead
    booking_id: str
    status: Literal["pending", "awaited", "offered", "confirmed", "released", "cancelled"]
    total: int
    lines: tuple[HeldLine, ...]
    charges: tuple[ChargeLine, ...] = ()
    tickets: tuple[TicketLine, ...] = ()
    email: str = ""
    mail: MailState = ""
    pdf_url: str = ""
    next_action_url: str = ""
    release_reason: str = ""
    decline_reason: str = ""
    refunded: int = 0
    is_card_asked: bool = False
    held_until: datetime | None = None
    lost: tuple[HeldLine, ...] = ()
    cancel_until: datetime | None = None
    checkout_url: str = ""
    refresh_after_seconds: int = 5
    is_practice: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPage:
    """Asking once more before a sale is cancelled (template order_cancel.html).

    `total_left` is what the buyer gets back: all that was not given back before.
    """

    event: EventHead
    booking_id: str
    total: int
    total_left: int
    lines: tuple[HeldLine, ...]
    cancel_until: datetime
    charges: tuple[ChargeLine, ...] = ()
