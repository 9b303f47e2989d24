"""The REST interface, as Stripe's: parse, do, answer."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, get_args

import msgspec
from aiohttp import web

from booking_core.practice_provider.app_keys import (
    BANK,
    BOOK,
    CLOCK,
    FAULTS,
    KEYS,
    REQUEST_ID,
    SETTINGS,
)
from booking_core.practice_provider.bank import METHODS
from booking_core.practice_provider.forms import Pairs, Params, needed, parse_pairs
from booking_core.practice_provider.intents import CaptureMethod, Intent
from booking_core.practice_provider.stripe_errors import (
    CardDeclined,
    InvalidRequest,
    InvalidState,
    ProviderFailure,
    no_such,
)
from booking_core.practice_provider.stripe_objects import Json, intent_json, list_json, refund_json

AMOUNT_MAX: Final = 99_999_999  # Stripe's: eight digits
CURRENCY: Final = re.compile(r"[a-z]{3}")
LIST_DEFAULT: Final = 10  # Stripe's
LIST_MAX: Final = 100  # Stripe's
CANCELLATION_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
REFUND_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")
FORM: Final = "application/x-www-form-urlencoded"

Run = Callable[[Params], Awaitable[Json]]
routes = web.RouteTableDef()


@routes.post("/v1/payment_intents")
async def create_intent(request: web.Request) -> web.Response:
    """Make an intent; with `confirm=true`, confirm it at once."""

    async def run(params: Params) -> Json:
        amount = needed(params.integer("amount", 1, AMOUNT_MAX), "amount")
        currency = needed(params.text("currency"), "currency").lower()
        if not CURRENCY.fullmatch(currency):
            raise InvalidRequest(f"Invalid currency: {currency}", param="currency")
        chosen = params.choice("capture_method", get_args(CaptureMethod))
        capture_method: CaptureMethod = msgspec.convert(chosen or "automatic_async", CaptureMethod)
        is_confirmed = params.flag("confirm")
        return_url = params.url("return_url")
        payment_method = _payment_method(params)
        metadata = params.metadata()
        description = params.text("description")
        receipt_email = params.text("receipt_email")
        # Known to Stripe, of no meaning to a provider that only has practice cards.
        for name in ("payment_method_types", "automatic_payment_methods"):
            params.mapping(name)
        params.done()
        intent = request.app[BOOK].create(
            amount=amount,
            currency=currency,
            capture_method=capture_method,
            payment_method=payment_method,
            metadata=metadata,
            description=description,
            receipt_email=receipt_email,
        )
        if is_confirmed:
            return await _confirm(request, params, intent.id, None, return_url)
        return _shown(request, intent, params)

    return await _answer(request, run)


@routes.get("/v1/payment_intents")
async def list_intents(request: web.Request) -> web.Response:
    """List intents, newest first."""
    params = Params(parse_pairs(request.rel_url.raw_query_string))
    limit = params.integer("limit", 1, LIST_MAX) or LIST_DEFAULT
    starting_after = params.text("starting_after")
    params.done()
    page, has_more = request.app[BOOK].page(limit, starting_after)
    # In a list, what is to be expanded is named from the list on.
    expand = {name.removeprefix("data.") for name in params.expand}
    shown = [intent_json(intent, _pages_url(request), expand) for intent in page]
    return web.json_response(list_json("/v1/payment_intents", shown, has_more=has_more))


@routes.get("/v1/payment_intents/{intent_id}")
async def get_intent(request: web.Request) -> web.Response:
    """Show an intent as it is now."""
    params = Params(parse_pairs(request.rel_url.raw_query_string))
    params.text("client_secret")
    params.done()
    intent = request.app[BOOK].get(request.match_info["intent_id"])
    return web.json_response(_shown(request, intent, params))


@routes.post("/v1/payment_intents/{intent_id}/confirm")
async def confirm_intent(request: web.Request) -> web.Response:
    """Ask the bank; the answer may take as long as the bank does."""

    async def run(params: Params) -> Json:
        payment_method = _payment_method(params)
        return_url = params.url("return_url")
        params.done()
        return await _confirm(
            request, params, request.match_info["intent_id"], payment_method, return_url
        )

    return await _answer(request, run)


@routes.post("/v1/payment_intents/{intent_id}/capture")
async def capture_intent(request: web.Request) -> web.Response:
    """Take the reserved money."""

    async def run(params: Params) -> Json:
        amount = params.integer("amount_to_capture", 1, AMOUNT_MAX)
        params.done()
        intent_id = request.match_info["intent_id"]
        with _showing_state(request, intent_id):
            return _shown(request, request.app[BOOK].capture(intent_id, amount), params)

    return await _answer(request, run)


@routes.post("/v1/payment_intents/{intent_id}/cancel")
async def cancel_intent(request: web.Request) -> web.Response:
    """End an intent without payment."""

    async def run(params: Params) -> Json:
        reason = params.choice("cancellation_reason", CANCELLATION_REASONS)
        params.done()
        intent_id = request.match_info["intent_id"]
        with _showing_state(request, intent_id):
            return _shown(request, request.app[BOOK].cancel(intent_id, reason), params)

    return await _answer(request, run)


@routes.post("/v1/refunds")
async def create_refund(request: web.Request) -> web.Response:
    """Give money back."""

    async def run(params: Params) -> Json:
        intent_id = needed(params.text("payment_intent"), "payment_intent")
        amount = params.integer("amount", 1, AMOUNT_MAX)
        reason = params.choice("reason", REFUND_REASONS)
        metadata = params.metadata()
        params.done()
        with _showing_state(request, intent_id):
            return refund_json(*request.app[BOOK].refund(intent_id, amount, reason, metadata))

    return await _answer(request, run)


async def _answer(request: web.Request, run: Run) -> web.Response:
    if request.can_read_body and request.content_type != FORM:
        raise InvalidRequest(f"Invalid request: POST content type must be {FORM}")
    pairs: Pairs = parse_pairs(await request.read())
    if request.app[FAULTS].take("busy"):
        raise InvalidRequest("Too many requests", "rate_limit", status=429)
    answer = await request.app[KEYS].answer_once(
        request.headers.get("Idempotency-Key"),
        request.path,
        pairs,
        request[REQUEST_ID],
        lambda: _run(request, run, pairs),
    )
    await request.app[BOOK].flush()
    await _be_late_or_lost(request)
    response = web.Response(status=answer.status, body=answer.body, content_type="application/json")
    if answer.original_request:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = answer.original_request
    return response


async def _run(request: web.Request, run: Run, pairs: Pairs) -> Json:
    if request.app[FAULTS].take("broken"):
        raise ProviderFailure("An unknown error occurred", status=500)
    return await run(Params(pairs))


async def _be_late_or_lost(request: web.Request) -> None:
    if slow := request.app[FAULTS].take("slow"):
        await request.app[CLOCK].sleep_ms(slow.delay_ms)
    if request.app[FAULTS].take("lost") and request.transport:
        request.transport.abort()


async def _confirm(
    request: web.Request,
    params: Params,
    intent_id: str,
    payment_method: str | None,
    return_url: str | None,
) -> Json:
    with _showing_state(request, intent_id):
        intent = await request.app[BANK].confirm(intent_id, payment_method, return_url)
    shown = _shown(request, intent, params)
    if intent.last_refusal and intent.status == "requires_payment_method":
        refusal = intent.last_refusal
        raise CardDeclined(
            refusal.message, refusal.code, None, refusal.decline_code, shown, status=402
        )
    return shown


@contextmanager
def _showing_state(request: web.Request, intent_id: str) -> Iterator[None]:
    try:
        yield
    except InvalidState as error:
        intent = request.app[BOOK].get(intent_id)
        error.payment_intent = intent_json(intent, _pages_url(request))
        raise


def _payment_method(params: Params) -> str | None:
    name = params.text("payment_method")
    if name is not None and name not in METHODS:
        raise no_such("PaymentMethod", name, "payment_method", status=400)
    return name


def _shown(request: web.Request, intent: Intent, params: Params) -> Json:
    return intent_json(intent, _pages_url(request), params.expand)


def _pages_url(request: web.Request) -> str:
    return request.app[SETTINGS].practice_public_url.rstrip("/") or str(request.url.origin())
