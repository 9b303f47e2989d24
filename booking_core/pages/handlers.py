"""The shop's pages: what is on sale, an event, its seats, the checkout, an order."""

import hashlib
import re
from contextlib import suppress
from typing import Final

from aiohttp import web

from booking_core.app_keys import IDENTITY, MAILS_TICKETS, RENDERER, SETTINGS, SHOP
from booking_core.callers import admitted_fan, inside_fan
from booking_core.catalog.api import AVAILABILITY, EVENT_SEARCH
from booking_core.catalog.event import Event, availability_of
from booking_core.catalog.search import Search
from booking_core.checkout.api import CompleteBody, complete_order, release_hold
from booking_core.checkout.app_keys import ORDERS
from booking_core.ledger.order import FINAL, OrderState
from booking_core.pages import shop_views as views_of
from booking_core.pages.held_cookie import read_held, remember_held
from booking_core.pages.views import (
    CheckoutPage,
    EventPage,
    OnSalePage,
    SeatsPage,
)
from booking_core.seats.api import event_named, hold_wanted, swap_wanted
from booking_core.seats.app_keys import HOLDS, STORE_CLOCK
from booking_core.seats.hold import event_of
from booking_core.seats.reserving import charges_of, total_of
from booking_core.seats.wanted import BestAvailable, Stock, WantedBody
from groundwork.bodies import read_form
from groundwork.errors import (
    BookingError,
    HoldLost,
    OverSeatLimit,
    PaymentDeclined,
    RequestInProgress,
    RequestInvalid,
    SeatsTaken,
    SoldOut,
    TooManyRequests,
)
from groundwork.pages import html_response
from groundwork.seat_errors import HeldLongEnough

routes = web.RouteTableDef()

# What the practice provider takes, as the HTTP interface names it; the first is preselected.
PAYMENT_METHODS: Final = (
    "card_form",
    "card_ok",
    "card_declined",
    "card_slow",
    "card_requires_action",
    "card_timeout_then_ok",
    "card_timeout_then_declined",
    "card_error_500",
)
# What the seats' page says itself, so that the fan can choose something else.
NOT_HELD: Final = (SeatsTaken, SoldOut, OverSeatLimit, HoldLost, HeldLongEnough)
# What a payment is refused with before the bank is asked; the hold is let go.
LET_GO: Final = (SeatsTaken, SoldOut, OverSeatLimit, TooManyRequests)
# As many digits as the highest limit of a buyer has.
QUANTITY: Final = re.compile(r"[0-9]{1,3}")


def page_response(
    request: web.Request, template: str, view: object, status: int = 200
) -> web.Response:
    """Return a rendered page."""
    return html_response(request, request.config_dict[RENDERER], template, view, status=status)


@routes.get("/")
async def on_sale(request: web.Request) -> web.Response:
    """Show what is on sale, or what a search finds."""
    search, shown = views_of.read_search_form(request)
    found = await request.config_dict[EVENT_SEARCH].find(search)
    everything = await request.config_dict[EVENT_SEARCH].find(Search())
    page = OnSalePage(
        cards=tuple(views_of.card(event) for event in found.events),
        total=found.total,
        page=found.page,
        pages=max(1, found.pages),
        cities=tuple(sorted({event.city for event in everything.events if event.city})),
        categories=tuple(sorted({event.category for event in everything.events if event.category})),
        **shown,
    )
    return page_response(request, "on_sale.html", page)


@routes.get("/events/{event}")
async def event_page(request: web.Request) -> web.Response:
    """Show one event."""
    event = await event_named(request, request.match_info["event"])
    left = await request.config_dict[AVAILABILITY].available(event.event_id)
    tiers = views_of.tier_lines(event, left)
    available = sum(tier.available for tier in tiers)
    identity = request[IDENTITY]
    is_inside = identity.kind == "pass" and identity.sale_id == event.sale_id
    origin = request.config_dict[SETTINGS].shop_url
    page = EventPage(
        event=views_of.head(event),
        description=event.description,
        is_seated=event.is_seated,
        seats_max=event.seats_max,
        tiers=tiers,
        price_min=event.price_min,
        price_max=event.price_max,
        available=available,
        availability=availability_of(available, event.quantity),
        page_url=f"{origin}/events/{event.event_id}",
        charges=event.charges,
        seats_url=f"/events/{event.event_id}/seats" if is_inside else "",
    )
    return page_response(request, "event.html", page)


