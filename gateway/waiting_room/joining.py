"""Taking a fan into the line, and letting a called fan in: the two acts of the waiting room."""

import msgspec
from aiohttp import web

from gateway import metrics
from gateway.app_keys import (
    CLOCK,
    DRAWS,
    POLICY,
    PROOF_OF_WORK,
    ROOMS,
    SETTINGS,
    TOKENS,
    WAIT_TOKENS,
)
from gateway.bot_checks.client_kind import kind_of_client
from gateway.draw.entries import came_from
from gateway.edge.asking import asked_from
from gateway.edge.credentials import find_ticket, prove_device, read_ticket_in_line
from gateway.waiting_room.allowances import WAITING_JOINS
from gateway.waiting_room.board import ahead_in, eta_in, moment_text
from gateway.waiting_room.eta import eta_at
from gateway.waiting_room.fan_names import fan_id_of, press_of
from gateway.waiting_room.lanes import lane_by_code, lane_held
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.places import place_of
from gateway.waiting_room.room import Room
from gateway.waiting_room.sales import Phase, Sale
from gateway.waiting_room.spent_proofs import forgive_wait, spend_wait
from gateway.waiting_room.stepping_up import refuse_unchecked
from gateway.waiting_room.watching import note, signals_of_work, worth_noting
from groundwork.counted_soon import count_soon
from groundwork.errors import (
    BookingError,
    BotCheckFailed,
    NotYourTurn,
    SaleClosed,
    SaleNotOpen,
    SalePaused,
    StoreUnavailable,
)
from groundwork.plain_request import Asking
from groundwork.tokens import PassClaims, TicketClaims

# What a fan is told at most to wait before asking again: their turn may come sooner than thought.
RETRY_SECONDS_MAX = 30


class TicketGiven(msgspec.Struct, frozen=True):
    """A fan's ticket as text, and what it says."""

    text: str
    claims: TicketClaims
    phase: Phase


class PassGiven(msgspec.Struct, frozen=True):
    """An admission pass as text, what it says, and where it leads."""

    text: str
    claims: PassClaims
    go_to: str


def phase_of(request: Asking, sale: Sale) -> Phase:
    """Return where the sale stands now."""
    return sale.phase(request.app[CLOCK].now_ms())


async def join(
    request: Asking, sale_id: str, altcha: str, code: str = "", mailbox: str = ""
) -> TicketGiven:
    """Give the fan who solved the proof of work a place in line; the same device gets the same.

    In a sale that asks for mailboxes the same mailbox gets the same, on whatever device. An access
    code gives them a place in its lane, also to a fan who is in line already.
    Raises SaleNotFound, SaleClosed, BotCheckFailed, DeviceProofInvalid, StoreUnavailable,
    MailboxNeeded; for the code AccessCodeInvalid, TooManyRequests, and then the work is spent, no more.
    """
    room = _open_room(request, sale_id)
    try:
        proof = prove_device(request, None)
        jkt = proof.jkt if proof else None
        solved = request.app[PROOF_OF_WORK].check(altcha, sale_id, jkt)
    except BookingError:
        metrics.JOINS.labels(sale_id, "refused").inc()
        metrics.BOT_CHECKS.labels(sale_id, "proof_of_work", "refused").inc()
        raise
    count_soon(metrics.BOT_CHECKS, sale_id, "proof_of_work", "passed")
    fan_id = fan_id_of(request, room.sale, jkt, mailbox, press_of(solved.nonce, code))
    device = proof.replay_key if proof else None
    try:
        given = await _take_in(request, room, fan_id, jkt, solved.nonce, device, code)
    except BotCheckFailed:
        if (
            not code
        ):  # somebody else has done this work; with a code it may be one's own, for another
            await note(request, sale_id, fan_id, {"replayed"})
        raise
    if found := worth_noting(request, signals_of_work(request, solved, jkt)):
        await note(request, sale_id, fan_id, found)
    return given


