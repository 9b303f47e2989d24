"""What the provider knows of the money, whole: for auditors, and for the verdict on a rehearsal."""

from collections import Counter
from dataclasses import asdict
from itertools import islice
from typing import Final

import msgspec
from aiohttp import web

from booking_core.practice_provider.app_keys import BOOK, CLOCK, WEBHOOKS
from booking_core.practice_provider.intent_book import IntentBook
from booking_core.practice_provider.intents import Intent
from booking_core.practice_provider.stripe_objects import Json

# Some milliseconds of work; between two pieces other requests are answered.
PIECE: Final = 500

routes = web.RouteTableDef()


@routes.get("/practice/ledger")
async def ledger(request: web.Request) -> web.StreamResponse:
    """Send every intent, oldest first, and the sums by currency; amounts are in minor units."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    book: IntentBook = request.app[BOOK]
    intents = iter(book)
    sums: dict[str, Counter[str]] = {}
    by_status: Counter[str] = Counter()
    await response.write(b'{"intents":[')
    separator = b""
    while piece := list(islice(intents, PIECE)):
        for intent in piece:
            by_status[intent.status] += 1
            sums.setdefault(intent.currency, Counter()).update(_sums(intent))
        lines = b",\n".join(msgspec.json.encode(_entry(intent)) for intent in piece)
        await response.write(separator + lines)
        separator = b",\n"
    webhooks = request.app[WEBHOOKS]
    totals = {
        "at_ms": request.app[CLOCK].now_ms(),
        "count": by_status.total(),
        "by_status": by_status,
        "sums": sums,
        "webhooks": asdict(webhooks.counts) | {"waiting": webhooks.waiting},
    }
    await response.write(b"]," + msgspec.json.encode(totals)[1:])
    await response.write_eof()
    return response


def _sums(intent: Intent) -> dict[str, int]:
    return {
        "capturable_cents": intent.amount_capturable,
        "captured_cents": intent.amount_received,
        "refunded_cents": intent.amount_refunded,
    }


def _entry(intent: Intent) -> Json:
    return {
        "payment_id": intent.id,
        "status": intent.status,
        "currency": intent.currency,
        "amount_cents": intent.amount,
        **_sums(intent),
        "metadata": intent.metadata,
        "payment_method": intent.payment_method,
        "last_refusal": intent.last_refusal and intent.last_refusal.code,
        "created_at_ms": intent.created_at_ms,
        "authorized_at_ms": intent.authorized_at_ms,
        "captured_at_ms": intent.captured_at_ms,
        "canceled_at_ms": intent.canceled_at_ms,
        "refunds": [
            {"amount_cents": refund.amount, "created_at_ms": refund.created_at_ms}
            for refund in intent.refunds
        ],
    }