@routes.get("/events/{event}/seats")
async def seats_page(request: web.Request) -> web.Response:
    """Show the seat picker."""
    event = await event_named(request, request.match_info["event"])
    admitted_fan(request, event)
    return await show_seats(request, event)


async def show_seats(
    request: web.Request,
    event: Event,
    notice: str = "",
    quantity: int = 2,
    tier: str = "",
    *,
    is_after_paying: bool = False,
) -> web.Response:
    """Return the seat picker, with what went wrong last time."""
    left = await request.config_dict[AVAILABILITY].available(event.event_id)
    page = SeatsPage(
        event=views_of.head(event),
        tiers=views_of.tier_lines(event, left),
        seats_max=event.seats_max,
        plan_url=f"/api/events/{event.event_id}/plan" if event.is_seated else None,
        seats_url=f"/api/events/{event.event_id}/seats" if event.is_seated else None,
        notice=notice,
        is_after_paying=is_after_paying,
        quantity=quantity,
        tier=tier,
        held=await read_held(request, event),
        charges=event.charges,
    )
    return page_response(request, "seats.html", page, 409 if notice else 200)


@routes.post("/events/{event}/reserve")
async def reserve_form(request: web.Request) -> web.Response:
    """Hold the best available seats, or stock, without JavaScript; what is held already changes."""
    event = await event_named(request, request.match_info["event"])
    fan_id = admitted_fan(request, event)
    form = await read_form(request)
    tier = form.get("tier", "")
    quantity_text = form.get("quantity", "")
    quantity = int(quantity_text) if QUANTITY.fullmatch(quantity_text) else 0
    if not 1 <= quantity <= event.seats_max:
        return await show_seats(request, event, "request-invalid", tier=tier)
    layout = await request.config_dict[SHOP].seat_layout(event.event_id)
    is_stock = not event.is_seated or any(t.is_stock and t.tier == tier for t in event.tiers)
    body = WantedBody(
        best_available=(
            None
            if is_stock
            else BestAvailable(quantity, tier or None, accessible=form.get("accessible") == "1")
        ),
        stock=Stock(tier or event.tiers[0].tier, quantity) if is_stock else None,
    )
    held = await read_held(request, event)
    try:
        if held is None:
            identity = request[IDENTITY]
            hold = await hold_wanted(request.app, identity, event, layout, body, None)
        else:
            changed = (held.reservation_id, fan_id, body, None)
            hold = await swap_wanted(request, event, layout, *changed)
    except RequestInProgress:
        # It is being paid for: the checkout leads on to the order.
        assert held is not None
        return web.Response(status=303, headers={"Location": f"/checkout/{held.reservation_id}"})
    except (*NOT_HELD, RequestInvalid) as refusal:
        return await show_seats(request, event, refusal.code, quantity, tier)
    return web.Response(status=303, headers={"Location": f"/checkout/{hold.reservation_id}"})


@routes.get("/checkout/{reservation}")
async def checkout_page(request: web.Request) -> web.Response:
    """Show what is held and how to pay; once there is an order that lives, that order."""
    fan_id = inside_fan(request)
    reservation_id = request.match_info["reservation"]
    event_of(reservation_id)
    order = await request.config_dict[ORDERS].by_reservation(reservation_id, fan_id)
    if order is not None and order.state != OrderState.RELEASED:
        return web.Response(status=303, headers={"Location": f"/orders/{order.order_id}"})
    decline_reason = order.decline_reason if order is not None else ""
    return await show_checkout(request, reservation_id, fan_id, decline_reason=decline_reason)


