"""An order's pages: how it stands, its tickets as PDF and as QR codes. For its owner only."""

from datetime import datetime
from typing import Final

from aiohttp import web

from booking_core.app_keys import CLOCK, MAILS_TICKETS, POOL, SHOP
from booking_core.catalog.event import Event
from booking_core.checkout.api import own_order
from booking_core.checkout.app_keys import ISSUER, ORDERS
from booking_core.checkout.booking import STATUS_WORDS
from booking_core.checkout.decisions_api import cancel_own, decide_offer
from booking_core.ledger.order import FINAL, Order, OrderState
from booking_core.ledger.refunds import Refunds, refunded_cents
from booking_core.notifications.ticket_mails import mail_outcome
from booking_core.pages import shop_views as views_of
from booking_core.pages.handlers import page_response
from booking_core.pages.views import CancelPage, HeldLine, MailState, OrderPage, TicketLine
from booking_core.seats.app_keys import HOLDS
from booking_core.tickets.qr import qr_svg
from groundwork.bodies import read_form
from groundwork.cancel_errors import CancelRefused
from groundwork.errors import (
    OrderNotFound,
    RequestInvalid,
    ReservationNotFound,
    StoreUnavailable,
)

routes = web.RouteTableDef()

# The practice provider's word for a card that the buyer types on its page.
CARD_FORM: Final = "card_form"
NO_STORE: Final = {"Cache-Control": "no-store"}


@routes.get("/orders/{booking}")
async def order_page(request: web.Request) -> web.Response:
    """Show an order to its owner."""
    order = await own_order(request, request.match_info["booking"])
    shop = request.config_dict[SHOP]
    event, layout = await shop.get(order.event_id), await shop.seat_layout(order.event_id)
    orders = request.config_dict[ORDERS]
    tickets: tuple[TicketLine, ...] = ()
    if order.state == OrderState.SOLD:
        issuer = request.config_dict[ISSUER]
        tickets = tuple(
            views_of.ticket_line(event, layout, order, ticket, issuer.code(order, ticket))
            for ticket in await orders.tickets(order.order_id)
        )
    lines = await orders.lines(order.order_id)
    lost: tuple[HeldLine, ...] = ()
    if order.state == OrderState.OFFERED:
        lost = views_of.order_lines(event, layout, views_of.lost_lines(order, lines))
    is_open = order.state not in {*FINAL, OrderState.AWAITED, OrderState.OFFERED}
    page = OrderPage(
        event=views_of.head(event),
        booking_id=order.order_id,
        status=STATUS_WORDS.get(order.state, "pending"),
        total=order.amount_cents,
        lines=views_of.order_lines(event, layout, lines),
        charges=tuple(await orders.charges(order.order_id)),
        tickets=tickets,
        email=order.email,
        mail=await mail_state(request, order),
        pdf_url=f"/orders/{order.order_id}/tickets.pdf" if tickets else "",
        next_action_url=order.next_action_url or "" if is_open else "",
        release_reason=order.release_reason,
        decline_reason=order.decline_reason,
        refunded=refunded_cents(await Refunds(request.config_dict[POOL]).of(order.order_id)),
        is_card_asked=order.payment_method == CARD_FORM,
        held_until=order.deadline if order.state not in {*FINAL, OrderState.AWAITED} else None,
        lost=lost,
        cancel_until=cancel_until(request, order, event),
        checkout_url=await checkout_url(request, order),
    )
    return page_response(request, "order.html", page)


def cancel_until(request: web.Request, order: Order, event: Event) -> datetime | None:
    """Return until when the order may be cancelled by its buyer, None when it may not (any more)."""
    until = event.cancel_until if order.state == OrderState.SOLD else None
    is_over = until is None or until.timestamp() * 1000 < request.config_dict[CLOCK].now_ms()
    return None if is_over else until


