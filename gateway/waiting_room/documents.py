"""What the waiting room's calls answer, as types: the published document is written from these."""

import msgspec

from gateway.draw.order import Share
from gateway.draw.receipts import Receipt
from gateway.waiting_room.joining import TicketGiven
from gateway.waiting_room.sales import Phase


class TicketDocument(msgspec.Struct, frozen=True):
    """A ticket for the line, and what it says: a place, or before the opening an entry number."""

    ticket: str
    fan_id: str
    place: int | None
    entry_number: int | None
    lane: str | None
    phase: Phase


class EtaRange(msgspec.Struct, frozen=True):
    """The wait in seconds, at three likelihoods."""

    p10: int
    p50: int
    p90: int


class PlaceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fan stands. A new ticket comes along when theirs was renewed, a receipt after a draw.

    `claim_within_ms` is how much longer room is kept for a called fan; with 0 it is not any more, and
    they are let in as soon as there is room. It is missing before the call and while nobody knows.
    `eta` is nothing but zeros for a called fan with room, and null while nobody knows: before the opening,
    while the sale is paused, and for who came too late for their room.
    `shares` is what their entry shares with others of a cluster, if it does.
    """

    place: int | None
    entry_number: int | None
    lane: str | None
    ahead: int | None
    eta: EtaRange | None
    phase: Phase
    called: bool
    claim_within_ms: int | msgspec.UnsetType = msgspec.UNSET
    receipt: Receipt | msgspec.UnsetType = msgspec.UNSET
    shares: Share | msgspec.UnsetType = msgspec.UNSET
    ticket: str | msgspec.UnsetType = msgspec.UNSET


class AdmissionDocument(msgspec.Struct, frozen=True, rename={"admission": "pass"}):
    """An admission pass, until when it is good, and where to go with it."""

    admission: str
    expires_at: str
    go_to: str


class MoveLinkDocument(msgspec.Struct, frozen=True):
    """A link that moves a place: its token, the page that takes it, the same to scan."""

    link: str
    url: str
    qr: str
    expires_at: str


def ticket_document(given: TicketGiven) -> TicketDocument:
    """Return what a fan is told with a ticket."""
    return TicketDocument(
        ticket=given.text,
        fan_id=given.claims.fan_id,
        place=given.claims.place,
        entry_number=given.claims.entry_number,
        lane=given.claims.lane,
        phase=given.phase,
    )
