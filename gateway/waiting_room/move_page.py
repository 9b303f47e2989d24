"""The pages of a move: the link as something to scan, and the one press that takes the place."""

from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from gateway.app_keys import CLOCK, MOVES, RENDERER, ROOMS, TOKEN_SOURCE, TOKENS
from gateway.pages.move_view import MovePage, Reason
from gateway.pages.qr import link_qr
from gateway.waiting_room import moving
from gateway.waiting_room.api import give_ticket
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.page import event_wanted, see_other, ticket_if_any
from groundwork.bodies import read_form
from groundwork.errors import MoveLinkInvalid, MoveRefused, RequestInvalid, TicketInvalid
from groundwork.pages import html_response

routes = web.RouteTableDef()

# As long as ours are, and some more.
CLAIM_ID_CHARACTERS_MAX: Final = 64


@routes.get("/sales/{sale}/move")
async def claim_page(request: web.Request) -> web.Response:
    """Ask the device that opened a link whether it takes the place; looking alone moves nothing."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    token = request.query.get("link", "")
    own = ticket_if_any(request, sale_id)
    try:
        link = request.config_dict[TOKENS].read_move(token, sale_id)
        moved_to = await request.config_dict[MOVES].moved_to(sale_id, link.fan_id, link.lane)
        if own is not None and moved_to == own.fan_id:
            return see_other(request, sale_id)
        if moved_to is not None:
            raise MoveLinkInvalid("used")
        if own is not None and own.fan_id == link.fan_id:
            raise MoveLinkInvalid("own-device")
    except MoveLinkInvalid as refusal:
        return refused(request, sale_id, refusal)
    return show(
        request,
        sale_id,
        state="claim",
        link=token,
        claim_id=request.config_dict[TOKEN_SOURCE].token(),
        expires_at=at(link.expires_at_ms),
        place=link.place,
        entry_number=link.entry_number,
        has_own=own is not None,
    )


@routes.post("/sales/{sale}/move")
async def link_form(request: web.Request) -> web.Response:
    """Show the link that moves the place of a fan without JavaScript."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    try:
        made = await moving.make_link(request, sale_id, None, event_wanted(request))
    except TicketInvalid:
        return see_other(request, sale_id)  # there is nothing to move any more
    except MoveRefused as refusal:
        return refused(request, sale_id, refusal)
    return show(
        request,
        sale_id,
        state="link",
        url=made.url,
        qr=link_qr(made.url),
        expires_at=at(made.claims.expires_at_ms),
    )


@routes.post("/sales/{sale}/move/claim")
async def claim_form(request: web.Request) -> web.Response:
    """Move the place to a browser without JavaScript."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    form = await read_form(request)
    claim_id = form.get("claim_id", "")
    if not 0 < len(claim_id) <= CLAIM_ID_CHARACTERS_MAX:
        raise RequestInvalid("claim_id", f"must have 1 to {CLAIM_ID_CHARACTERS_MAX} characters")
    try:
        given = await moving.claim_by_form(request, sale_id, form.get("link", ""), claim_id)
    except (MoveLinkInvalid, MoveRefused) as refusal:
        return refused(request, sale_id, refusal)
    response = see_other(request, sale_id)
    give_ticket(request, response, given)
    return response


def refused(
    request: web.Request, sale_id: str, refusal: MoveLinkInvalid | MoveRefused
) -> web.Response:
    """Say why the place does not move, and what to do."""
    is_link = isinstance(refusal, MoveLinkInvalid)
    reason = reason_of(refusal)
    return show(request, sale_id, state="refused", reason=reason, status=410 if is_link else 409)


def reason_of(refusal: MoveLinkInvalid | MoveRefused) -> Reason:
    """Return the refusal as the page tells it."""
    match refusal:
        case MoveLinkInvalid(reason="used"):
            return "taken"
        case MoveLinkInvalid(reason="expired" | "own-device" as reason):
            return reason
        case MoveRefused(reason="inside" | "used" | "mailbox" as reason):
            return reason
    return "invalid"


def show(request: web.Request, sale_id: str, *, status: int = 200, **view: Any) -> web.Response:
    """Return the page."""
    sale = request.config_dict[ROOMS].room(sale_id).sale
    page = MovePage(
        sale_id=sale_id,
        name=sale.name,
        event_id=event_wanted(request),
        now_ms=request.config_dict[CLOCK].now_ms(),
        brand=brand_view(sale),
        **view,
    )
    return html_response(
        request,
        request.config_dict[RENDERER],
        "move.html",
        page,
        status=status,
        headers={"Vary": "Accept-Language, Cookie"},
    )


def at(moment_ms: int) -> datetime:
    """Return the moment as pages take it."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC)