@routes.get("/orders/{booking}/cancel")
async def cancel_page(request: web.Request) -> web.Response:
    """Ask once more before a sale is cancelled. Raises CancelRefused when it cannot be."""
    order = await own_order(request, request.match_info["booking"])
    if order.state == OrderState.CANCELLED:
        return web.Response(status=303, headers={"Location": f"/orders/{order.order_id}"})
    shop = request.config_dict[SHOP]
    event, layout = await shop.get(order.event_id), await shop.seat_layout(order.event_id)
    until = cancel_until(request, order, event)
    if until is None:
        raise CancelRefused("not-allowed" if event.cancel_until is None else "too-late")
    asked_back = sum(
        each.amount_cents for each in await Refunds(request.config_dict[POOL]).of(order.order_id)
    )
    page = CancelPage(
        event=views_of.head(event),
        booking_id=order.order_id,
        total=order.amount_cents,
        total_left=order.amount_cents - asked_back,
        lines=views_of.order_lines(
            event, layout, await request.config_dict[ORDERS].lines(order.order_id)
        ),
        cancel_until=until,
        charges=tuple(await request.config_dict[ORDERS].charges(order.order_id)),
    )
    return page_response(request, "order_cancel.html", page)


@routes.post("/orders/{booking}/cancel")
async def cancel_form(request: web.Request) -> web.Response:
    """Cancel a sale without JavaScript."""
    order = await cancel_own(request, request.match_info["booking"])
    return web.Response(status=303, headers={"Location": f"/orders/{order.order_id}"})


async def mail_state(request: web.Request, order: Order) -> MailState:
    """Return what becomes of the tickets by e-mail; an order without an address asks nobody."""
    if order.state != OrderState.SOLD or not order.email:
        return ""
    match await mail_outcome(request.config_dict[POOL], order.order_id):
        case "sent" | "refused" as outcome:
            return outcome
        case "" if request.config_dict[MAILS_TICKETS]:
            return "open"
    return ""


async def checkout_url(request: web.Request, order: Order) -> str:
    """Return where what a released order was for is still held for its fan, or ""."""
    if order.state != OrderState.RELEASED:
        return ""
    try:
        await request.config_dict[HOLDS].read(order.reservation_id, order.fan_id)
    except (ReservationNotFound, StoreUnavailable):
        return ""
    return f"/checkout/{order.reservation_id}"


@routes.post("/orders/{booking}/offer")
async def offer_form(request: web.Request) -> web.Response:
    """Take or leave offered places without JavaScript."""
    order = await own_order(request, request.match_info["booking"])
    answer = (await read_form(request)).get("answer", "")
    if answer not in ("take", "leave"):
        raise RequestInvalid("answer", "must be take or leave")
    await decide_offer(request, order, is_taken=answer == "take")
    return web.Response(status=303, headers={"Location": f"/orders/{order.order_id}"})


@routes.get("/orders/{booking}/tickets.pdf")
async def tickets_pdf(request: web.Request) -> web.Response:
    """Answer all tickets of an order as one PDF."""
    order = await own_order(request, request.match_info["booking"])
    if order.state != OrderState.SOLD:
        raise OrderNotFound
    return web.Response(
        body=await request.config_dict[ISSUER].pdf(order),
        content_type="application/pdf",
        headers={
            **NO_STORE,
            "Content-Disposition": f'inline; filename="tickets-{order.order_id}.pdf"',
        },
    )


@routes.get("/orders/{booking}/tickets/{ticket}/qr.svg")
async def ticket_qr(request: web.Request) -> web.Response:
    """Answer one ticket's QR code as an image."""
    order = await own_order(request, request.match_info["booking"])
    if order.state != OrderState.SOLD:
        raise OrderNotFound
    for ticket in await request.config_dict[ORDERS].tickets(order.order_id):
        if ticket.ticket_id == request.match_info["ticket"]:
            code = request.config_dict[ISSUER].code(order, ticket)
            return web.Response(
                text=qr_svg(code, "Ticket code"), content_type="image/svg+xml", headers=NO_STORE
            )
    raise OrderNotFound
