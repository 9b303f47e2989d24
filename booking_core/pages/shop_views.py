"""From the shop's own values to what its templates show."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from booking_core.catalog.api import read_search
from booking_core.catalog.event import Event
from booking_core.catalog.search import FoundEvent, Search
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.ledger.order import IssuedTicket, Order, OrderLine
from booking_core.pages.views import EventCard, EventHead, HeldLine, TicketLine, TierLine
from booking_core.seats.hold import Hold
from groundwork.errors import RequestInvalid

# What the search form has; anything else in the address is not a search.
SEARCH_FIELDS: Final = ("city", "category", "date", "price_max")


def read_search_form(request: web.Request) -> tuple[Search, dict[str, Any]]:
    """Return the search and what the form shows of it; nonsense finds everything, like no search."""
    shown: dict[str, Any] = {
        "query": request.query.get("q", "")[:100],
        **{name: request.query.get(name, "")[:100] for name in SEARCH_FIELDS},
    }
    try:
        return read_search(request), shown
    except RequestInvalid:
        return Search(), dict.fromkeys(shown, "")


def head(event: Event | FoundEvent) -> EventHead:
    """Return what every page says about an event."""
    return EventHead(
        event_id=event.event_id,
        sale_id=event.sale_id,
        name=event.name,
        venue=event.venue,
        city=event.city,
        category=event.category,
        starts_at=event.starts_at,
        currency=event.currency,
        time_zone=event.time_zone,
    )


def card(event: FoundEvent) -> EventCard:
    """Return an event as a card of the list."""
    return EventCard(
        event=head(event),
        price_min=event.price_min,
        price_max=event.price_max,
        available=event.available,
        availability=event.availability,
    )


def tier_lines(event: Event, left: Mapping[str, int]) -> tuple[TierLine, ...]:
    """Return the event's tiers with what is left of each."""
    return tuple(
        TierLine(
            tier=tier.tier,
            name=tier.name,
            price=tier.price,
            color=tier.color,
            quantity=tier.quantity,
            available=left.get(tier.tier, 0),
            is_stock=tier.is_stock,
        )
        for tier in event.tiers
    )


def held_lines(event: Event, layout: SeatLayout, hold: Hold) -> tuple[HeldLine, ...]:
    """Return what a hold holds, line by line."""
    tiers = {tier.tier: tier for tier in event.tiers}
    if hold.tier:
        tier = tiers[hold.tier]
        return (HeldLine(tier=tier.name, price=tier.price, quantity=hold.quantity),)
    return tuple(
        HeldLine(
            tier=tiers[layout.tier(index)].name,
            price=tiers[layout.tier(index)].price,
            section=layout.section(index),
            row=layout.rows[index],
            number=layout.numbers[index],
        )
        for index in hold.seat_indexes
    )


def order_lines(event: Event, layout: SeatLayout, lines: list[OrderLine]) -> tuple[HeldLine, ...]:
    """Return what an order is for, at the prices it was sold at."""
    names = {tier.tier: tier.name for tier in event.tiers}
    return tuple(
        HeldLine(
            tier=names.get(line.tier, line.tier),
            price=line.price_cents,
            quantity=line.quantity,
            **_seat_words(layout, line.seat_id),
        )
        for line in lines
    )


def lost_lines(order: Order, lines: list[OrderLine]) -> list[OrderLine]:
    """Return what an order was for, of whose places others are offered; they cost the same."""
    return [
        replace(line, seat_id=seat_id)
        for line, seat_id in zip(lines, order.lost_seats, strict=True)
    ]


def ticket_line(
    event: Event, layout: SeatLayout, order: Order, ticket: IssuedTicket, code: str
) -> TicketLine:
    """Return one ticket with its code."""
    names = {tier.tier: tier.name for tier in event.tiers}
    return TicketLine(
        ticket_id=ticket.ticket_id,
        tier=names.get(ticket.tier, ticket.tier),
        code=code,
        qr_url=f"/orders/{order.order_id}/tickets/{ticket.ticket_id}/qr.svg",
        **_seat_words(layout, ticket.seat_id),
    )


def _seat_words(layout: SeatLayout, seat_id: str | None) -> dict[str, str]:
    if seat_id is None:
        return {}
    index = layout.index_of[seat_id]
    return {
        "section": layout.section(index),
        "row": layout.rows[index],
        "number": layout.numbers[index],
    }
