"""The waiting page, and its forms for browsers without JavaScript."""

from contextlib import suppress

import msgspec
from aiohttp import web

from gateway.app_keys import CLOCK, MOVES, RENDERER, ROOMS, SETTINGS, WAIT_TOKENS
from gateway.edge.credentials import pass_in_cookie, pass_in_header, read_ticket
from gateway.edge.renewal import give_pass
from gateway.pages.views import MailboxState, RoomEvent, WaitingPage
from gateway.waiting_room import joining
from gateway.waiting_room.api import (
    give_ticket,
    place_document,
    take_both_back,
    take_place_back,
)
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.fan_names import mailbox_confirmed
from gateway.waiting_room.places import place_of
from gateway.waiting_room.sales import SALE_ID, Sale, SaleEvent
from gateway.waiting_room.watching import note
from groundwork.bodies import read_form
from groundwork.check_errors import MailboxNeeded, StepUpNeeded
from groundwork.errors import (
    BotCheckFailed,
    DeviceProofInvalid,
    NotAdmitted,
    NotYourTurn,
    PassExpired,
    SaleNotOpen,
    SalePaused,
    TicketInvalid,
)
from groundwork.pages import html_response
from groundwork.tokens import TicketClaims

routes = web.RouteTableDef()


@routes.get("/sales/{sale}")
async def waiting_page(request: web.Request) -> web.Response:
    """Show where the fan stands; every reload shows the same place. To programs: as JSON."""
    sale_id = request.match_info["sale"]
    rooms = request.config_dict[ROOMS]
    room, board = rooms.room(sale_id), rooms.board(sale_id)
    ticket = ticket_if_any(request, sale_id)
    is_moved = ticket is not None and has_moved(request, ticket)
    if is_moved:
        ticket = None
    again = await joining.entered_again(request, ticket)
    if again is not None:
        ticket = again.claims
    response: web.Response
    if wants_document(request):
        now_ms = request.config_dict[CLOCK].now_ms()
        place = place_document(room, board.document, ticket, now_ms) if ticket else None
        response = web.json_response(
            {
                "board": msgspec.to_builtins(board.document),
                "place": msgspec.to_builtins(place),
            },
            headers={"Cache-Control": "no-store", "Vary": "Accept, Cookie"},
        )
    else:
        response = show(request, sale_id, ticket, is_moved=is_moved)
    if again is not None:
        give_ticket(request, response, again)
    if is_moved:
        take_both_back(request, response, sale_id)
    return response


def has_moved(request: web.Request, ticket: TicketClaims) -> bool:
    """Say whether the ticket's place is another device's, as far as this process knows."""
    known = request.config_dict[MOVES].known
    return known.moved_to(ticket.sale_id, ticket.fan_id, ticket.lane) is not None


@routes.post("/sales/{sale}/join")
async def join_form(request: web.Request) -> web.Response:
    """Take in a fan without JavaScript, who has waited instead of computed."""
    sale_id = request.match_info["sale"]
    form = await read_form(request)
    wait_token, code = form.get("wait_token"), form.get("access_code", "")
    if not wait_token:
        return see_other(request, sale_id)  # pressed before the page's script was there
    try:
        hidden = form.get("website", "")
        given = await joining.join_by_waiting(request, sale_id, wait_token, code, hidden)
    except MailboxNeeded as refusal:
        return led_to(request, refusal.mailbox_url)
    except BotCheckFailed as refusal:
        ticket = ticket_if_any(request, sale_id)
        return show(request, sale_id, ticket, refusal=refusal.reason, status=403)
    response = see_other(request, sale_id)
    give_ticket(request, response, given)
    return response


@routes.get("/sales/{sale}/enter-now")
async def hidden_link(request: web.Request) -> web.Response:
    """Note who follows a link that no browser shows, and show them what everybody sees."""
    sale_id = request.match_info["sale"]
    ticket = ticket_if_any(request, sale_id)
    if ticket is not None:
        await note(request, sale_id, ticket.fan_id, {"hidden-link"})
    return see_other(request, sale_id)


@routes.post("/sales/{sale}/admit")
async def admit_form(request: web.Request) -> web.Response:
    """Let a called fan in without JavaScript; before the call the page shows how things stand."""
    sale_id = request.match_info["sale"]
    try:
        given = await let_in(request, sale_id)
    except (DeviceProofInvalid, NotYourTurn, SaleNotOpen, SalePaused, TicketInvalid):
        return see_other(request, sale_id)
    except StepUpNeeded as refusal:
        return led_to(request, refusal.check_url)
    response = web.Response(status=303, headers={"Location": given.go_to})
    give_pass(request, response, given.claims, given.text)
    return response


