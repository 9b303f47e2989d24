"""The page of the check before going in: why, in which ways, and what to say to whoever is asked."""

from typing import Annotated, Any

import msgspec
from aiohttp import web

from gateway.app_keys import CLOCK, RENDERER, ROOMS, WAIT_TOKENS
from gateway.bot_checks.signals import against
from gateway.pages.check_view import CheckPage
from gateway.waiting_room import stepping_up
from gateway.waiting_room.api import NO_STORE, Text
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.page import see_other, ticket_if_any
from groundwork.bodies import read_body, read_form
from groundwork.check_errors import StepUpFailed
from groundwork.errors import BotCheckFailed, StoreUnavailable
from groundwork.pages import html_response

routes = web.RouteTableDef()


class StepUpBody(msgspec.Struct, frozen=True):
    """What a step-up says: the way that was gone, and what came of it."""

    way: Annotated[str, msgspec.Meta(max_length=32)]
    answer: Text
    ticket: Text | None = None


@routes.post("/api/sales/{sale}/step-up")
async def step_up(request: web.Request) -> web.Response:
    """Take the answer to a check; afterwards admission asks for none."""
    body = await read_body(request, StepUpBody)
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    await stepping_up.step_up(request, sale_id, body.ticket, body.way, body.answer)
    return web.Response(status=204, headers=NO_STORE)


@routes.get("/sales/{sale}/check")
async def check_page(request: web.Request) -> web.Response:
    """Show what is asked for and why; who is asked for nothing goes on to the waiting page."""
    return await show(request)


@routes.post("/sales/{sale}/check")
async def check_form(request: web.Request) -> web.Response:
    """Take the check of a fan without JavaScript, who has waited a minute."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    form = await read_form(request)
    way, answer = form.get("way", ""), form.get("wait_token", "")
    if ticket_if_any(request, sale_id) is None:
        return see_other(request, sale_id)
    try:
        await stepping_up.step_up(request, sale_id, None, way, answer)
    except (BotCheckFailed, StepUpFailed) as refusal:
        return await show(request, refusal=refusal.reason, status=403)
    return see_other(request, sale_id)


async def show(request: web.Request, *, status: int = 200, **view: Any) -> web.Response:
    """Return the page, or the way back for who is asked for nothing."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    ticket = ticket_if_any(request, sale.sale_id)
    if ticket is None:
        return see_other(request, sale.sale_id)
    try:
        codes = await stepping_up.noted(request, ticket)
    except StoreUnavailable:
        return see_other(request, sale.sale_id)
    if not stepping_up.is_needed(codes):
        return see_other(request, sale.sale_id)
    page = CheckPage(
        sale_id=sale.sale_id,
        name=sale.name,
        now_ms=request.config_dict[CLOCK].now_ms(),
        reasons=against(codes),
        wait_token=request.config_dict[WAIT_TOKENS].issue(sale.sale_id),
        wait_seconds=stepping_up.WAIT_MS // 1000,
        reference=ticket.fan_id,
        brand=brand_view(sale),
        **view,
    )
    return html_response(
        request,
        request.config_dict[RENDERER],
        "check.html",
        page,
        status=status,
        headers={"Vary": "Accept-Language, Cookie"},
    )
