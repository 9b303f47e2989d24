"""Asks the practice provider over HTTP, in Stripe's wire format and without the official library."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from booking_core.checkout.wire_payments import (
    Ask,
    Params,
    Verb,
    WireAnswer,
    WirePayments,
    read_bounded,
)

ADDRESSES: Final[dict[Verb, tuple[str, str]]] = {
    "create": ("POST", "payment_intents"),
    "confirm": ("POST", "payment_intents/{}/confirm"),
    "get": ("GET", "payment_intents/{}"),
    "cancel": ("POST", "payment_intents/{}/cancel"),
    "capture": ("POST", "payment_intents/{}/capture"),
    "refund": ("POST", "refunds"),
}


class PracticePayments(WirePayments):
    """Payments over HTTP with the session it is given; see `Payments` for what each call does."""

    async def _ask(self, ask: Ask) -> WireAnswer:
        method, path = ADDRESSES[ask.verb]
        headers = {
            "Authorization": f"Bearer {self._secret_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with self._session.request(
            method,
            URL(f"{self._base_url}/v1/{path.format(quote(ask.payment_id, safe=''))}", encoded=True),
            data=urlencode(list(flat(ask.params))).encode() if method == "POST" else None,
            headers=headers | ({"Idempotency-Key": ask.key} if ask.key else {}),
            timeout=aiohttp.ClientTimeout(total=ask.timeout_s),
            allow_redirects=False,
        ) as response:
            body = await read_bounded(ask.verb, response)
            is_replayed = response.headers.get("Idempotent-Replayed") == "true"
            return WireAnswer(response.status, body, is_replayed)


def flat(params: Params, inside: str = "") -> Iterator[tuple[str, str]]:
    """Yield the pairs of a form as Stripe writes nesting: `metadata[order_id]`."""
    for name, value in params.items():
        path = f"{inside}[{name}]" if inside else name
        if isinstance(value, dict):
            yield from flat(value, path)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)