async def let_in(request: web.Request, sale_id: str) -> joining.PassGiven:
    """Let a called fan in, who cannot ask again by themselves: the answer comes when their token has."""
    event_id = request.query.get("event")
    try:
        return await joining.admit(request, sale_id, None, event_id)
    except NotYourTurn as refusal:
        if refusal.retry_after_ms is None:
            raise
        await request.config_dict[CLOCK].sleep_ms(refusal.retry_after_ms)
    return await joining.admit(request, sale_id, None, event_id)


@routes.post("/sales/{sale}/leave")
async def leave_form(request: web.Request) -> web.Response:
    """Give up the place or the visit."""
    sale_id = request.match_info["sale"]
    rooms = request.config_dict[ROOMS]
    rooms.room(sale_id)
    response = see_other(request, sale_id)
    try:
        ticket = read_ticket(request, sale_id)
    except TicketInvalid:
        take_both_back(request, response, sale_id)
        return response
    await rooms.line.visits.end(sale_id, ticket.fan_id)
    take_place_back(request, response, ticket)
    return response


def see_other(request: web.Request, sale_id: str) -> web.Response:
    """Answer a form with the page, so that a reload posts nothing again."""
    sale_id = request.config_dict[ROOMS].room(sale_id).sale.sale_id
    return led_to(request, f"/sales/{sale_id}")


def led_to(request: web.Request, page: str) -> web.Response:
    """Lead a browser to one of our pages; what the fan came for goes along."""
    event_id = event_wanted(request)
    query = f"?event={event_id}" if event_id else ""
    return web.Response(status=303, headers={"Location": f"{page}{query}"})


def event_wanted(request: web.Request) -> str:
    """Return the event the fan came for, if the address names one."""
    event_id = request.query.get("event", "")
    return event_id if SALE_ID.fullmatch(event_id) else ""


def show(
    request: web.Request,
    sale_id: str,
    ticket: TicketClaims | None,
    refusal: str = "",
    status: int = 200,
    *,
    is_moved: bool = False,
) -> web.Response:
    """Return the page for this fan at this moment."""
    rooms = request.config_dict[ROOMS]
    room = rooms.room(sale_id)
    board = rooms.board(sale_id)
    now_ms, draw = request.config_dict[CLOCK].now_ms(), board.document.draw
    place = place_of(ticket, board.document.phase, room.sale.draw) if ticket else None
    lane = ticket.lane if ticket else None
    page = WaitingPage(
        sale_id=sale_id,
        now_ms=now_ms,
        board_json=board.body.decode(),
        wait_token=request.config_dict[WAIT_TOKENS].issue(sale_id),
        entry_number=ticket.entry_number if ticket else None,
        place=place,
        is_from_draw=bool(ticket and ticket.entry_number and draw and draw.seed),
        is_moved=is_moved,
        lane=lane,
        claim_within_ms=None if place is None else room.claim_within_ms(place, lane, now_ms),
        go_to=go_to_if_inside(request, sale_id),
        refusal=refusal,
        wants_access_code=bool(room.sale.lanes),
        mailbox=mailbox_state(request, room.sale),
        answer_ms=request.config_dict[SETTINGS].answer_ms,
        event_id=event_wanted(request),
        brand=brand_view(room.sale),
        events=tuple(room_event(event) for event in room.sale.events),
    )
    return html_response(
        request,
        request.config_dict[RENDERER],
        "waiting_room.html",
        page,
        status=status,
        headers={"Vary": "Accept, Accept-Language, Cookie"},
    )


def mailbox_state(request: web.Request, sale: Sale) -> MailboxState:
    """Return whether the sale asks for a mailbox, and whether the browser has confirmed one."""
    if not sale.one_per_mailbox:
        return ""
    return "confirmed" if mailbox_confirmed(request, sale.sale_id) else "wanted"


def room_event(event: SaleEvent) -> RoomEvent:
    """Return what the page shows of an event."""
    return RoomEvent(
        event_id=event.event_id,
        name=event.name,
        venue=event.venue,
        city=event.city,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
    )


def wants_document(request: web.Request) -> bool:
    """Say whether a program asks instead of a browser: it takes JSON and no page."""
    accept = request.headers.get("Accept", "")
    return "application/json" in accept and "text/html" not in accept


def ticket_if_any(request: web.Request, sale_id: str) -> TicketClaims | None:
    """Return the fan's ticket, or None: a page is shown to everybody."""
    with suppress(TicketInvalid):
        return read_ticket(request, sale_id)
    return None


def go_to_if_inside(request: web.Request, sale_id: str) -> str:
    """Return where the fan goes who has a pass for this sale, else an empty text."""
    with suppress(NotAdmitted, PassExpired):
        admission = pass_in_header(request) or pass_in_cookie(request, sale_id, "/")
        if admission.sale_id == sale_id:
            room = request.config_dict[ROOMS].room(sale_id)
            return joining.entrance(request, room.sale, request.query.get("event"))
    return ""
