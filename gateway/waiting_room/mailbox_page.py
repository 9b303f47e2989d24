"""The page on which a fan confirms their mailbox: an address, then the code that came; both are forms."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.app_keys import CLOCK, RENDERER, ROOMS, WAIT_TOKENS
from gateway.pages.mailbox_view import MailboxPage
from gateway.waiting_room import mailbox_api
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.code_mails import MAIL_REFUSALS, mail_reason, page_answer
from gateway.waiting_room.page import event_wanted, see_other
from groundwork.bodies import read_form
from groundwork.check_errors import MailCodeInvalid
from groundwork.errors import BotCheckFailed, NotFound
from groundwork.pages import html_response

routes = web.RouteTableDef()


@routes.get("/sales/{sale}/mailbox")
async def mailbox_page(request: web.Request) -> web.Response:
    """Ask for the address; a sale that asks for none leads on to the waiting page."""
    try:
        mailbox_api.sale_that_asks(request)
    except NotFound:
        return see_other(request, request.match_info["sale"])
    return show(request)


@routes.post("/sales/{sale}/mailbox")
async def ask_form(request: web.Request) -> web.Response:
    """Send a code and ask for it."""
    sale = mailbox_api.sale_that_asks(request)
    form = await read_form(request)
    email, altcha = form.get("email", ""), form.get("altcha", "")
    try:
        if altcha:
            asked = await mailbox_api.send_for_work(request, sale, email, altcha)
        else:
            waited = form.get("wait_token", "")
            asked = await mailbox_api.send_for_wait(request, sale, email, waited)
    except BotCheckFailed as refusal:
        return show(request, refusal=refusal.reason, status=403)
    except MAIL_REFUSALS as refusal:
        status, headers = page_answer(refusal)
        return show(request, mail_refusal=mail_reason(refusal), status=status, headers=headers)
    return show(request, state="code", asked=asked)


@routes.post("/sales/{sale}/mailbox/code")
async def code_form(request: web.Request) -> web.Response:
    """Take the code; from then on the browser may join."""
    sale = mailbox_api.sale_that_asks(request)
    form = await read_form(request)
    asked = form.get("asked", "")
    try:
        token = await mailbox_api.confirmed(request, sale, asked, form.get("code", ""))
    except MailCodeInvalid as refusal:
        if refusal.reason != "wrong":
            return show(request, mail_refusal=refusal.reason, status=403)
        return show(request, state="code", asked=asked, mail_refusal="wrong", status=403)
    response = see_other(request, sale.sale_id)
    mailbox_api.give_mailbox(request, response, sale.sale_id, token)
    return response


def show(
    request: web.Request,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **view: Any,
) -> web.Response:
    """Return the page."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    page = MailboxPage(
        sale_id=sale.sale_id,
        name=sale.name,
        now_ms=request.config_dict[CLOCK].now_ms(),
        wait_token=request.config_dict[WAIT_TOKENS].issue(sale.sale_id),
        event_id=event_wanted(request),
        brand=brand_view(sale),
        **view,
    )
    return html_response(
        request, request.config_dict[RENDERER], "mailbox.html", page, status=status, headers=headers
    )
