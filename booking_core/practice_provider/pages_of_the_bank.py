"""What the bank's pages have in common: how they look, what they may do, and the way back."""

from pathlib import Path
from typing import Final

import jinja2
from aiohttp import web
from babel.numbers import format_currency, get_currency_precision
from yarl import URL

from booking_core.practice_provider.intents import Intent

PAGES: Final = Path(__file__).parent / "pages"
TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def page_response(template: str, view: object, intent: Intent | None) -> web.Response:
    """Return a page about an intent; 404 for none."""
    return web.Response(
        text=TEMPLATES.get_template(template).render(page=view),
        status=200 if intent else 404,
        content_type="text/html",
        headers={
            "Content-Security-Policy": _policy(intent),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def back_to_shop(intent: Intent) -> web.Response:
    """Send the buyer back; the shop finds out what happened from the provider, not from this."""
    assert intent.return_url
    status = "succeeded" if is_paid(intent) else "failed"
    back = URL(intent.return_url, encoded=True).update_query(
        payment_intent=intent.id,
        redirect_status="pending" if intent.status == "processing" else status,
    )
    return web.Response(status=303, headers={"Location": str(back), "Cache-Control": "no-store"})


def is_paid(intent: Intent) -> bool:
    """Say whether the money is reserved or taken."""
    return intent.status in ("requires_capture", "succeeded")


def money(intent: Intent) -> str:
    """Return the amount as people write it."""
    currency = intent.currency.upper()
    amount = intent.amount / 10 ** get_currency_precision(currency)
    return format_currency(amount, currency, locale="en_GB")


def recipient(intent: Intent | None) -> str:
    """Return who is paid."""
    return (intent.description if intent else None) or "Ticket shop"


def _policy(intent: Intent | None) -> str:
    # Browsers hold the redirect after a form to form-action as well: the shop must be in it.
    shop = ""
    if intent and intent.return_url:
        shop = f" {URL(intent.return_url, encoded=True).origin()}"
    return (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{shop}"
    )
