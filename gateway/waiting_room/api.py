"""The waiting room's calls: board, stream, challenge, join, place, admit, leave."""

from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from gateway.app_keys import CLOCK, DRAWS, MOVES, PROOF_OF_WORK, ROOMS, SETTINGS
from gateway.bot_checks.challenge_pool import EXTRA
from gateway.bot_checks.proof_of_work import JKT, JOINING, STEPPING_UP, Challenge
from gateway.edge import cookies
from gateway.edge.credentials import pass_in_header, read_ticket, read_ticket_in_line
from gateway.edge.renewal import give_pass
from gateway.waiting_room import joining
from gateway.waiting_room.board import (
    BoardDocument,
    ahead_in,
    eta_in,
    moment_text,
    serving_in,
)
from gateway.waiting_room.documents import (
    AdmissionDocument,
    EtaRange,
    PlaceDocument,
    TicketDocument,
    ticket_document,
)
from gateway.waiting_room.eta import eta_at
from gateway.waiting_room.places import place_of, share_of
from gateway.waiting_room.ready_boards import BOARD_HEADERS, BOARD_PATH
from gateway.waiting_room.room import Room
from gateway.waiting_room.watching import level_for
from groundwork.check_errors import MailboxNeeded, StepUpNeeded
from groundwork.errors import (
    AccessCodeInvalid,
    BotCheckFailed,
    DeviceProofInvalid,
    NotYourTurn,
    PassExpired,
    RequestInvalid,
    SaleClosed,
    SaleNotFound,
    SaleNotOpen,
    SalePaused,
    StoreUnavailable,
    TicketInvalid,
    TicketMoved,
    TooManyRequests,
)
from groundwork.operations import DPOP, IF_NONE_MATCH, ApiRoutes, Credential
from groundwork.plain_request import Asking
from groundwork.tokens import PassClaims, TicketClaims
from groundwork.typed_answers import Created, Encoded, Json, NoContent, NotModified

routes = ApiRoutes("Waiting room")

Text = Annotated[str, msgspec.Meta(max_length=4096)]
JOIN_PATH: Final = "/api/sales/{sale}/join"
TICKET: Final = Credential("ticket")
# Of who was called and has room kept for them, in the phases in which somebody is let in.
NO_WAIT: Final = EtaRange(0, 0, 0)
LETTING_IN: Final = ("open", "draining")
# Where the body may carry it as well.
TICKET_OR_BODY: Final = Credential("ticket", required=False)


class ChallengeQuery(msgspec.Struct, frozen=True, rename={"purpose": "for"}):
    """`jkt` is the device key's thumbprint (RFC 7638); `for=step-up` asks for the check before going in."""

    jkt: Annotated[str, msgspec.Meta(pattern=f"^{JKT.pattern}$")] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    purpose: Literal["step-up"] | msgspec.UnsetType = msgspec.UNSET


class JoinBody(msgspec.Struct, frozen=True):
    """What a join says."""

    altcha: Text
    access_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    mailbox: Text | None = None


class AdmitBody(msgspec.Struct, frozen=True):
    """What an admit may say; `event` is the event the fan came for."""

    ticket: Text | None = None
    event: Annotated[str, msgspec.Meta(max_length=63)] | None = None


class LeaveBody(msgspec.Struct, frozen=True):
    """What a leave may say."""

    ticket: Text | None = None


@routes.get(BOARD_PATH, refuses=[SaleNotFound, StoreUnavailable], headers=[IF_NONE_MATCH])
async def status(request: web.Request) -> Json[BoardDocument] | NotModified:
    """Answer the status board: how the sale stands, the same for everybody, new every second."""
    # Asked where ReadyBoards did not answer: HEAD, lists of tags, odd requests.
    board = request.config_dict[ROOMS].board(request.match_info["sale"])
    # Weak or not, alone or in a list: proxies that compress rewrite what a client was given.
    if any(
        f'"{known.value}"' == board.etag or known.value == "*"
        for known in request.if_none_match or ()
    ):
        return NotModified({**BOARD_HEADERS, "ETag": board.etag})
    return Json(Encoded[BoardDocument](board.body), {"ETag": board.etag, **BOARD_HEADERS})


