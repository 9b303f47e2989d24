"""Asks Stripe through its official library (extra `stripe`), without blocking the loop.

The library writes requests, authenticates and tells errors apart; the connection is our own, so that
time limits, sizes and the number of tries are ours as well.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

import aiohttp
import stripe
from yarl import URL

from booking_core.checkout.payments import PaymentUnknown
from booking_core.checkout.wire_payments import (
    Ask,
    Observe,
    WireAnswer,
    WirePayments,
    read_bounded,
)
from groundwork.clock import Clock

# What to do about a lost answer is checkout's decision: it asks how the payment stands.
RETRIES: Final = 0
# `_ask` bounds the whole call.
NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)


class StripePayments(WirePayments):
    """Payments at Stripe, or whoever answers like it at `base_url`; see `Payments`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        secret_key: str,
        clock: Clock,
        *,
        observe: Observe | None = None,
        **timeouts_s: float,
    ) -> None:
        super().__init__(session, base_url, secret_key, clock, observe=observe, **timeouts_s)
        client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": self._base_url},
            http_client=_SessionClient(session),
            max_network_retries=RETRIES,
        )
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds

    async def _ask(self, ask: Ask) -> WireAnswer:
        try:
            async with asyncio.timeout(ask.timeout_s):
                shown = await self._send(ask)
        except stripe.StripeError as error:
            if error.http_status is None:
                raise PaymentUnknown(ask.verb, type(error).__name__) from error
            return _answer(error.http_status, error.http_body or "", error.headers)
        except UnicodeDecodeError as error:  # the library takes every answer for text
            raise PaymentUnknown(ask.verb, "unreadable answer") from error
        response = getattr(shown, "last_response", None)
        if response is None:  # an answer in JSON that is no object
            raise PaymentUnknown(ask.verb, "unreadable answer")
        return _answer(response.code, response.body, response.headers)

    async def _send(self, ask: Ask) -> object:
        """Ask what is asked in the library's words."""
        params = cast("Any", dict(ask.params))
        options: stripe.RequestOptions = {"idempotency_key": ask.key} if ask.key else {}
        match ask.verb:
            case "create":
                return await self._intents.create_async(params, options)
            case "confirm":
                return await self._intents.confirm_async(ask.payment_id, params, options)
            case "get":
                return await self._intents.retrieve_async(ask.payment_id)
            case "cancel":
                return await self._intents.cancel_async(ask.payment_id, params, options)
            case "capture":
                return await self._intents.capture_async(ask.payment_id, params, options)
            case "refund":
                return await self._refunds.create_async(params, options)


class _SessionClient(stripe.HTTPClient):
    """The library's requests over a session of ours: bounded answers, nothing followed."""

    name = "aiohttp"

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__()
        self._our_session = session

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request and return body, status and headers."""
        async with self._our_session.request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=post_data,
            timeout=NO_TIMEOUT,
            allow_redirects=False,
        ) as response:
            body = await read_bounded(f"{method} {url}", response)
            return body, response.status, response.headers


def _answer(status: int, body: str, headers: Mapping[str, str] | None) -> WireAnswer:
    is_replayed = (headers or {}).get("Idempotent-Replayed") == "true"
    return WireAnswer(status, body.encode(), is_replayed)
