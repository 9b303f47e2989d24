"""Puts the practice provider together: its own HTTP server, not part of the shop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiohttp import web

from booking_core.practice_provider import bank_page, card_page, faults, ledger_view, stripe_api
from booking_core.practice_provider.app_keys import (
    BANK,
    BOOK,
    CLOCK,
    FAULTS,
    KEYS,
    SETTINGS,
    TOKENS,
    WEBHOOKS,
)
from booking_core.practice_provider.bank import Bank
from booking_core.practice_provider.fault_plan import FaultPlan
from booking_core.practice_provider.idempotency import IdempotencyKeys
from booking_core.practice_provider.intent_book import IntentBook
from booking_core.practice_provider.journal import AnswerLine, IntentLine, open_journal
from booking_core.practice_provider.middlewares import (
    in_flight_limit,
    name_request,
    secret_key,
    stripe_errors,
)
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.practice_provider.webhooks import Webhooks
from groundwork.clock import Clock, TokenSource

# The largest request there is: 50 metadata fields of 500 characters, three bytes a character.
BODY_BYTES_MAX: Final = 128 * 1024


def make_provider_app(
    settings: ProviderSettings, clock: Clock, tokens: TokenSource
) -> web.Application:
    """Return the provider, ready to be served; it opens its journal when it starts.

    Serve it with a short shutdown time limit: what still waits for the bank is cut off at once.
    """
    app = web.Application(
        middlewares=[name_request, stripe_errors, in_flight_limit(), secret_key],
        client_max_size=BODY_BYTES_MAX,
    )
    app[SETTINGS] = settings
    app[CLOCK] = clock
    app[TOKENS] = tokens
    app[FAULTS] = FaultPlan()
    app.cleanup_ctx.append(services_ctx)
    app.on_shutdown.append(_cut_off_what_waits)
    app.router.add_get("/health/live", _live)
    app.add_routes(stripe_api.routes)
    app.add_routes(bank_page.routes)
    app.add_routes(card_page.routes)
    app.add_routes(ledger_view.routes)
    app.add_routes(faults.routes)
    return app


@asynccontextmanager
async def services_ctx(app: web.Application) -> AsyncIterator[None]:
    """Open what the handlers need, and remember what happened before the restart."""
    settings, clock, tokens = app[SETTINGS], app[CLOCK], app[TOKENS]
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        open_journal(settings.practice_journal_path) as (journal, lines),
    ):
        webhooks = Webhooks(
            session,
            clock,
            tokens,
            url=settings.practice_webhook_url,
            certificate=settings.practice_webhook_certificate,
            secret=settings.payments_webhook_secret,
            copies=settings.practice_webhook_copies,
            faults=app[FAULTS],
        )
        book = IntentBook(journal, webhooks, clock, tokens)
        keys = IdempotencyKeys(journal, clock)
        for line in lines:
            match line:
                case IntentLine(intent):
                    book.restore(intent)
                case AnswerLine():
                    keys.restore(line)
        bank = Bank(book, clock, settings)
        bank.resume()
        app[BOOK], app[KEYS], app[BANK], app[WEBHOOKS] = book, keys, bank, webhooks
        try:
            yield
        finally:
            await bank.close()
            await webhooks.close()


async def _cut_off_what_waits(app: web.Application) -> None:
    # Before the server waits for open requests: some of them wait for a bank that takes a minute.
    await app[BANK].close()


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"status": "live"})
