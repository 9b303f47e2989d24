"""What the templates of the shop's mails are given."""

from dataclasses import dataclass

from booking_core.catalog.charges import ChargeLine
from booking_core.pages.views import EventHead, HeldLine


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketsMail:
    """The tickets of a sold order (template mail_tickets.txt); they are attached as one PDF.

    `charges` are the fees and taxes that `total` has in it.
    """

    event: EventHead
    booking_id: str
    order_url: str
    lines: tuple[HeldLine, ...]
    total: int
    charges: tuple[ChargeLine, ...] = ()
