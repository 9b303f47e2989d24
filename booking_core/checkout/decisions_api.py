"""What a buyer decides about an order over HTTP: to take or leave an offer, to cancel a sale."""

import asyncio

import msgspec
from aiohttp import web

from booking_core.app_keys import POOL
from booking_core.callers import known_names
from booking_core.checkout.api import VISIT_ENDED, is_uuid, own_order
from booking_core.checkout.app_keys import BOOKINGS, CHECKOUT
from booking_core.checkout.booking import RETRY_SECONDS, BookingDocument
from booking_core.checkout.payments import PaymentUnknown
from booking_core.ledger.cancellations import Cancellations
from booking_core.ledger.order import Order, OrderState
from groundwork.cancel_errors import CancelRefused
from groundwork.errors import OrderNotFound, StoreUnavailable
from groundwork.operations import ApiRoutes, Credential
from groundwork.typed_answers import NO_STORE, Json

routes = ApiRoutes("Bookings")


class OfferBody(msgspec.Struct, frozen=True):
    """What the buyer wants: the offered places, or the money back."""

    accept: bool


@routes.post(
    "/api/bookings/{booking}/offer",
    refuses=[OrderNotFound, StoreUnavailable],
    credential=Credential("ticket"),
)
async def answer_offer(request: web.Request, body: OfferBody) -> Json[BookingDocument]:
    """Take the places that were offered for ones that are gone, or leave them."""
    order = await own_order(request, request.match_info["booking"])
    order = await decide_offer(request, order, is_taken=body.accept)
    headers = {**NO_STORE, **(VISIT_ENDED if order.state == OrderState.SOLD else {})}
    return Json(await request.config_dict[BOOKINGS].describe(order), headers)


async def decide_offer(request: web.Request, order: Order, *, is_taken: bool) -> Order:
    """Do what the buyer wants, and return the order as it is then; a decided one stays decided.

    Raises StoreUnavailable when the provider cannot be asked; the offer stands then.
    """
    checkout = request.config_dict[CHECKOUT]
    if order.state == OrderState.OFFERED:
        try:
            await checkout.late.answer(order, is_taken=is_taken)
        except PaymentUnknown as error:
            raise StoreUnavailable(retry_after=RETRY_SECONDS) from error
    return await asyncio.shield(checkout.run(order.order_id))


@routes.post(
    "/api/bookings/{booking}/cancel",
    refuses=[OrderNotFound, CancelRefused, StoreUnavailable],
    credential=Credential("ticket"),
)
async def cancel_booking(request: web.Request) -> Json[BookingDocument]:
    """Cancel a sale for its buyer, as far as the event lets them; all of the money goes back."""
    order = await cancel_own(request, request.match_info["booking"])
    return Json(await request.config_dict[BOOKINGS].describe(order))


async def cancel_own(request: web.Request, booking_id: str) -> Order:
    """Cancel the caller's order, and return it. Raises OrderNotFound, CancelRefused."""
    names = known_names(request)
    if not names or not is_uuid(booking_id):
        raise OrderNotFound
    await Cancellations(request.config_dict[POOL]).by_buyer(booking_id, names)
    return await own_order(request, booking_id)
