"""The tickets of a sold order: as the API lists them, as pages show them, as a PDF."""

import asyncio

import msgspec

from booking_core.catalog.events import Catalog
from booking_core.ledger.order import IssuedTicket, Order
from booking_core.ledger.orders import Orders
from booking_core.tickets.codes import TicketCode, write_ticket_code
from booking_core.tickets.labels import labels_of, printed_language
from booking_core.tickets.pdf import PrintedTicket, TicketSheet, render_tickets_pdf
from groundwork.tokens import Tokens


class SeatTicketDocument(msgspec.Struct, frozen=True):
    """A ticket as its buyer gets it: `code` is what its QR code says."""

    ticket_id: str
    seat_id: str | None
    tier: str
    code: str
    pdf_url: str


class TicketIssuer:
    """Signs the codes of tickets that PostgreSQL has issued; the same order gives the same codes."""

    def __init__(self, orders: Orders, catalog: Catalog, tokens: Tokens) -> None:
        self._orders = orders
        self._catalog = catalog
        self._tokens = tokens

    def code(self, order: Order, ticket: IssuedTicket) -> str:
        """Return what the ticket's QR code says."""
        return write_ticket_code(
            self._tokens,
            TicketCode(
                ticket_id=ticket.ticket_id,
                event_id=order.event_id,
                order_id=order.order_id,
                tier=ticket.tier,
                seat_id=ticket.seat_id,
                issued_at_ms=round(ticket.issued_at.timestamp() * 1000),
            ),
        )

    async def describe(self, order: Order) -> list[SeatTicketDocument]:
        """Return the order's tickets as the API lists them."""
        return [
            SeatTicketDocument(
                ticket_id=ticket.ticket_id,
                seat_id=ticket.seat_id,
                tier=ticket.tier,
                code=self.code(order, ticket),
                pdf_url=f"/orders/{order.order_id}/tickets.pdf",
            )
            for ticket in await self._orders.tickets(order.order_id)
        ]

    async def pdf(self, order: Order) -> bytes:
        """Return the order's tickets as one PDF; the same bytes every time."""
        event = await self._catalog.get(order.event_id)
        layout = await self._catalog.seat_layout(order.event_id)
        tiers = {tier.tier: tier for tier in event.tiers}
        prices = {
            line.seat_id or line.tier: line.price_cents
            for line in await self._orders.lines(order.order_id)
        }
        printed = []
        for ticket in await self._orders.tickets(order.order_id):
            index = layout.index_of[ticket.seat_id] if ticket.seat_id else None
            printed.append(
                PrintedTicket(
                    ticket_id=ticket.ticket_id,
                    code=self.code(order, ticket),
                    tier=tiers[ticket.tier].name,
                    price=prices[ticket.seat_id or ticket.tier],
                    section=layout.section(index) if index is not None else "",
                    row=layout.rows[index] if index is not None else "",
                    seat=layout.numbers[index] if index is not None else "",
                    color=tiers[ticket.tier].color,
                )
            )
        assert order.sold_at is not None
        language = printed_language(order.language)
        sheet = TicketSheet(
            order_id=order.order_id,
            ordered_at_ms=round(order.sold_at.timestamp() * 1000),
            event_name=event.name,
            venue=event.venue,
            city=event.city,
            starts_at_ms=round(event.starts_at.timestamp() * 1000),
            currency=event.currency,
            tickets=tuple(printed),
            paid=order.amount_cents,
            charges=tuple(
                (line.name, line.amount_cents)
                for line in await self._orders.charges(order.order_id)
            ),
            time_zone=event.time_zone,
            locale=language.locale_name,
            labels=await asyncio.to_thread(labels_of, language),
        )
        # Some tens of milliseconds of drawing: not on the loop that answers everybody else.
        return await asyncio.to_thread(render_tickets_pdf, sheet)
