"""The bank's own page, where a buyer says whether a payment is theirs."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from booking_core.practice_provider.app_keys import BANK, BOOK
from booking_core.practice_provider.forms import Params, parse_pairs
from booking_core.practice_provider.intents import Intent
from booking_core.practice_provider.pages_of_the_bank import (
    PAGES,
    back_to_shop,
    is_paid,
    money,
    page_response,
    recipient,
)

STYLE: Final = (PAGES / "bank_page.css").read_bytes()

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
    return back_to_shop(intent)


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
        outcome = "You approved the payment." if is_paid(intent) else "The payment was not made."
    view = BankPage(
        is_open=is_open,
        amount=money(intent) if intent else "",
        paid_to=recipient(intent),
        outcome=outcome,
    )
    return page_response("bank_page.html", view, intent)
