"""Which hold a browser has: so that the pages of an event show its clock, with or without a script."""

from aiohttp import web

from booking_core.app_keys import IDENTITY, SHOP
from booking_core.catalog.event import Event
from booking_core.pages.views import CheckoutPage, HeldBar
from booking_core.seats.app_keys import HOLDS, STORE_CLOCK
from booking_core.seats.reserving import total_of
from groundwork.errors import ReservationNotFound

# A name, no proof: a hold is shown to the fan alone whose pass it was made with.
COOKIE = "held"
# A hold may get more time after this is set, by a script too; one that is over is not shown anyway.
REMEMBERED_SECONDS = 60 * 60


def remember_held(response: web.Response, page: CheckoutPage) -> web.Response:
    """Tell the browser to name this hold on the pages of its event, for longer than it may last."""
    response.set_cookie(
        COOKIE,
        page.reservation_id,
        path=f"/events/{page.event.event_id}/",
        max_age=REMEMBERED_SECONDS,
        httponly=True,
        samesite="Lax",
    )
    return response


async def read_held(request: web.Request, event: Event) -> HeldBar | None:
    """Return what the fan holds of the event by what their browser says; None when that is over."""
    reservation_id = request.cookies.get(COOKIE, "")
    if reservation_id.partition(".")[0] != event.event_id:
        return None
    try:
        hold = await request.config_dict[HOLDS].read(reservation_id, request[IDENTITY].fan_id)
    except ReservationNotFound:
        return None
    layout = await request.config_dict[SHOP].seat_layout(event.event_id)
    return HeldBar(
        reservation_id=reservation_id,
        places=len(hold.seat_indexes) or hold.quantity,
        total=total_of(event, layout, hold),
        expires_in_ms=max(0, hold.expires_at_ms - request.config_dict[STORE_CLOCK].now_ms()),
    )
