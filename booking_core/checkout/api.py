"""Paying over HTTP: complete a booking, look at it, and hear from the payment provider."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
import structlog
from aiohttp import web

from booking_core.app_keys import CLOCK, SETTINGS
from booking_core.callers import check_user_id, inside_fan, known_names
from booking_core.checkout.app_keys import BOOKINGS, CHECKOUT, ORDERS, WEBHOOK_EVENTS
from booking_core.checkout.booking import (
    RETRY_SECONDS,
    Answer,
    BookingDocument,
    CompleteRequest,
    PendingDocument,
)
from booking_core.checkout.webhook_signature import WebhookRefused, verify
from booking_core.ledger.order import FINAL, Order, OrderState
from booking_core.ledger.webhook_events import ProviderWord, ToldOrder
from booking_core.seats.app_keys import HOLDS
from booking_core.seats.hold import event_of
from groundwork.bodies import idempotency_key, read_content
from groundwork.errors import (
    BodyTooLarge,
    HoldLost,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotAdmitted,
    NotFound,
    NotYours,
    OrderNotFound,
    OverSeatLimit,
    PaymentDeclined,
    RequestInProgress,
    RequestInvalid,
    ReservationNotFound,
    SeatsTaken,
    SoldOut,
    StoreUnavailable,
    TooManyRequests,
)
from groundwork.languages import language_of
from groundwork.mail_address import ADDRESS_CHARACTERS_MAX, read_mail_address
from groundwork.operations import IDEMPOTENCY_KEY, ApiRoutes, Credential, Header
from groundwork.typed_answers import NO_STORE, Accepted, Created, Encoded, Json, NoContent

routes = ApiRoutes("Bookings")
webhook_routes = ApiRoutes("Webhooks")
log = structlog.get_logger()

# Names of payment methods are a provider's own; Stripe's have 27.
PAYMENT_METHOD_CHARACTERS_MAX: Final = 64
ORDER_ID_CHARACTERS: Final = 36
# Events after which a released order's payment has money that belongs to its buyer.
TELLS_OF_MONEY: Final = ("payment_intent.amount_capturable_updated", "payment_intent.succeeded")
# The gateway reads it: a fan who has bought makes room for the next.
VISIT_ENDED: Final = {"Onsale-Visit": "ended"}

# Payments that webhooks have told about and that are being looked at.
TOLD: Final[web.AppKey[set[asyncio.Task[Any]]]] = web.AppKey("told_payments")


class CompleteBody(msgspec.Struct, frozen=True):
    """What completing a booking says; the key may come as a header instead."""

    reservation_id: Annotated[str, msgspec.Meta(max_length=90)]
    payment_method: Annotated[
        str, msgspec.Meta(min_length=1, max_length=PAYMENT_METHOD_CHARACTERS_MAX)
    ]
    idempotency_key: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    email: Annotated[str, msgspec.Meta(max_length=ADDRESS_CHARACTERS_MAX)] | None = None
    user_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class WebhookDocument(msgspec.Struct, frozen=True):
    """The event was kept, and is looked at."""

    received: Literal[True]


@routes.post(
    "/api/bookings/complete",
    refuses=[
        *(NotAdmitted, NotYours, IdempotencyKeyMissing, ReservationNotFound, HoldLost, SeatsTaken),
        *(SoldOut, PaymentDeclined, RequestInProgress, IdempotencyKeyReused, OverSeatLimit),
        *(TooManyRequests, StoreUnavailable),
    ],
    headers=[IDEMPOTENCY_KEY],
    credential=Credential("pass"),
)
async def complete(
    request: web.Request, body: CompleteBody
) -> Created[BookingDocument] | Accepted[PendingDocument]:
    """Pay for a reservation; while the outcome is not known the booking is pending."""
    answer = await complete_order(request, inside_fan(request), body)
    if answer.status == HTTPStatus.ACCEPTED:
        return Accepted(Encoded[PendingDocument](answer.body))
    return Created(Encoded[BookingDocument](answer.body), {**NO_STORE, **VISIT_ENDED})


async def complete_order(request: web.Request, fan_id: str, body: CompleteBody) -> Answer:
    """Check what was asked, and carry it out; shared with the form for browsers without scripts."""
    key = idempotency_key(request, body.idempotency_key)
    if not key:
        raise IdempotencyKeyMissing
    check_user_id(body.user_id, fan_id)
    check_payment(body)
    event_of(body.reservation_id)
    email = body.email or ""
    work = request.config_dict[BOOKINGS].complete(
        CompleteRequest(
            fan_id,
            body.reservation_id,
            body.payment_method,
            key,
            email,
            language_of(request).code if email else "",
        )
    )
    # A browser that hangs up must not leave the payment half way.
    return await asyncio.shield(work)


def check_payment(body: CompleteBody) -> None:
    """Raise RequestInvalid unless both can be stored; a form has not been checked before."""
    method, email = body.payment_method, body.email
    if not 1 <= len(method) <= PAYMENT_METHOD_CHARACTERS_MAX or not method.isprintable():
        raise RequestInvalid(
            "payment_method", f"must be 1 to {PAYMENT_METHOD_CHARACTERS_MAX} printable characters"
        )
    if email and (not email.isprintable() or read_mail_address(email) is None):
        raise RequestInvalid("email", "must be an e-mail address")


@routes.delete(
    "/api/bookings/{booking}",
    refuses=[NotAdmitted, ReservationNotFound, RequestInProgress, StoreUnavailable],
    credential=Credential("pass"),
)
async def release(request: web.Request) -> NoContent:
    """Let the hold of a reservation go; letting go of what is gone is fine, too."""
    await release_hold(request, request.match_info["booking"], inside_fan(request))
    return NoContent()


async def release_hold(request: web.Request, reservation_id: str, fan_id: str) -> None:
    """Let a hold go, unless it is being paid for. Raises RequestInProgress, ReservationNotFound.

    Seats of an order under way would only seem free: whoever holds them next could not buy them.
    """
    event_of(reservation_id)
    order = await request.config_dict[ORDERS].by_reservation(reservation_id, fan_id)
    if order is not None and order.state not in FINAL:
        raise RequestInProgress(RETRY_SECONDS)
    if order is None or order.state == OrderState.RELEASED:
        await request.config_dict[HOLDS].release(reservation_id, fan_id)


@routes.get(
    "/api/bookings/{booking}",
    refuses=[OrderNotFound, StoreUnavailable],
    credential=Credential("ticket"),
)
async def show_booking(request: web.Request) -> Json[BookingDocument]:
    """Answer the order and its tickets, to its owner only; a ticket for the line or a pass shows who asks."""
    order = await own_order(request, request.match_info["booking"])
    return Json(await request.config_dict[BOOKINGS].describe(order))


async def own_order(request: web.Request, booking_id: str) -> Order:
    """Return the caller's order. Raises OrderNotFound, the same for another's and for none."""
    names = known_names(request)
    if not names or not is_uuid(booking_id):
        raise OrderNotFound
    order = await request.config_dict[ORDERS].read(booking_id)
    if order is None or order.fan_id not in names:
        raise OrderNotFound
    return order


def is_uuid(text: str) -> bool:
    """Say whether the text is written as a UUID, so that it may be looked up as one."""
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        character in "0123456789abcdef" for part in parts for character in part
    )


@webhook_routes.post(
    "/webhooks/payments/{provider}",
    refuses=[NotFound, RequestInvalid, BodyTooLarge, StoreUnavailable],
    headers=[Header("Stripe-Signature", "The provider's signature of the body.", required=True)],
    takes_json=True,
)
async def payment_webhook(request: web.Request) -> Json[WebhookDocument]:
    """Check the signature, store the event, answer; then look at the payment itself."""
    settings = request.config_dict[SETTINGS]
    if request.match_info["provider"] != settings.payment_provider:
        raise NotFound
    payload = await read_content(request)
    try:
        event = verify(
            payload,
            request.headers.get("Stripe-Signature", ""),
            settings.payments_webhook_secret,
            request.config_dict[CLOCK].now_ms() // 1000,
        )
    except WebhookRefused as refusal:
        raise RequestInvalid("Stripe-Signature", refusal.reason) from refusal
    order = await request.config_dict[WEBHOOK_EVENTS].note(
        ProviderWord(settings.payment_provider, event.provider_event_id, payload, event.payment_id)
    )
    # Most tell of what the buyer's own request has just done, or is doing.
    is_open = order is not None and order.state not in FINAL
    is_stray = (
        order is not None and order.state == OrderState.RELEASED and event.type in TELLS_OF_MONEY
    )
    if order is not None and (is_open or is_stray) and not order.is_carried:
        task = asyncio.create_task(_look_at_payment(request.config_dict, order))
        request.config_dict[TOLD].add(task)
        task.add_done_callback(request.config_dict[TOLD].discard)
    return Json(WebhookDocument(received=True))


async def _look_at_payment(app: Any, order: ToldOrder) -> None:
    """Carry the payment's order on; what fails here the worker finds."""
    try:
        if await app[ORDERS].carry(order.order_id):
            try:
                if order.state == OrderState.RELEASED:
                    await app[CHECKOUT].late.return_stray(order.payment_id)
                else:
                    await app[CHECKOUT].run(order.order_id)
            finally:
                await app[ORDERS].put_down(order.order_id)
    except Exception:
        log.exception("a webhook could not be worked; the worker will", order=order.order_id)


async def finish_told(app: web.Application) -> None:
    """Let what webhooks have begun come to an end before the stores close."""
    told = app[TOLD]
    if told:
        await asyncio.wait(told, timeout=5)