async def join_by_waiting(
    request: web.Request, sale_id: str, wait_token: str, code: str = "", hidden_field: str = ""
) -> TicketGiven:
    """Give a fan without JavaScript a place in line for having waited a moment.

    `hidden_field` is what stands in a field that no person sees. Raises as `join` does.
    """
    room = _open_room(request, sale_id)
    try:
        nonce = request.app[WAIT_TOKENS].check(wait_token, sale_id)
        fan_id = fan_id_of(request, room.sale, None, press=press_of(nonce, code))
        await spend_wait(request, WAITING_JOINS, sale_id, nonce, fan_id)
    except BookingError:
        metrics.JOINS.labels(sale_id, "refused").inc()
        metrics.BOT_CHECKS.labels(sale_id, "wait_token", "refused").inc()
        raise
    metrics.BOT_CHECKS.labels(sale_id, "wait_token", "passed").inc()
    try:
        given = await _take_in(request, room, fan_id, None, nonce, None, code)
    except StoreUnavailable:
        await forgive_wait(request, sale_id, nonce)
        raise
    if found := worth_noting(request, {"hidden-field"} if hidden_field else ()):
        await note(request, sale_id, fan_id, found)
    return given


def _open_room(request: Asking, sale_id: str) -> Room:
    room = request.app[ROOMS].room(sale_id)
    # Not the phase: before the opening, and when all is sold, it does not tell what an operator has said.
    if room.sale.state in ("closed", "draining"):
        raise SaleClosed
    return room


async def _take_in(
    request: Asking,
    room: Room,
    fan_id: str,
    jkt: str | None,
    proof: str,
    device: str | None,
    code: str,
) -> TicketGiven:
    sale_id = room.sale.sale_id
    rooms = request.app[ROOMS]
    try:
        if code.strip():
            lane = await lane_by_code(request, room.sale, fan_id, code, proof)
        else:
            lane = lane_held(request, room.sale, fan_id)
        asked = asked_from(request, sale_id)
        draw = room.sale.draw
        has_clusters = draw is not None and draw.has_clusters and draw.state == "committed"
        origin = came_from(asked, kind_of_client(request.headers)) if has_clusters else ""
        joined = await rooms.line.join(sale_id, fan_id, proof, device, lane, asked, origin)
    except BookingError:
        metrics.JOINS.labels(sale_id, "refused").inc()
        raise
    count_soon(metrics.JOINS, sale_id, "joined" if joined.is_new else "repeated")
    rooms.note_joined(sale_id, joined, lane)
    now_ms = request.app[CLOCK].now_ms()
    # Without a draw a number given before the opening is a place as soon as there are places.
    is_general, phase = lane == GENERAL, room.sale.phase(now_ms)
    is_early = is_general and phase == "before" and draw is None
    ends_at_ms = now_ms + request.app[SETTINGS].ticket_ms
    held = find_ticket(request, sale_id)
    if held and held.fan_id == fan_id and (held.lane or GENERAL) == lane:
        kept = place_of(held, "open", draw)
        if kept is not None and joined.place is not None and kept < joined.place:
            # The store that knew it was lost, and gave them another; what they were told still counts.
            again = {"issued_at_ms": now_ms, "expires_at_ms": ends_at_ms}
            return signed(request, room, msgspec.structs.replace(held, **again))
    claims = TicketClaims(
        fan_id=fan_id,
        sale_id=sale_id,
        place=None if is_early else joined.place,
        entry_number=joined.place if is_early else joined.entry_number,
        lane=None if is_general else lane,
        jkt=jkt,
        issued_at_ms=now_ms,
        expires_at_ms=ends_at_ms,
    )
    return TicketGiven(request.app[TOKENS].sign_ticket(claims), claims, phase)


def signed(request: Asking, room: Room, claims: TicketClaims) -> TicketGiven:
    """Return the claims as a ticket."""
    text = request.app[TOKENS].sign_ticket(claims)
    return TicketGiven(text, claims, phase_of(request, room.sale))


def without_place(request: web.Request, ticket: TicketClaims) -> TicketGiven:
    """Return the ticket of a fan who gave up their place: it shows whose orders are theirs."""
    nowhere = {"place": None, "entry_number": None, "entered_as": None, "lane": None}
    room = request.config_dict[ROOMS].room(ticket.sale_id)
    return signed(request, room, msgspec.structs.replace(ticket, **nowhere))


