"""Whatever a provider's answer leaves open is unknown to checkout, and what it settles is not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from payments_world import RETURN_URL, SteppedClock, World, served

from booking_core.checkout.payments import PaymentRefused, PaymentState, PaymentUnknown
from booking_core.checkout.wire_payments import WirePayments

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
INTENT = {"id": "pi_1", "status": "requires_capture", "amount": 2500, "currency": "eur"}


Client = type[WirePayments]


@asynccontextmanager
async def provider_that(handler: Handler, client: Client) -> AsyncIterator[WirePayments]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with served(app) as url, aiohttp.ClientSession() as session:
        yield client(session, url, "sk", SteppedClock(), confirm_timeout_s=0.2, call_timeout_s=0.2)


def every_call(payments: WirePayments) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: payments.create("order-1", 1, 2500, "EUR", {}),
        lambda: payments.confirm("pi_1", "card_ok", "order-1", 1, RETURN_URL),
        lambda: payments.get("pi_1"),
        lambda: payments.cancel("pi_1"),
        lambda: payments.capture("pi_1", "order-1"),
        lambda: payments.refund("pi_1", 2500, "order-1"),
    ]


async def assert_all_unknown(handler: Handler, client: Client) -> None:
    async with provider_that(handler, client) as payments:
        for call in every_call(payments):
            with pytest.raises(PaymentUnknown):
                await call()


@pytest.mark.parametrize("status", [302, 409, 429, 500, 502, 503, 504])
async def test_a_status_that_tells_nothing_is_unknown(status: int, client: Client) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(INTENT, status=status, headers={"Location": "/elsewhere"})

    await assert_all_unknown(handler, client)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"id":1}', b"\xff", b'{"x":"' + b"x" * 300_000 + b'"}'],
    ids=["empty", "page", "list", "wrong", "bytes", "huge"],
)
@pytest.mark.parametrize("status", [200, 400])
async def test_an_unreadable_answer_is_unknown(status: int, body: bytes, client: Client) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    await assert_all_unknown(handler, client)


async def test_a_state_nobody_has_heard_of_is_unknown(client: Client) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(INTENT | {"status": "requires_prayer"})

    async with provider_that(handler, client) as payments:
        with pytest.raises(PaymentUnknown, match="requires_prayer"):
            await payments.get("pi_1")


async def test_no_answer_in_time_is_unknown(client: Client) -> None:
    release = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    await assert_all_unknown(handler, client)
    release.set()


async def test_a_connection_cut_in_the_middle_is_unknown(client: Client) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        assert request.transport
        request.transport.abort()
        return response

    await assert_all_unknown(handler, client)


async def test_nobody_listening_is_unknown(client: Client) -> None:
    async with served(web.Application()) as url:
        pass
    async with aiohttp.ClientSession() as session:
        payments = client(session, url, "sk", SteppedClock())
        for call in every_call(payments):
            with pytest.raises(PaymentUnknown):
                await call()


async def test_a_key_used_for_something_else_is_unknown(world: World) -> None:
    await world.payments.create("order-1", 1, 2500, "EUR", {})
    with pytest.raises(PaymentUnknown, match="idempotency_error"):
        await world.payments.create("order-1", 1, 9900, "EUR", {})


async def test_a_payment_that_is_not_there_is_refused(world: World) -> None:
    for call in every_call(world.payments)[2:]:
        with pytest.raises(PaymentRefused, match="resource_missing"):
            await call()


async def test_a_wrong_key_of_ours_is_refused_not_declined(world: World) -> None:
    payments = world.client(world.session, world.url, "sk_wrong", world.clock)
    for call in every_call(payments):
        with pytest.raises(PaymentRefused, match="401"):
            await call()


async def test_a_payment_named_like_a_path_stays_in_its_place(world: World) -> None:
    with pytest.raises(PaymentRefused, match="resource_missing"):
        await world.payments.get("../refunds?x=1#")


async def test_a_bank_s_word_we_do_not_know_is_just_declined(client: Client) -> None:
    async def handler(_request: web.Request) -> web.Response:
        error = {"type": "card_error", "code": "card_declined", "decline_code": "stolen_card"}
        intent = INTENT | {"status": "requires_payment_method", "last_payment_error": error}
        return web.json_response({"error": error | {"payment_intent": intent}}, status=402)

    async with provider_that(handler, client) as payments:
        payment = await payments.confirm("pi_1", "card_ok", "order-1", 1, RETURN_URL)
    assert (payment.state, payment.decline_reason) == (PaymentState.NEW, "declined")


async def test_a_capture_gets_past_a_key_that_is_spent_on_an_error(client: Client) -> None:
    keys: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        keys.append(request.headers.get("Idempotency-Key"))
        if len(keys) == 1:
            headers = {"Idempotent-Replayed": "true"}
            return web.json_response({"error": {}}, status=500, headers=headers)
        return web.json_response(INTENT | {"status": "succeeded"})

    async with provider_that(handler, client) as payments:
        payment = await payments.capture("pi_1", "order-1")
    assert payment.state is PaymentState.CAPTURED
    # The library gives every call a key of its own; what counts is that it is another one.
    assert keys[0] == "order-1:capture"
    assert len(keys) == 2
    assert keys[1] != keys[0]


async def test_a_repeated_answer_is_not_taken_for_the_present(world: World) -> None:
    payment = await world.confirmed("card_ok")
    await world.payments.cancel(payment.payment_id)
    again = await world.payments.confirm(payment.payment_id, "card_ok", "order-1", 1, RETURN_URL)
    assert again.state is PaymentState.CANCELLED
    created = await world.payments.create("order-1", 1, 2500, "EUR", {"order": "order-1"})
    assert created.state is PaymentState.CANCELLED


async def test_a_decline_without_its_payment_is_looked_up(client: Client) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.method == "POST":
            return web.json_response({"error": {"type": "card_error"}}, status=402)
        refused = {"last_payment_error": {"code": "expired_card"}}
        return web.Response(
            body=json.dumps(INTENT | {"status": "requires_payment_method"} | refused)
        )

    async with provider_that(handler, client) as payments:
        payment = await payments.confirm("pi_1", "card_ok", "order-1", 1, RETURN_URL)
    assert payment.decline_reason == "card-expired"
