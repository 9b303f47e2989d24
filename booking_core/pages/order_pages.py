"""An order's pages: how it stands, its tickets as PDF and as QR codes. For its owner only."""

from typing import Final

from aiohttp import web

from booking_core.app_keys import POOL, SHOP
from booking_core.checkout.api import decide_offer, own_order
from booking_core.checkout.app_keys import ISSUER, ORDERS
from booking_core.checkout.booking import STATUS_WORDS
from booking_core.ledger.orders import FINAL, Order, OrderState
from booking_core.ledger.refunds import Refunds, refunded_cents
from booking_core.pages import shop_views as views_of
from booking_core.pages.handlers import page_response
from booking_core.pages.views import HeldLine, OrderPage, TicketLine
from booking_core.seats.app_keys import HOLDS
from booking_core.tickets.qr import qr_svg
from groundwork.bodies import read_form
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
        tickets=tickets,
        email=order.email,
        pdf_url=f"/orders/{order.order_id}/tickets.pdf" if tickets else "",
        next_action_url=order.next_action_url or "" if is_open else "",
        release_reason=order.release_reason,
        decline_reason=order.decline_reason,
        refunded=refunded_cents(await Refunds(request.config_dict[POOL]).of(order.order_id)),
        is_card_asked=order.payment_method == CARD_FORM,
        held_until=order.deadline if order.state not in {*FINAL, OrderState.AWAITED} else None,
        lost=lost,
        checkout_url=await checkout_url(request, order),
    )
    return page_response(request, "order.html", page)


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
    for ticket in await request.config_dict[ORDERS].tickets(order.order_id):
        if ticket.ticket_id == request.match_info["ticket"]:
            code = request.config_dict[ISSUER].code(order, ticket)
            return web.Response(
                text=qr_svg(code, "Ticket code"), content_type="image/svg+xml", headers=NO_STORE
            )
    raise OrderNotFound