async def entered_again(request: web.Request, ticket: TicketClaims | None) -> TicketGiven | None:
    """Return a new ticket for a fan whose entry was lost with a store, if there is one to give.

    While entries are taken they enter again, without work: they have done it. Afterwards only who
    entered again by themselves has an entry; everybody else shares a place, see place_of. Where the
    place was moved, who has it enters: the name of the first device is dead.
    """
    if ticket is None or ticket.entry_number is None:
        return None
    sale_id, fan_id, entered_as = ticket.sale_id, ticket.fan_id, ticket.entered_as
    rooms = request.app[ROOMS]
    room = rooms.room(sale_id)
    draw = room.sale.draw
    told = draw.on_board(room.sale.opens_at_ms) if draw else None
    if told is None or not told.lacks(ticket.entry_number):
        return None
    entries = request.app[DRAWS].entries
    entry_number = await entries.find(sale_id, entered_as) if entered_as else None
    if entry_number is None:
        entered_as, entry_number = None, await entries.find(sale_id, fan_id)
    if entry_number is None and told.state == "committed":
        joined = await rooms.line.join(sale_id, fan_id, f"entry:{fan_id}", None)
        entry_number = joined.entry_number
    if entry_number is None:
        return None
    again = {"entry_number": entry_number, "entered_as": entered_as}
    return signed(request, room, msgspec.structs.replace(ticket, **again))


async def admit(
    request: web.Request, sale_id: str, ticket_text: str | None, event_id: str | None
) -> PassGiven:
    """Let a called fan in; asked again, they get the visit they have.

    Raises TicketInvalid, DeviceProofInvalid, NotYourTurn, SaleNotOpen, SalePaused, SaleClosed,
    StepUpNeeded.
    """
    rooms = request.app[ROOMS]
    room = rooms.room(sale_id)
    ticket = read_ticket_in_line(request, sale_id, ticket_text)
    proof = prove_device(request, ticket.jkt)
    if again := await entered_again(request, ticket):
        ticket = again.claims
    phase = phase_of(request, room.sale)
    place = place_of(ticket, phase, room.sale.draw)
    if phase == "closed":
        raise SaleClosed
    if phase == "paused":
        raise SalePaused(room.sale.pause_reason)
    if place is None or phase == "before":
        raise SaleNotOpen(opens_at=moment_text(room.sale.opens_at))
    seats_max = await refuse_unchecked(request, ticket)
    try:
        visit = await rooms.line.admit(
            room.sale,
            ticket.fan_id,
            place,
            proof.replay_key if proof else None,
            ticket.lane or GENERAL,
        )
    except NotYourTurn as refusal:
        if refusal.called:
            raise
        ahead = ahead_in(room.board.document, ticket.lane, place) if room.board else refusal.ahead
        raise NotYourTurn(_retry_after(room, refusal, ticket.lane, ahead), ahead) from refusal
    metrics.ADMISSIONS.labels(sale_id).inc()
    claims = PassClaims(
        fan_id=ticket.fan_id,
        sale_id=sale_id,
        visit_id=visit.visit_id,
        jkt=ticket.jkt,
        seats_max=seats_max,
        issued_at_ms=visit.ends_at_ms - request.app[SETTINGS].pass_ms,
        expires_at_ms=visit.ends_at_ms,
    )
    return PassGiven(
        request.app[TOKENS].sign_pass(claims),
        claims,
        entrance(request, room.sale, event_id),
    )


def entrance(request: web.Request, sale: Sale, event_id: str | None) -> str:
    """Return where an admitted fan goes: where the shop says, else to the seats of an event.

    Of the event they came for, or of the sale's first.
    """
    if told := request.app[POLICY].entrance:
        return told
    if event_id in sale.event_ids:
        return f"/events/{event_id}/seats"
    return f"/events/{sale.event_ids[0]}/seats" if sale.event_ids else "/"


def _retry_after(room: Room, refusal: NotYourTurn, lane: str | None, ahead: int) -> int:
    """Return the seconds after which asking again makes sense, from what is known of the wait."""
    eta = eta_at(eta_in(room.board.document, lane) if room.board else (), ahead)
    return max(refusal.retry_after, min(RETRY_SECONDS_MAX, eta.p10 if eta else RETRY_SECONDS_MAX))