@routes.get(
    "/api/sales/{sale}/challenge",
    refuses=[RequestInvalid, SaleNotFound, TooManyRequests, StoreUnavailable],
)
async def challenge(request: web.Request, query: ChallengeQuery) -> Json[Challenge]:
    """Answer an ALTCHA challenge for this sale, and for this device key if it is named.

    It is a harder one where more is asked for than one household asks, or something speaks for a
    program; and with `for=step-up` one that counts as the check before going in, and for nothing else.
    """
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    level, purpose = await level_for(request, sale_id), JOINING
    if query.purpose == STEPPING_UP:
        level, purpose = EXTRA, STEPPING_UP
    work = request.config_dict[PROOF_OF_WORK]
    issued = work.issue(sale_id, query.jkt or None, level, purpose)
    return Json(Encoded[Challenge](issued))


@routes.post(
    JOIN_PATH,
    refuses=[
        *(SaleNotFound, SaleClosed, BotCheckFailed, DeviceProofInvalid, TicketMoved),
        *(AccessCodeInvalid, MailboxNeeded, TooManyRequests, StoreUnavailable),
    ],
    headers=[DPOP],
    credential=TICKET_OR_BODY,
)
async def join(request: web.Request, body: JoinBody) -> Created[TicketDocument]:
    """Take the fan into the line; the same device gets the same place again."""
    given = await join_for(request, request.match_info["sale"], body)
    response = Created(ticket_document(given))
    give_ticket(request, response, given)
    return response


def join_for(request: Asking, sale_id: str, body: JoinBody) -> Awaitable[joining.TicketGiven]:
    """Take the fan into the line. Raises as `joining.join`."""
    return joining.join(request, sale_id, body.altcha, body.access_code or "", body.mailbox or "")


@routes.get(
    "/api/sales/{sale}/place",
    refuses=[SaleNotFound, TicketInvalid, TicketMoved, StoreUnavailable],
    credential=TICKET,
)
async def place(request: web.Request) -> Json[PlaceDocument]:
    """Answer where the fan stands, for clients that do not compute it from the board."""
    sale_id = request.match_info["sale"]
    rooms = request.config_dict[ROOMS]
    room, document = rooms.room(sale_id), rooms.board(sale_id).document
    ticket = read_ticket_in_line(request, sale_id)
    request.config_dict[MOVES].known.refuse_moved(sale_id, ticket.fan_id, ticket.lane)
    again = await joining.entered_again(request, ticket)
    if again is not None:
        ticket = again.claims
    receipt = await request.config_dict[DRAWS].receipts.of(
        sale_id,
        room.sale.draw,
        ticket.entry_number,
        ticket.entered_as or ticket.fan_id,
    )
    found = msgspec.structs.replace(
        place_document(room, document, ticket, request.config_dict[CLOCK].now_ms()),
        receipt=receipt or msgspec.UNSET,
        shares=share_of(ticket, room.sale.draw) or msgspec.UNSET,
        ticket=again.text if again else msgspec.UNSET,
    )
    response = Json(found)
    if again is not None:
        give_ticket(request, response, again)
    return response


def place_document(
    room: Room, document: BoardDocument, ticket: TicketClaims, now_ms: int
) -> PlaceDocument:
    """Return where a fan stands, worked out from the board, the draw and the line as last told."""
    number = place_of(ticket, document.phase, room.sale.draw)
    serving = serving_in(document, ticket.lane)
    ahead = None if number is None else ahead_in(document, ticket.lane, number)
    called = number is not None and number <= serving
    within_ms = None
    if number is not None and called:
        within_ms = room.claim_within_ms(number, ticket.lane, now_ms)
    eta = None
    if called:
        eta = NO_WAIT if document.phase in LETTING_IN and within_ms else None
    elif ahead is not None and (told := eta_at(eta_in(document, ticket.lane), ahead)):
        eta = EtaRange(told.p10, told.p50, told.p90)
    return PlaceDocument(
        place=number,
        entry_number=ticket.entry_number,
        lane=ticket.lane,
        ahead=ahead,
        eta=eta,
        phase=document.phase,
        called=called,
        claim_within_ms=msgspec.UNSET if within_ms is None else within_ms,
    )