async def show_checkout(
    request: web.Request,
    reservation_id: str,
    fan_id: str,
    *,
    decline_reason: str = "",
    problem: str = "",
    email: str = "",
    payment_method: str = "",
) -> web.Response:
    """Return the checkout page. Raises ReservationNotFound when nothing is held."""
    hold = await request.config_dict[HOLDS].read(reservation_id, fan_id)
    shop = request.config_dict[SHOP]
    event, layout = await shop.get(hold.event_id), await shop.seat_layout(hold.event_id)
    now_ms = request.config_dict[STORE_CLOCK].now_ms()
    page = CheckoutPage(
        event=views_of.head(event),
        reservation_id=reservation_id,
        lines=views_of.held_lines(event, layout, hold),
        total=total_of(event, layout, hold),
        charges=charges_of(event, layout, hold),
        expires_in_ms=max(0, hold.expires_at_ms - now_ms),
        is_extendable=not hold.is_extended,
        payment_methods=PAYMENT_METHODS,
        idempotency_key=await form_key(request, reservation_id, fan_id),
        email=email,
        mails_tickets=request.config_dict[MAILS_TICKETS],
        payment_method=payment_method or PAYMENT_METHODS[0],
        decline_reason=decline_reason,
        problem=problem,
        now_ms=now_ms,
    )
    status = 402 if decline_reason or problem else 200
    return remember_held(page_response(request, "checkout.html", page, status), page)


async def form_key(request: web.Request, reservation_id: str, fan_id: str) -> str:
    """Return the form's idempotency key: the same until a card was declined, then another."""
    order = await request.config_dict[ORDERS].by_reservation(reservation_id, fan_id)
    after = order.order_id if order is not None and order.state in FINAL else ""
    return hashlib.sha256(f"{reservation_id}:{after}".encode()).hexdigest()[:32]


@routes.post("/checkout/{reservation}/pay")
async def pay_form(request: web.Request) -> web.Response:
    """Pay without JavaScript."""
    fan_id = inside_fan(request)
    reservation_id = request.match_info["reservation"]
    form = await read_form(request)
    email = form.get("email", "")
    body = CompleteBody(
        reservation_id,
        form.get("payment_method", ""),
        idempotency_key=form.get("idempotency_key", ""),
        email=email,
    )
    try:
        await complete_order(request, fan_id, body)
    except PaymentDeclined as refusal:
        return await show_checkout(
            request, reservation_id, fan_id, decline_reason=refusal.decline_reason,
            email=email, payment_method=body.payment_method,
        )  # fmt: skip
    except RequestInvalid as refusal:
        return await show_checkout(
            request, reservation_id, fan_id, problem=refusal.code,
            email=email, payment_method=body.payment_method,
        )  # fmt: skip
    except LET_GO as refusal:
        # What cannot be bought is not held any more: only other places are left to be chosen.
        event = await event_named(request, event_of(reservation_id))
        notice = "too-many-cards" if isinstance(refusal, TooManyRequests) else refusal.code
        return await show_seats(request, event, notice, is_after_paying=True)
    except HoldLost:
        # Paid for already, perhaps, in another tab: then the checkout leads on to the order.
        return web.Response(status=303, headers={"Location": f"/checkout/{reservation_id}"})
    except RequestInProgress:
        pass
    order = await request.config_dict[ORDERS].by_reservation(reservation_id, fan_id)
    if order is None:
        raise HoldLost
    return web.Response(status=303, headers={"Location": f"/orders/{order.order_id}"})


@routes.post("/checkout/{reservation}/extend")
async def extend_form(request: web.Request) -> web.Response:
    """Ask for more time without JavaScript."""
    reservation_id = request.match_info["reservation"]
    # Used, or too late: the page shows the clock, or the order, or says that nothing is held.
    with suppress(BookingError):
        await request.config_dict[HOLDS].extend(reservation_id, inside_fan(request))
    return web.Response(status=303, headers={"Location": f"/checkout/{reservation_id}"})


@routes.post("/checkout/{reservation}/release")
async def release_form(request: web.Request) -> web.Response:
    """Let the hold go without JavaScript."""
    reservation_id = request.match_info["reservation"]
    try:
        await release_hold(request, reservation_id, inside_fan(request))
    except RequestInProgress:
        # It is being paid for: the checkout leads on to the order.
        return web.Response(status=303, headers={"Location": f"/checkout/{reservation_id}"})
    event_id = reservation_id.partition(".")[0]
    return web.Response(status=303, headers={"Location": f"/events/{event_id}/seats"})
