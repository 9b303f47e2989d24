"""Where a ticket's fan stands: what the ticket says, or what the draw made of its entry."""

from gateway.draw.draw import Draw
from gateway.draw.order import Share
from gateway.waiting_room.sales import Phase
from groundwork.tokens import TicketClaims


def place_of(ticket: TicketClaims, phase: Phase, draw: Draw | None) -> int | None:
    """Return the fan's place, or None before the opening or the draw has given it."""
    if ticket.place is not None or ticket.entry_number is None:
        return ticket.place
    if draw is None:
        return None if phase == "before" else ticket.entry_number
    return draw.place_of(ticket.entry_number, ticket.entered_as or ticket.fan_id)


def share_of(ticket: TicketClaims, draw: Draw | None) -> Share | None:
    """Return what the fan's entry shares with others of a cluster, if the draw is made and it does."""
    if draw is None or ticket.entry_number is None or ticket.place is not None:
        return None
    return draw.share_of(ticket.entry_number)
