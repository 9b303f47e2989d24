"""The bank's own page, where a buyer says whether a payment is theirs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2
from aiohttp import web
from babel.numbers import format_currency, get_currency_precision
from yarl import URL

from booking_core.practice_provider.app_keys import BANK, BOOK
from booking_core.practice_provider.forms import Params, parse_pairs
from booking_core.practice_provider.intents import Intent

PAGES: Final = Path(__file__).parent / "pages"
STYLE: Final = (PAGES / "bank_page.css").read_bytes()
TEMPLATE: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
).get_template("bank_page.html")

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class BankPage:
    """What the page shows: a question while `is_open`, else what became of it."""

    is_open: bool
    amount: str
    paid_to: str
    outcome: str


@routes.get("/3ds/{challenge_id}")
async def ask(request: web.Request) -> web.Response:
    """Ask the buyer; once answered, or replaced by a newer question, say so."""
    return _page(request.app[BOOK].of_challenge(request.match_info["challenge_id"]))


@routes.post("/3ds/{challenge_id}")
async def take_answer(request: web.Request) -> web.Response:
    """Take the buyer's word and send them back to the shop."""
    params = Params(parse_pairs(await request.read()))
    decision = params.choice("decision", ("approve", "refuse"))
    challenge_id = request.match_info["challenge_id"]
    intent = request.app[BOOK].of_challenge(challenge_id)
    if decision:
        intent = await request.app[BANK].decide_on_page(
            challenge_id, is_approved=decision == "approve"
        )
        await request.app[BOOK].flush()
    if intent is None or intent.return_url is None or intent.status == "requires_action":
        return _page(intent)
    # The shop finds out what happened from the provider, not from this address.
    back = URL(intent.return_url, encoded=True).update_query(
        payment_intent=intent.id,
        redirect_status="succeeded" if _is_paid(intent) else "failed",
    )
    return web.Response(status=303, headers={"Location": str(back), "Cache-Control": "no-store"})


@routes.get("/static/bank_page.css")
async def style(_request: web.Request) -> web.Response:
    """Send the page's style sheet."""
    return web.Response(
        body=STYLE,
        content_type="text/css",
        charset="utf-8",
        # An hour: a rehearsal's worth.
        headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"},
    )


def _page(intent: Intent | None) -> web.Response:
    is_open = intent is not None and intent.status == "requires_action"
    outcome = "This question is not open any more. Go back to the shop and look at your order."
    if intent is not None and not is_open:
        outcome = "You approved the payment." if _is_paid(intent) else "The payment was not made."
    view = BankPage(
        is_open=is_open,
        amount=_money(intent) if intent else "",
        paid_to=(intent.description if intent else None) or "Ticket shop",
        outcome=outcome,
    )
    return web.Response(
        text=TEMPLATE.render(page=view),
        status=200 if intent else 404,
        content_type="text/html",
        headers={
            "Content-Security-Policy": _policy(intent),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _policy(intent: Intent | None) -> str:
    # Browsers hold the redirect after a form to form-action as well: the shop must be in it.
    shop = ""
    if intent and intent.return_url:
        shop = f" {URL(intent.return_url, encoded=True).origin()}"
    return (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{shop}"
    )


def _is_paid(intent: Intent) -> bool:
    return intent.status in ("requires_capture", "succeeded")


def _money(intent: Intent) -> str:
    currency = intent.currency.upper()
    amount = intent.amount / 10 ** get_currency_precision(currency)
    return format_currency(amount, currency, locale="en_GB")