@routes.post(
    "/api/sales/{sale}/admit",
    refuses=[
        *(SaleNotFound, TicketInvalid, TicketMoved, DeviceProofInvalid, NotYourTurn),
        *(SaleNotOpen, SalePaused, SaleClosed, StepUpNeeded),
        *(TooManyRequests, StoreUnavailable),
    ],
    headers=[DPOP],
    credential=TICKET_OR_BODY,
)
async def admit(request: web.Request, body: AdmitBody) -> Created[AdmissionDocument]:
    """Let a called fan in; asked again, they get the visit they have."""
    given = await joining.admit(request, request.match_info["sale"], body.ticket, body.event)
    response = Created(
        AdmissionDocument(given.text, moment_of(given.claims.expires_at_ms), given.go_to)
    )
    give_pass(request, response, given.claims, given.text)
    return response


@routes.post(
    "/api/sales/{sale}/leave",
    refuses=[SaleNotFound, TicketInvalid, StoreUnavailable],
    credential=TICKET_OR_BODY,
)
async def leave(request: web.Request, body: LeaveBody) -> NoContent:
    """End the fan's visit or wait; a pass in the header ends its visit."""
    sale_id = request.match_info["sale"]
    rooms = request.config_dict[ROOMS]
    rooms.room(sale_id)
    response = NoContent()
    try:
        ticket = read_ticket(request, sale_id, body.ticket)
    except TicketInvalid:
        admission = _pass_of(request, sale_id)
        if admission is None:
            raise
        await rooms.line.visits.end(sale_id, admission.fan_id)
        return response
    await rooms.line.visits.end(sale_id, ticket.fan_id)
    take_place_back(request, response, ticket)
    return response


def _pass_of(request: web.Request, sale_id: str) -> PassClaims | None:
    """Return the header's pass of the sale; one that has ended has no visit."""
    with suppress(PassExpired):
        admission = pass_in_header(request)
        if admission is not None and admission.sale_id == sale_id:
            return admission
    return None


def give_ticket(
    request: web.Request, response: web.StreamResponse, given: joining.TicketGiven
) -> None:
    """Set the ticket cookie."""
    for line in ticket_cookies(request, given):
        response.headers.add("Set-Cookie", line)


def ticket_cookies(request: Asking, given: joining.TicketGiven) -> list[str]:
    """Return what Set-Cookie says to set the ticket cookie."""
    settings = request.app[SETTINGS]
    return cookies.lines_to_give(
        request,
        cookies.TICKET,
        given.claims.sale_id,
        given.text,
        settings.ticket_ms // 1000,
        is_secure=settings.is_secure,
    )


def take_place_back(
    request: web.Request, response: web.StreamResponse, ticket: TicketClaims
) -> None:
    """Delete the pass of a fan who has left, and of their ticket all but whose orders are whose."""
    is_secure = request.config_dict[SETTINGS].is_secure
    cookies.take_back(response, cookies.PASS, ticket.sale_id, is_secure=is_secure)
    give_ticket(request, response, joining.without_place(request, ticket))


def take_both_back(request: web.Request, response: web.StreamResponse, sale_id: str) -> None:
    """Delete the cookies of a fan who has left the sale."""
    is_secure = request.config_dict[SETTINGS].is_secure
    for kind in (cookies.PASS, cookies.TICKET):
        cookies.take_back(response, kind, sale_id, is_secure=is_secure)


def moment_of(at_ms: int) -> str:
    """Return a moment as answers write it."""
    return moment_text(datetime.fromtimestamp(at_ms / 1000, UTC))
