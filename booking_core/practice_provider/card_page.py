"""The provider's own card form: the buyer types the card here, and the shop never sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from booking_core.practice_provider.app_keys import BANK, BOOK, CLOCK
from booking_core.practice_provider.forms import Params, parse_pairs
from booking_core.practice_provider.intents import Intent
from booking_core.practice_provider.pages_of_the_bank import (
    back_to_shop,
    is_paid,
    money,
    page_response,
    recipient,
)
from booking_core.practice_provider.practice_cards import CARDS, PracticeCard, read_card
from booking_core.practice_provider.stripe_objects import page_path

NOTHING: Final[Mapping[str, str]] = {}

FIELDS: Final = ("number", "expiry", "cvc")

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class CardPage:
    """What the page shows: the form while `is_open`, else what became of the payment.

    `refusal` is the bank's word on the last card; `problems` what is wrong with each field.
    """

    is_open: bool
    amount: str
    paid_to: str
    outcome: str
    refusal: str
    problems: Mapping[str, str]
    cards: tuple[PracticeCard, ...] = CARDS


@routes.get("/card/{challenge_id}")
async def ask(request: web.Request) -> web.Response:
    """Ask for a card; once paid or replaced by a newer question, say so."""
    return _page(request.app[BOOK].of_challenge(request.match_info["challenge_id"]))


@routes.post("/card/{challenge_id}")
async def take_card(request: web.Request) -> web.Response:
    """Try the card; lead back to the shop, on to the bank's question, or ask for another card."""
    challenge_id = request.match_info["challenge_id"]
    intent = request.app[BOOK].of_challenge(challenge_id)
    params = Params(parse_pairs(await request.read()))
    if intent is not None and intent.status == "requires_action":
        if params.choice("decision", ("pay", "refuse")) == "refuse":
            intent = await request.app[BANK].decide_on_page(challenge_id, is_approved=False)
        else:
            today = datetime.fromtimestamp(request.app[CLOCK].now_ms() / 1000, UTC)
            number, expiry, cvc = (params.text(name) or "" for name in FIELDS)
            typed = read_card(number, expiry, cvc, today.year, today.month)
            if typed.method is None:
                return _page(intent, problems=typed.problems)
            intent = request.app[BANK].take_card(challenge_id, typed.method)
            if typed.method.refusal:
                return _page(intent, refusal=typed.method.refusal.message)
        await request.app[BOOK].flush()
    if intent is None:
        return _page(None)
    if intent.status == "requires_action":
        return web.Response(status=303, headers={"Location": page_path(intent)})
    return back_to_shop(intent) if intent.return_url else _page(intent)


def _page(
    intent: Intent | None, *, refusal: str = "", problems: Mapping[str, str] = NOTHING
) -> web.Response:
    is_open = intent is not None and intent.status == "requires_action"
    outcome = "This payment is not open any more. Go back to the shop and look at your order."
    if intent is not None and not is_open:
        is_slow = intent.status == "processing"
        paid = "You have paid." if is_paid(intent) else "The payment was not made."
        outcome = "The bank is at it." if is_slow else paid
    view = CardPage(
        is_open=is_open,
        amount=money(intent) if intent else "",
        paid_to=recipient(intent),
        outcome=outcome,
        refusal=refusal,
        problems=problems,
    )
    return page_response("card_page.html", view, intent)
